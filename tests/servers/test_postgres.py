"""What the other tests rely on when they use the PostgreSQL of the tests."""

import psycopg

from tests.scratch import DISK
from tests.servers.postgres import Postgres


def write(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def names(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM things ORDER BY name")]


def test_a_new_database_copies_its_template_and_shares_nothing_with_it(postgres: Postgres) -> None:
    template = postgres.create_database()
    write(template, "CREATE TABLE things (name text)")
    copy = postgres.create_database(template.rpartition("/")[2])
    write(copy, "INSERT INTO things VALUES ('of the copy')")
    assert (names(template), names(copy)) == ([], ["of the copy"])


def test_what_was_committed_survives_a_kill_and_a_restart() -> None:
    with Postgres(DISK) as server:
        write(server.url, "CREATE TABLE things (name text)")
        write(server.url, "INSERT INTO things VALUES ('before')")
        server.kill()
        server.start()
        write(server.url, "INSERT INTO things VALUES ('between')")
        server.restart()
        assert names(server.url) == ["before", "between"]


def test_default_order_is_a_languages_so_that_a_forgotten_binary_collation_shows(postgres_uri: str) -> None:
    write(postgres_uri, "CREATE TABLE things (name text)")
    write(postgres_uri, "INSERT INTO things VALUES ('b'), ('B'), ('a')")
    assert names(postgres_uri) == ["a", "b", "B"]
