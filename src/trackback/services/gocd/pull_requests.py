"""Pull requests as a package: the newest finished run of each, by the tag in which runs have its id.

A revision is what the pull requests' newest runs are, all together: a newer run, or a pull request more, makes a new
one, and nothing else does. That a run grew too old, lost its tag or was deleted, is no reason to build.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from trackback.entities import Actor
from trackback.entities.gocd import Revision
from trackback.errors import NotFound
from trackback.limits import shown
from trackback.services.gocd.packages import Package, find_experiment
from trackback.services.gocd.promoted import USER_LENGTH, experiment_data, timestamp
from trackback.storage import Transaction, promoted, pull_requests, runs
from trackback.storage.pull_requests import TaggedRun
from trackback.storage.runs import RunRecord

DAY_MS = 24 * 3600 * 1000
RUNS_READ = 2000
PULL_REQUESTS = 100
RUN_KEY = "PR_ID_RUN_ID_"
URI_KEY = "PR_ID_ARTIFACT_URI_"

_SLUG_LENGTH = 40


class PullRequests(NamedTuple):
    """``newest`` has a pull request's newest run by its id, the one with the newest run first."""

    newest: dict[str, RunRecord]

    @property
    def revision(self) -> str:
        """The same for the same runs, and no other: it names the pull request of the newest."""
        pairs = "\n".join(f"{pull_request} {run.uuid}" for pull_request, run in sorted(self.newest.items()))
        first = re.sub(r"[^A-Za-z0-9_.]", "_", next(iter(self.newest)))[:_SLUG_LENGTH]
        return f"pr-{first}-{hashlib.sha256(pairs.encode()).hexdigest()[:12]}"

    def since(self, tx: Transaction, previous: Mapping[str, str]) -> list[str]:
        """The ids that have a newer run than the ``data`` of an earlier revision says, in the same order.

        An older one, which comes to light as the newer was deleted or has lost its tag, is no news.
        """
        seen = {each: previous.get(RUN_KEY + _variable(each), "") for each in self.newest}
        began = {run.uuid: run.start_ms for run in runs.find_many(tx, sorted(set(seen.values())))}
        return [
            each
            for each, run in self.newest.items()
            if run.uuid != seen[each] and run.start_ms >= began.get(seen[each], run.start_ms)
        ]


def find(tx: Transaction, actor: Actor, package: Package, now_ms: int) -> PullRequests:
    """Those that have a run; perhaps none. Raises NotFound if there is no such experiment."""
    experiment = find_experiment(tx, actor, package.experiment)
    since_ms = now_ms - package.pr_days * DAY_MS
    return PullRequests(_newest(pull_requests.tagged(tx, experiment.id, package.pr_tag, since_ms, RUNS_READ)))


def none_yet(package: Package) -> NotFound:
    return NotFound(
        f"No finished run of the experiment {shown(package.experiment)} of the last {package.pr_days} days has the tag "
        f"{shown(package.pr_tag)}. The first one is the first revision."
    )


def describe(tx: Transaction, found: PullRequests, changed: list[str], server_url: str) -> Revision:
    """``changed``: the pull requests that have a new run, the newest first."""
    pull_request, run = changed[0], found.newest[changed[0]]
    origin = promoted.of_run(tx, run.id).origin
    assert origin is not None
    return Revision(
        revision=found.revision,
        timestamp=timestamp(run.end_ms or run.start_ms),
        user=run.user_id[:USER_LENGTH],
        revision_comment=_comment(found, changed),
        trackback_url=f"{server_url}/runs/{run.uuid}",
        data={
            "PR_ID": pull_request,
            "RUN_ID": run.uuid,
            "ARTIFACT_URI": run.artifact_uri,
            **experiment_data(origin),
            **{URI_KEY + _variable(each): other.artifact_uri for each, other in found.newest.items()},
            **{RUN_KEY + _variable(each): other.uuid for each, other in found.newest.items()},
        },
    )


def _newest(found: list[TaggedRun]) -> dict[str, RunRecord]:
    newest: dict[str, RunRecord] = {}
    for run, value in found:
        if value.strip() and len(newest) < PULL_REQUESTS:
            newest.setdefault(value.strip(), run)
    return newest


def _comment(found: PullRequests, changed: list[str]) -> str:
    told = [f"pull request {each}: run {found.newest[each].name} ({found.newest[each].uuid})" for each in changed]
    return "New runs: " + "; ".join(told)


def _variable(pull_request: str) -> str:
    """An id as a part of a variable's name."""
    return re.sub(r"[^A-Za-z0-9]", "_", pull_request)
