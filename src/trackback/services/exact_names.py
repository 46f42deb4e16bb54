"""The one thing that a text is the whole id, digest or URL of."""

import re

from trackback.entities import Actor, TraceKind
from trackback.entities.findings import Found, FoundKind
from trackback.errors import TrackbackError
from trackback.services import access, trace_targets
from trackback.services.trace_candidates import Target
from trackback.storage import Transaction, runs
from trackback.storage.runs import RunRecord

# What can only be meant as a whole: digests, commits, ids of logged models, names with their kind before them, URLs,
# images and machine images. A bare word, or number, may be the beginning of anything.
_WHOLE = re.compile(
    r"(?:sha256:)?[0-9a-fA-F]{64}|[0-9a-f]{40}|m-[0-9a-f]{32}|(?:models|runs):/.+"
    r"|(?:promotions|builds|deployments|commits|datasets)/.+|[a-z]+://.+|.+@sha256:[0-9a-f]{64}|ami-[0-9a-f]{8,17}"
)
_KINDS = {
    TraceKind.DEPLOYMENT: FoundKind.DEPLOYMENT,
    TraceKind.BUILD: FoundKind.BUILD,
    TraceKind.COMMIT: FoundKind.COMMIT,
    TraceKind.DATASET: FoundKind.DATASET,
}


def find(tx: Transaction, actor: Actor, text: str) -> Found | None:
    """None where it is the whole name of nothing that the actor may read, or where it names several things."""
    record = runs.find(tx, text)
    if record is not None and access.may_read(actor, experiment=record.experiment):
        return of_run(record)
    if not _WHOLE.fullmatch(text):
        return None
    try:
        return _of(trace_targets.find(tx, actor, text), text)
    except TrackbackError:
        return None


def of_run(record: RunRecord) -> Found:
    return Found(FoundKind.RUN, record.uuid, record.name or record.uuid, time=record.start_ms)


def _of(target: Target, text: str) -> Found | None:
    if target.kind in _KINDS:
        return Found(_KINDS[target.kind], text, text)
    if target.kind is TraceKind.PROMOTION and target.promotions:
        number = str(target.promotions[0])
        return Found(FoundKind.PROMOTION, number, f"promotion {number}")
    if target.kind is TraceKind.MODEL:
        return Found(FoundKind.LOGGED_MODEL, text, text)
    if (version := target.version) and not version.deleted and target.kind is not TraceKind.RUN:
        return Found(FoundKind.VERSION, f"{version.name}/{version.version}", f"{version.name} {version.version}")
    if target.run and target.kind in (TraceKind.RUN, TraceKind.BLOB, TraceKind.DIGEST):
        return Found(FoundKind.RUN, target.run.run_id, target.run.name or target.run.run_id)
    return None
