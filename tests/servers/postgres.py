"""A real PostgreSQL, with fsync on as in production."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from tests.scratch import in_memory
from tests.servers.program import Program, free_port


def missing() -> str | None:
    """Why PostgreSQL cannot be started here, or None."""
    if programs() is None:
        return "no PostgreSQL server programs (on Debian: apt install postgresql)"
    if os.geteuid() == 0 and _owner() is None:
        return "PostgreSQL refuses to run as root, and there is no user postgres to run it as"
    return None


class Postgres:
    """A PostgreSQL server of its own, in a temporary folder, on a free port of loopback.

    Text is compared by a language's rules (ICU), as on most servers in use, so that a statement which forgets to ask
    for binary order shows it.

    place: where the folder is made, instead of among the other temporary files.
    """

    def __init__(self, place: Path | None = None) -> None:
        folder = programs()
        if folder is None:
            raise FileNotFoundError(missing())
        self.port = free_port()
        self._owner = _owner() if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="trackback-postgres-", dir=place))
        if self._owner:
            shutil.chown(self._folder, self._owner, self._owner)
        data = self._folder / "data"
        self._initdb(folder / "initdb", data)
        settings = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200"
        self._program = Program(
            [folder / "postgres", "-D", data, *settings.split()],
            log=self._folder / "log",
            answers=self._answers,
            user=self._owner,
        )
        self._numbers = itertools.count(1)

    def _initdb(self, program: Path, data: Path) -> None:
        accounts = "--username=postgres --auth=trust --no-sync"
        text = "--encoding=UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US"
        subprocess.run(
            [program, "-D", data, *accounts.split(), *text.split()],
            check=True,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            user=self._owner,
            group=self._owner,
            extra_groups=[] if self._owner else None,
        )

    @property
    def url(self) -> str:
        """The URL of the server's own database, `postgres`."""
        return self._url("postgres")

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def log_text(self) -> str:
        return self._program.log_text

    def start(self) -> None:
        self._program.start()

    def stop(self) -> None:
        """A fast shutdown: transactions under way are rolled back, what is committed is written out."""
        self._program.end(signal.SIGINT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """End it as a crash would, with all its processes; the next start recovers from the log of writes."""
        if not self._program.running:
            return
        children = _children(self._program.pid)
        self._program.end(signal.SIGKILL)
        for child in children:
            _kill(child)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Meanwhile it takes connections and statements, and answers nothing."""
        processes = [self._program.pid, *_children(self._program.pid)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def create_database(self, template: str = "template1") -> str:
        """Create a database, a copy of the one named template; its URL."""
        name = f"trackback_{next(self._numbers)}"
        # PostgreSQL writes the copy's pages to its log, or copies files and writes out all it holds before and after.
        strategy = sql.SQL("FILE_COPY" if in_memory(self._folder) else "WAL_LOG")
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY {}")
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template), strategy))
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Drop the database at url; connections that are still open to it are cut."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(url.rpartition("/")[2])))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def programs() -> Path | None:
    """The folder of the server's programs: the newest that Debian has, which keeps them out of PATH, or PATH's own."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    in_path = shutil.which("initdb")
    return Path(in_path).resolve().parent if in_path else None


def _owner() -> str | None:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


def _children(pid: int) -> list[int]:
    """The process's children on Linux. Elsewhere none: PostgreSQL's own end soon after it, being left alone."""
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listing.read_text().split()] if listing.exists() else []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
