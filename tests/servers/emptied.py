"""Databases of PostgreSQL that are used again and again: to empty one takes a fraction of the work of making it."""

from typing import Any

import psycopg
from psycopg import sql

from tests.servers.postgres import Postgres

_CUT = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_SEQUENCES = (
    "SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), last_value IS NOT NULL "
    "FROM pg_sequences WHERE schemaname = 'public'"
)


class EmptiedDatabases:
    """Databases with the tables and rows of the one at ``template_url``, lent out one after the other."""

    def __init__(self, postgres: Postgres, template_url: str) -> None:
        self._postgres = postgres
        self._template = template_url.rpartition("/")[2]
        with psycopg.connect(template_url) as template:
            self._emptying = _emptying(template)
        self._idle: list[str] = []
        self._connections: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}

    def take(self) -> str:
        """The URL of a database that is as the template was."""
        if self._idle:
            return self._idle.pop()
        url = self._postgres.create_database(self._template)
        self._connections[url] = psycopg.connect(url, autocommit=True)
        return url

    def give_back(self, url: str) -> None:
        """Cut whoever is still connected to the database, and empty it for the next who takes one."""
        connection = self._connections[url]
        connection.execute(_CUT)
        connection.execute(self._emptying)
        self._idle.append(url)

    def close(self) -> None:
        for url, connection in self._connections.items():
            connection.close()
            self._postgres.drop_database(url)


def _emptying(template: psycopg.Connection[tuple[Any, ...]]) -> sql.Composed:
    """Statements that leave a database with the template's rows alone. Neither triggers nor keys stand in their way."""
    statements: list[sql.Composable] = [sql.SQL("SET LOCAL session_replication_role = replica")]
    for sequence in template.execute(_SEQUENCES).fetchall():
        statements.append(sql.SQL("SELECT setval({}, {}, {})").format(*map(sql.Literal, sequence)))
    for (name,) in template.execute(_TABLES).fetchall():
        table = sql.Identifier(str(name))
        statements.append(sql.SQL("DELETE FROM {}").format(table))
        rows = template.execute(sql.SQL("SELECT * FROM {}").format(table)).fetchall()
        for row in rows:
            fields = sql.SQL(", ").join(map(sql.Literal, row))
            statements.append(sql.SQL("INSERT INTO {} VALUES ({})").format(table, fields))
    return sql.SQL("; ").join(statements)
