"""When runs were last heard from, and by when they must be again.

Whoever writes here holds the run's row (``runs.hold``), so that what it has read stays so until its write ends.
"""

from typing import NamedTuple

from trackback.storage.interface import Transaction


class Heartbeat(NamedTuple):
    """``lost_ms``: when the run was not heard from in time, and was ended for that."""

    heard_ms: int
    timeout_ms: int
    deadline_ms: int
    lost_ms: int | None = None


def find(tx: Transaction, run: int) -> Heartbeat | None:
    row = tx.row("SELECT heard_ms, timeout_ms, deadline_ms, lost_ms FROM run_heartbeats WHERE run = ?", run)
    return Heartbeat(*row) if row else None


def keep(tx: Transaction, run: int, heartbeat: Heartbeat) -> None:
    """From now on this is the run's."""
    tx.run(
        "INSERT INTO run_heartbeats (run, heard_ms, timeout_ms, deadline_ms, lost_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (run) DO UPDATE SET heard_ms = excluded.heard_ms, timeout_ms = excluded.timeout_ms,"
        " deadline_ms = excluded.deadline_ms, lost_ms = excluded.lost_ms",
        run,
        *heartbeat,
    )


def forget(tx: Transaction, run: int) -> None:
    tx.run("DELETE FROM run_heartbeats WHERE run = ?", run)


def overdue(tx: Transaction, now_ms: int, longest_timeout_ms: int, limit: int) -> list[int]:
    """Some runs, by their number, whose deadline has passed by now; of those with no longer timeout than that."""
    rows = tx.rows(
        "SELECT run FROM run_heartbeats WHERE lost_ms IS NULL AND deadline_ms <= ? AND timeout_ms <= ?"
        " ORDER BY deadline_ms LIMIT ?",
        now_ms,
        longest_timeout_ms,
        limit,
    )
    return [run for (run,) in rows]
