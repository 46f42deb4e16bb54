"""When SQLite copies its log of writes, the WAL, into the database file, and begins the log anew.

Left to itself it copies after every so many pages, but begins anew only at a moment when nobody reads. Where a read is
always under way there is none, and the log grows for as long as that lasts. So past a size the writer waits for the
reads under way: those that begin meanwhile read the file alone, and need not be waited for.
"""

import logging

import apsw

COPY_PAGES = 4000  # the same few pages change again and again, and are copied once
RESTART_PAGES = 16_000  # of 4 KB
# Several short waits, not a long one, which may go on for a lock that readers hand to each other.
PATIENCE_MS = 100
ATTEMPTS = 10

log = logging.getLogger(__name__)


class Checkpoints:
    """Sees to the log of the one connection that writes. ``busy_timeout_ms`` is the connection's own."""

    def __init__(self, connection: apsw.Connection, busy_timeout_ms: int) -> None:
        self._busy_timeout_ms = busy_timeout_ms
        self._restart_at = RESTART_PAGES
        connection.set_wal_hook(self._committed)

    def _committed(self, connection: apsw.Connection, database: str, pages: int) -> int:
        """SQLite calls this after a commit, which stands whatever becomes of this: the log has so many pages."""
        try:
            if pages >= self._restart_at:
                self._restart(connection, pages)
            elif pages >= COPY_PAGES:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            log.warning("could not copy the log of writes into the database: %s", error)
        return apsw.SQLITE_OK

    def _restart(self, connection: apsw.Connection, pages: int) -> None:
        connection.set_busy_timeout(PATIENCE_MS)
        try:
            done = any(_restarted(connection) for _ in range(ATTEMPTS))
        finally:
            connection.set_busy_timeout(self._busy_timeout_ms)
        # Where a read lasts longer, no write should wait for it again soon.
        self._restart_at = RESTART_PAGES if done else pages + RESTART_PAGES


def _restarted(connection: apsw.Connection) -> bool:
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
    except apsw.BusyError:
        return False
    return True
