"""Sessions: connections to PostgreSQL, what is set on them, and what becomes of those that die."""

import logging
import math
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import errors as pg

from trackback.errors import ConfigurationError, InvalidParameter, StorageFull, TrackbackError, Unavailable
from trackback.storage.interface import Row
from trackback.storage.postgres_exchange import Exchange

CONNECT_TIMEOUT_S = 5
# A server that has vanished from the network is given up after half a minute; the kernel would wait for many.
_VANISHED: dict[str, Any] = {
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

log = logging.getLogger(__name__)


class Session:
    """One thread's connection, which is opened when it is needed, and replaced if it died since it was last used.

    PostgreSQL ends each statement after ``statement_timeout_s``, unless that is infinite.
    """

    def __init__(self, uri: str, statement_timeout_s: float, settings: Mapping[str, str]) -> None:
        self._uri = uri
        self._settings = {"jit": "off", **settings}  # a filter of 80 terms took 2 s to compile and 20 ms to run
        if math.isfinite(statement_timeout_s):
            self._settings["statement_timeout"] = str(milliseconds(statement_timeout_s))
        self._exchange: Exchange | None = None
        self._lock = threading.Lock()  # no other thread may look at a connection while it is closed

    def exchange(self) -> Exchange:
        """With the server, outside of any transaction; over another connection if the last one died."""
        if self._exchange is not None and not self._exchange.is_usable:
            self.close()
        if self._exchange is None:
            connection = connect(self._uri)
            connection.execute("; ".join(f"SET {name} TO {value}" for name, value in self._settings.items()))
            self._exchange = Exchange(connection)
        return self._exchange

    def roll_back(self) -> None:
        if self._exchange is not None:
            try:
                self._exchange.roll_back()
            except psycopg.Error:
                self.close()

    def hang_up(self) -> None:
        """End the wait of the thread that uses the connection, which then finds it dead. For any other thread."""
        with self._lock, suppress(OSError, psycopg.Error):
            if self._exchange is not None:
                with socket.socket(fileno=os.dup(self._exchange.fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with self._lock:
            if self._exchange is not None:
                self._exchange.close()
            self._exchange = None


def milliseconds(seconds: float) -> int:
    """As PostgreSQL's settings take them; 0 would be no limit at all."""
    return max(1, min(math.ceil(1000 * seconds), 2**31 - 1))


def connect(uri: str) -> psycopg.Connection[Row]:
    """A connection whose transactions are begun and ended by hand."""
    return psycopg.connect(
        uri, autocommit=True, application_name="trackback", connect_timeout=CONNECT_TIMEOUT_S, **_VANISHED
    )


def connect_at_start(uri: str) -> psycopg.Connection[Row]:
    """``connect``, before there are any clients."""
    with at_start("connect to"):
        return connect(uri)


@contextmanager
def at_start(action: str) -> Iterator[None]:
    """Before there are any clients, a failure is the operator's to mend, who is told all of it."""
    try:
        yield
    except psycopg.Error as error:
        raise ConfigurationError(f"Can't {action} the database: {str(error).strip()}") from error


def translated(error: psycopg.Error) -> TrackbackError:
    """What a client is told of an error of PostgreSQL's: nothing of the SQL."""
    if isinstance(error, pg.DiskFull):
        return StorageFull("The disk of the database is full. Nothing was written; free some space and repeat.")
    if isinstance(error, psycopg.OperationalError):
        log.warning("the database does not answer: %s", str(error).strip().splitlines()[:1])
        return Unavailable("The database does not answer. Repeat the request in a moment.")
    if isinstance(error, psycopg.DataError) and "NUL" in str(error):
        return InvalidParameter("A text in the request contains a NUL, which can't be kept. Leave it out.")
    log.error("unexpected error of the database", exc_info=error)
    return TrackbackError("The database refused an operation; the server's log says why.")
