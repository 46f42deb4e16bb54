"""Copies of a whole database, taken while servers use it: one consistent state, with a list of the blobs it names.

SQLite's own backup copies its file, from a connection that only reads and leaves the server its lock. PostgreSQL's own
pg_dump, which has to be installed, writes an archive of the snapshot that the list is read from too.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from trackback.entities import Blob
from trackback.errors import ConfigurationError, TrackbackError
from trackback.storage import sqlite_connection
from trackback.storage.file_lock import FileLock
from trackback.storage.schema import parse_location

if TYPE_CHECKING:
    import psycopg

SQLITE, POSTGRES = "sqlite", "postgres"

# What broken-off removals have detached is named too: that it is there does no harm.
_NAMED = (
    "SELECT b.digest, b.size, b.location FROM blobs b"
    " WHERE EXISTS (SELECT 1 FROM manifest_entries e WHERE e.blob = b.id) ORDER BY b.id"
)
_VERSION = "SELECT version FROM schema_version"
_FETCHED = 2000


class DatabaseCopy(NamedTuple):
    """``kind``: of the database; ``schema``: its version."""

    kind: str
    file: Path
    schema: int


def copy_database(uri: str, folder: Path, name_blob: Callable[[Blob], None]) -> DatabaseCopy:
    """Copy the database at ``uri`` to a file in ``folder``; ``name_blob`` is told each blob that a file of it is.

    Raises ConfigurationError if there is no such database, or the programs are missing that this takes.
    """
    location = parse_location(uri)
    if location.path is None:
        return _dump(location.uri, folder / "database.pgdump", name_blob)
    if not location.path.exists():
        raise ConfigurationError(f"There is no database file {location.path}.")
    return _copy_file(location.path, folder / "database.sqlite3", name_blob)


def check_absent(uri: str, kind: str) -> None:
    """ConfigurationError if there is a database at ``uri`` already, or it can't take a copy of that kind."""
    location = parse_location(uri)
    if (location.path is None) != (kind == POSTGRES):
        other = "postgresql://user@host/database" if kind == POSTGRES else "sqlite:///path/to/file.db"
        raise ConfigurationError(f"The backup is of another kind of database than {uri!r}: give {other}.")
    if location.path is None:
        _check_empty(location.uri)
    elif any(Path(f"{location.path}{end}").exists() for end in ("", "-wal")):
        raise ConfigurationError(f"There is a database {location.path} already. Give another, or move that away.")


def restore_database(copy: DatabaseCopy, uri: str) -> None:
    """Make the database at ``uri``, where there is none, from a copy."""
    check_absent(uri, copy.kind)
    location = parse_location(uri)
    if location.path is None:
        options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
        _run("pg_restore", location.uri, [*options, str(copy.file)])
        return
    location.path.parent.mkdir(parents=True, exist_ok=True)
    with closing(FileLock(location.path)):
        arriving = location.path.with_name(f"{location.path.name}.restoring")
        shutil.copyfile(copy.file, arriving)
        _sync(arriving)
        arriving.rename(location.path)
        _sync(location.path.parent)


def _copy_file(path: Path, target: Path, name_blob: Callable[[Blob], None]) -> DatabaseCopy:
    try:
        with closing(sqlite_connection.connect(path)) as database, closing(apsw.Connection(str(target))) as copy:
            database.pragma("query_only", True)
            database.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # that is for the server to do
            with copy.backup("main", database, "main") as backup:
                while not backup.done:
                    backup.step(-1)
            copy.pragma("journal_mode", "delete")  # so that the copy is one file
            _name_all(copy.execute(_NAMED), name_blob)
            version: Any = copy.execute(_VERSION).fetchall()[0][0]
    except apsw.Error as error:
        raise TrackbackError(f"Can't copy the database {path}: {error}.") from error
    _sync(target)
    return DatabaseCopy(SQLITE, target, int(version))


def _dump(uri: str, target: Path, name_blob: Callable[[Blob], None]) -> DatabaseCopy:
    with _connected(uri) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        snapshot, version = connection.execute(f"SELECT pg_export_snapshot(), ({_VERSION})").fetchall()[0]
        with connection.cursor("named_blobs") as cursor:
            cursor.itersize = _FETCHED
            _name_all(cursor.execute(_NAMED), name_blob)
        _run("pg_dump", uri, ["--format=custom", f"--snapshot={snapshot}", f"--file={target}"])
    _sync(target)
    return DatabaseCopy(POSTGRES, target, int(version))


def _name_all(rows: Iterable[Any], name_blob: Callable[[Blob], None]) -> None:
    for row in rows:
        name_blob(Blob(*row))


def _check_empty(uri: str) -> None:
    with _connected(uri) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LIMIT 1"
        ).fetchall()
    if tables:
        raise ConfigurationError(f"The database has tables already ({tables[0][0]}, for one). Give an empty one.")


@contextmanager
def _connected(uri: str) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    from trackback.storage import postgres_sessions  # noqa: PLC0415 - psycopg takes 0.2 s, which SQLite should not wait for

    with closing(postgres_sessions.connect_at_start(uri)) as connection, postgres_sessions.at_start("read"):
        yield connection


def _run(program: str, uri: str, arguments: list[str]) -> None:
    """Run one of PostgreSQL's programs on a database; the password goes by the environment, where `ps` shows it not."""
    from psycopg import conninfo  # noqa: PLC0415 - as above

    if shutil.which(program) is None:
        raise ConfigurationError(
            f"{program} is not installed here. It comes with PostgreSQL's client programs (on Debian: apt install "
            "postgresql-client); its version must be the server's, or newer."
        )
    parts = conninfo.conninfo_to_dict(uri)
    password = parts.pop("password", None)
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    target = conninfo.make_conninfo("", **parts)
    done = subprocess.run(
        [program, *arguments, f"--dbname={target}"], env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise ConfigurationError(f"{program} failed: {done.stderr.strip() or f'exit code {done.returncode}'}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
