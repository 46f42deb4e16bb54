"""How a database gets its schema, and which schemas are refused."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import psycopg
import pytest

from trackback.errors import ConfigurationError, SchemaError
from trackback.storage import open_storage, schema
from trackback.storage.schema import Migration, migrations

COLUMNS = """
SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2
"""
POSTGRES_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()
ORDER BY table_name COLLATE "C", column_name COLLATE "C"
"""
LATER = Migration(migrations("sqlite")[-1].version + 1, "later", "CREATE TABLE later (id INTEGER)")


def execute(uri: str, sql: str) -> list[tuple[Any, ...]]:
    location = schema.parse_location(uri)
    if location.path is None:
        with psycopg.connect(location.uri, autocommit=True) as server:
            cursor = server.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []
    with closing(apsw.Connection(str(location.path))) as file:
        return list(file.execute(sql))


@pytest.fixture
def a_later_version(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Call it, and trackback has one migration more."""

    def add() -> None:
        monkeypatch.setattr(schema, "migrations", lambda database: [*migrations(database), LATER])

    return add


async def test_a_new_database_gets_every_migration(backend_uri: str) -> None:
    await open_storage(backend_uri).close()
    assert execute(backend_uri, "SELECT version FROM schema_version") == [(migrations("sqlite")[-1].version,)]
    assert schema.check(backend_uri) == []


async def test_both_databases_have_the_same_tables_and_columns(sqlite_uri: str, postgres_uri: str) -> None:
    for uri in (sqlite_uri, postgres_uri):
        await open_storage(uri).close()
    assert execute(sqlite_uri, COLUMNS) == execute(postgres_uri, POSTGRES_COLUMNS)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_migrations_are_numbered_without_gaps_and_alike(database: str) -> None:
    assert [each.version for each in migrations(database)] == list(range(1, len(migrations("sqlite")) + 1))


async def test_an_older_schema_is_upgraded_only_when_told(
    backend_uri: str, a_later_version: Callable[[], None]
) -> None:
    await open_storage(backend_uri).close()
    a_later_version()
    with pytest.raises(SchemaError, match="run `trackback db upgrade`"):
        open_storage(backend_uri)
    assert schema.check(backend_uri) != []
    assert schema.upgrade(backend_uri) == (LATER.version - 1, LATER.version)
    await open_storage(backend_uri).close()
    assert execute(backend_uri, "SELECT * FROM later") == []


async def test_a_newer_schema_is_refused_also_by_an_upgrade(backend_uri: str) -> None:
    await open_storage(backend_uri).close()
    execute(backend_uri, "UPDATE schema_version SET version = 999")
    for attempt in (open_storage, schema.upgrade):
        with pytest.raises(SchemaError, match="a newer trackback has upgraded it"):
            attempt(backend_uri)


async def test_a_failed_migration_leaves_the_schema_as_it_was(
    backend_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_storage(backend_uri).close()
    broken = LATER._replace(sql="CREATE TABLE later (id INTEGER); CREATE TABLE runs (id INTEGER)")
    monkeypatch.setattr(schema, "migrations", lambda database: [*migrations(database), broken])
    with pytest.raises(ConfigurationError, match="Can't write the schema to the database"):
        schema.upgrade(backend_uri)
    monkeypatch.undo()
    assert schema.check(backend_uri) == []
    await open_storage(backend_uri).close()


def test_a_database_with_tables_of_another_program_is_refused(backend_uri: str) -> None:
    execute(backend_uri, "CREATE TABLE experiments (experiment_id INTEGER)")
    with pytest.raises(SchemaError, match="not trackback's"):
        open_storage(backend_uri)


async def test_a_second_owner_of_a_sqlite_file_is_refused(sqlite_uri: str) -> None:
    first = open_storage(sqlite_uri)
    with pytest.raises(ConfigurationError, match="in use by another trackback process"):
        open_storage(sqlite_uri)
    await first.close()
    await open_storage(sqlite_uri).close()


@pytest.mark.parametrize("uri", ["", "mysql://host/db", "sqlite://", "sqlite:///", "trackback.db", "postgresql://"])
def test_a_uri_of_no_known_database_is_refused(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="as the backend store"):
        open_storage(uri)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but a long enough text to look at" * 100)
    with pytest.raises(ConfigurationError, match="Can't open the database"):
        open_storage(f"sqlite:///{tmp_path}/x.db")


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Can't connect to the database"):
        open_storage("postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.parametrize("damage", [bytes(3000), b"\xab" * 30_000], ids=["zeros", "pages that can't be read"])
async def test_check_finds_a_damaged_file(sqlite_uri: str, tmp_path: Path, damage: bytes) -> None:
    await open_storage(sqlite_uri).close()
    rows = ", ".join(f"('name {i}')" for i in range(2000))
    execute(sqlite_uri, f"INSERT INTO names (name) VALUES {rows}")
    execute(sqlite_uri, "PRAGMA wal_checkpoint(TRUNCATE)")
    file = tmp_path / "trackback.db"
    content = bytearray(file.read_bytes())
    place = content.index(b"name 1000")
    content[place : place + len(damage)] = damage
    file.write_bytes(content)
    assert schema.check(sqlite_uri) != []
