"""When SQLite copies its log of writes, the WAL, into the database file, and begins the log anew.

Left to itself it copies after every so many pages, but begins anew only at a moment when nobody reads. Where a read is
always under way there is none, and the log grows for as long as that lasts. So past a size the writer waits for the
reads under way: those that begin meanwhile read the file alone, and need not be waited for.
"""

import logging

import apsw

COPY_BYTES = 16 << 20  # the same few pages change again and again, and are copied once
RESTART_BYTES = 64 << 20
# Several short waits, not a long one, which may go on for a lock that readers hand to each other.
PATIENCE_MS = 100
ATTEMPTS = 10

log = logging.getLogger(__name__)


class Checkpoints:
    """Sees to the log of the one connection that writes. ``busy_timeout_ms`` is the connection's own."""

    def __init__(self, connection: apsw.Connection, busy_timeout_ms: int) -> None:
        self._connection = connection
        self._busy_timeout_ms = busy_timeout_ms
        page_bytes = int(connection.pragma("page_size"))
        self._copy_at = COPY_BYTES // page_bytes
        self._restart_after = RESTART_BYTES // page_bytes
        self._restart_at = self._restart_after
        self._pages = 0
        connection.set_wal_hook(self._committed)

    @property
    def is_due(self) -> bool:
        """Whether the log has grown so far that it should be copied."""
        return self._pages >= self._copy_at

    def copy(self) -> None:
        """Copy it, between two transactions."""
        pages, self._pages = self._pages, 0
        try:
            if pages >= self._restart_at:
                self._restart(pages)
            else:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            log.warning("could not copy the log of writes into the database: %s", error)

    def _committed(self, connection: apsw.Connection, database: str, pages: int) -> int:
        """SQLite calls this after a commit: the log has so many pages."""
        self._pages = pages
        return apsw.SQLITE_OK

    def _restart(self, pages: int) -> None:
        self._connection.set_busy_timeout(PATIENCE_MS)
        try:
            done = any(_restarted(self._connection) for _ in range(ATTEMPTS))
        finally:
            self._connection.set_busy_timeout(self._busy_timeout_ms)
        # Where a read lasts longer, no write should wait for it again soon.
        self._restart_at = self._restart_after if done else pages + self._restart_after


def _restarted(connection: apsw.Connection) -> bool:
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
    except apsw.BusyError:
        return False
    return True
