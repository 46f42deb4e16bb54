"""One process owns a SQLite file. The lock is a file beside it, which the kernel releases when the owner dies."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from trackback.errors import ConfigurationError


class FileLock:
    """Taken when it is made, until it is closed; ConfigurationError if another process has it."""

    def __init__(self, database: Path) -> None:
        database = database.resolve()  # one file may be reached by several links, and has one lock
        path = database.with_name(database.name + ".lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigurationError(f"Can't open {path}: {error.strerror}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise ConfigurationError(
                f"The database {database} is in use by another trackback process"
                f"{f' (pid {owner})' if owner else ''}. Stop that one, or use PostgreSQL to run several servers."
            ) from None
        with suppress(OSError):  # a full disk: the lock holds all the same, only without the owner's name
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def close(self) -> None:
        os.close(self._descriptor)
