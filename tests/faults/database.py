"""Looks at a server's database while no server runs."""

from contextlib import closing

import apsw
import psycopg
from psycopg import sql

from tests.commands import trackback
from trackback.storage.schema import parse_location


def check_database(uri: str) -> str:
    """What `trackback db check` says."""
    return trackback("db", "check", "--backend-store-uri", uri).stdout.strip()


def count_rows(uri: str, table: str) -> int:
    location = parse_location(uri)
    if location.path is not None:
        with closing(apsw.Connection(str(location.path))) as database:
            rows: list[tuple[int]] = database.execute(f"SELECT count(*) FROM {table}").fetchall()  # type: ignore[assignment]
            return rows[0][0]
    with psycopg.connect(location.uri) as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
        assert row is not None
        return int(row[0])
