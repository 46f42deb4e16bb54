"""Runs that were to be heard from and were not: how a server ends them, and how that is taken back.

Only a run that a server has ended goes on by itself. What a client says of a run's status is the last word.
"""

from datetime import UTC, datetime

from trackback.entities import Actor, Grants, RunStatus
from trackback.services.promotion_tags import PromotionTags
from trackback.storage import Transaction, heartbeats, runs
from trackback.storage.heartbeats import Heartbeat
from trackback.storage.runs import RunRecord

LOST_TAG = "trackback.lost"
SERVER = Actor("trackback", grants=Grants())
"""Who ends lost runs; may do nothing that others must be permitted to."""


class LostRuns:
    """All of it within a write that holds the run's row (``runs.hold``) and has read the run since."""

    def __init__(self, promotion_tags: PromotionTags) -> None:
        self._promotion_tags = promotion_tags

    def end(self, tx: Transaction, run: RunRecord, heartbeat: Heartbeat, now_ms: int) -> None:
        """The run has FAILED, at the time when it was last heard from; a tag says why."""
        heartbeats.keep(tx, run.id, heartbeat._replace(lost_ms=now_ms))
        # Clients have clocks of their own: a run does not end before it began.
        runs.set_status(tx, run.id, RunStatus.FAILED, max(heartbeat.heard_ms, run.start_ms))
        with self._promotion_tags.followed(tx, SERVER, run, (LOST_TAG,)):
            runs.set_tags(tx, run, {LOST_TAG: f"no heartbeat since {_shown(heartbeat.heard_ms)}"})

    def take_back(self, tx: Transaction, actor: Actor, run: RunRecord) -> None:
        """The run, which a server has ended, is as it was before."""
        runs.set_status(tx, run.id, RunStatus.RUNNING, None)
        self._unmark(tx, actor, run)

    def heed(self, tx: Transaction, actor: Actor, run: RunRecord, status: RunStatus) -> None:
        """Before a client sets the run's status: what a server said of it is void, and one that ends sends no more.

        When a lost run was last heard from stays its end, unless the client knows better or has it go on.
        """
        runs.hold(tx, run.id)
        heartbeat = heartbeats.find(tx, run.id)
        if heartbeat and heartbeat.lost_ms is not None:
            if status in (RunStatus.RUNNING, RunStatus.SCHEDULED):
                runs.set_status(tx, run.id, status, None)
            self._unmark(tx, actor, run)
        elif heartbeat and status is not RunStatus.RUNNING:
            heartbeats.forget(tx, run.id)

    def _unmark(self, tx: Transaction, actor: Actor, run: RunRecord) -> None:
        heartbeats.forget(tx, run.id)
        with self._promotion_tags.followed(tx, actor, run, (LOST_TAG,)):
            runs.delete_tag(tx, run.id, LOST_TAG)


def _shown(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
