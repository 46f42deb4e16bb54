"""The schema's versions: numbered SQL files, applied in order, each in one transaction with its number.

A new database gets all of them. An older one is upgraded only when told (``trackback db upgrade``), and a newer one is
refused: it may hold what this version would damage.
"""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from trackback.errors import ConfigurationError, SchemaError
from trackback.storage import sqlite_connection
from trackback.storage.file_lock import FileLock
from trackback.storage.interface import Storage
from trackback.storage.sqlite import SqliteStorage

if TYPE_CHECKING:
    import psycopg

_FILE = re.compile(r"(\d{4})_\w+\.(sqlite|postgres)\.sql")
_UPGRADE_LOCK = 0x7472_6163_6B62_6163  # "trackbac": no two servers create or upgrade a PostgreSQL schema at once


class Migration(NamedTuple):
    version: int
    name: str
    sql: str


class Location(NamedTuple):
    """Where a ``--backend-store-uri`` points: a SQLite file, or PostgreSQL."""

    path: Path | None
    uri: str


def parse_location(uri: str) -> Location:
    """``sqlite:///relative/path``, ``sqlite:////absolute/path``, or ``postgresql://…`` (SQLAlchemy's spellings too)."""
    scheme, separator, rest = uri.partition("://")
    if scheme == "sqlite" and separator and rest.startswith("/") and len(rest) > 1:
        return Location(Path(rest[1:]), uri)
    if scheme in ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2") and rest:
        return Location(None, f"postgresql://{rest}")
    raise ConfigurationError(
        f"Can't use {uri!r} as the backend store: give sqlite:///path/to/file.db or postgresql://user@host/database."
    )


def migrations(database: str) -> list[Migration]:
    """The migrations for ``sqlite`` or ``postgres``, in order."""
    found = []
    for file in files("trackback.storage").joinpath("migrations").iterdir():
        if (match := _FILE.fullmatch(file.name)) and match[2] == database:
            found.append(Migration(int(match[1]), file.name, file.read_text("utf-8")))
    return sorted(found)


def open_storage(uri: str, read_timeout_s: float = math.inf) -> Storage:
    """The storage at ``uri``, whose reads take no longer than that; creates the schema in a new database.

    Raises ConfigurationError if the database can't be opened, SchemaError if its schema is older or newer than ours.
    """
    location = parse_location(uri)
    if location.path is None:
        from trackback.storage import postgres  # noqa: PLC0415 - psycopg takes 0.2 s, which SQLite should not wait for

        _prepare_postgres(location.uri, upgrade=False)
        return postgres.PostgresStorage(location.uri, read_timeout_s)
    with closing(_lock(location.path)):
        _prepare_sqlite(location.path, upgrade=False)
    return SqliteStorage(location.path, read_timeout_s)


def upgrade(uri: str) -> tuple[int, int]:
    """Bring the schema at ``uri`` up to date; the version it had (0: none) and the one it has now."""
    location = parse_location(uri)
    if location.path is None:
        return _prepare_postgres(location.uri, upgrade=True)
    with closing(_lock(location.path)):
        return _prepare_sqlite(location.path, upgrade=True)


def check(uri: str) -> list[str]:
    """What is wrong with the database at ``uri``, a sentence each; empty if it is sound."""
    location = parse_location(uri)
    if location.path is None:
        from trackback.storage import postgres_sessions  # noqa: PLC0415 - as above

        with (
            closing(postgres_sessions.connect_at_start(location.uri)) as connection,
            postgres_sessions.at_start("check"),
        ):
            return _version_faults("postgres", _postgres_version(connection))
    if not location.path.exists():
        return [f"There is no database file {location.path}."]
    faults: list[str] = []
    with closing(FileLock(location.path)), closing(sqlite_connection.connect(location.path)) as database:
        try:
            faults.extend(_sqlite_faults(database))
        except apsw.Error as error:
            faults.append(f"The database can't be read to its end: {error}. Restore it from a backup.")
    return faults


def _sqlite_faults(database: apsw.Connection) -> Iterator[str]:
    for (word,) in database.execute("PRAGMA integrity_check"):
        if word != "ok":
            yield str(word)
    for table, row, parent, _ in database.execute("PRAGMA foreign_key_check"):
        yield f"Row {row} of {table} refers to a row of {parent} that is not there."
    yield from _version_faults("sqlite", _sqlite_version(database))


def _version_faults(database: str, version: int) -> list[str]:
    newest = migrations(database)[-1].version
    return [] if version == newest else [_mismatch(version, newest)]


def _mismatch(version: int, newest: int) -> str:
    if version > newest:
        return (
            f"The database's schema has version {version}, this trackback knows {newest}: "
            "a newer trackback has upgraded it. Install that version here too."
        )
    return (
        f"The database's schema has version {version}, this trackback needs {newest}. "
        "Make a backup, stop the servers that use it, and run `trackback db upgrade`."
    )


def _pending(database: str, version: int, upgrade: bool) -> list[Migration]:
    """The migrations to apply to a database at ``version`` (0: new); SchemaError if that is not to be."""
    known = migrations(database)
    newest = known[-1].version
    if version > newest or (0 < version < newest and not upgrade):
        raise SchemaError(_mismatch(version, newest))
    return [migration for migration in known if migration.version > version]


def _apply(execute: Callable[[str], Any], pending: list[Migration]) -> None:
    for migration in pending:
        execute(migration.sql)
        execute(
            f"INSERT INTO schema_version (singleton, version) VALUES (1, {migration.version}) "
            "ON CONFLICT (singleton) DO UPDATE SET version = excluded.version"
        )


def _lock(path: Path) -> FileLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"Can't make the directory {path.parent}: {error.strerror}.") from error
    return FileLock(path)


def _prepare_sqlite(path: Path, upgrade: bool) -> tuple[int, int]:
    with closing(sqlite_connection.connect(path)) as connection:
        version = _sqlite_version(connection)
        if pending := _pending("sqlite", version, upgrade):
            try:
                with connection:
                    _apply(connection.execute, pending)
            except apsw.Error as error:
                raise ConfigurationError(f"Can't write the schema to the database {path}: {error}.") from error
        return version, _sqlite_version(connection)


def _sqlite_version(connection: apsw.Connection) -> int:
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'schema_version'").fetchall():
        version: Any = connection.execute("SELECT version FROM schema_version").fetchall()[0][0]
        return int(version)
    if other := connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' LIMIT 1").fetchall():
        raise SchemaError(f"The database has tables that are not trackback's ({other[0][0]}, for one): give another.")
    return 0


def _prepare_postgres(uri: str, upgrade: bool) -> tuple[int, int]:
    from trackback.storage import postgres_sessions  # noqa: PLC0415 - as above

    with (
        closing(postgres_sessions.connect_at_start(uri)) as connection,
        postgres_sessions.at_start("write the schema to"),
        connection.transaction(),
    ):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_UPGRADE_LOCK])
        version = _postgres_version(connection)
        _apply(connection.execute, _pending("postgres", version, upgrade))
        return version, _postgres_version(connection)


def _postgres_version(connection: "psycopg.Connection[tuple[Any, ...]]") -> int:
    tables = {
        name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    }
    if "schema_version" in tables:
        row = connection.execute("SELECT version FROM schema_version").fetchone()
        return int(row[0]) if row else 0
    if tables & {"experiments", "runs"}:
        raise SchemaError("The database has tables that are not trackback's (MLflow's, it seems): give another.")
    return 0
