"""A promotion as GoCD's users see it: the comment of a revision, and the data that a build finds in its environment."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from trackback.entities import Actor, Promotion, PromotionKind, PromotionOrigin
from trackback.entities.gocd import Revision, revision_of
from trackback.services import access
from trackback.services.snapshots import snapshot_uri
from trackback.storage import Transaction, promoted, promotion_log
from trackback.storage.promoted import RunOrigin
from trackback.storage.promotions import Entry
from trackback.storage.runs import RunRecord

USER_LENGTH = 255  # of GoCD's column
METRICS_SHOWN = 10
PASSED_OVER_SHOWN = promotion_log.HELD - 2
"""One of those that are read is the newest, and one shows that there are more."""

_WAYS = {PromotionOrigin.ALIAS: " by an alias", PromotionOrigin.STAGE: " by a stage", PromotionOrigin.TAG: " by a tag"}


class Content(NamedTuple):
    """What was promoted: where its files lie, and the run that it is or came from, if that may be read."""

    artifact_uri: str
    model_uri: str
    run_id: str
    origin: RunOrigin | None


def describe(tx: Transaction, actor: Actor, entry: Entry, server_url: str, seen: int | None = None) -> Revision:
    """``seen``: the number of the promotion that was the revision before, if that is known."""
    promotion, *before = promotion_log.held_until(tx, entry)
    content = _content(tx, actor, entry, promotion)
    return Revision(
        revision=revision_of(promotion),
        timestamp=timestamp(promotion.time),
        user=promotion.actor[:USER_LENGTH],
        revision_comment=_comment(tx, promotion, before, content, seen),
        trackback_url=f"{server_url}/promotions/{promotion.seq}",
        data=_data(promotion, content),
    )


def timestamp(time_ms: int) -> str:
    """A time as GoCD reads it: with an offset, which it insists on."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def named(promotion: Promotion) -> str:
    """What was promoted, as people call it."""
    if promotion.version:
        return f"{promotion.name} {promotion.version}"
    return f"run {promotion.run_id}"


def experiment_data(origin: RunOrigin) -> dict[str, str]:
    """What is known of a run's experiment and code, for a build's environment."""
    found = {"EXPERIMENT_ID": str(origin.run.experiment), "EXPERIMENT": origin.experiment}
    return {**found, "GIT_COMMIT": origin.commit} if origin.commit else found


def _content(tx: Transaction, actor: Actor, entry: Entry, promotion: Promotion) -> Content:
    if entry.model_version is not None:
        location, run_id, origin = promoted.of_version(tx, entry.model_version)
        if origin and not access.may_read(actor, experiment=origin.run.experiment):
            origin = None
        return Content(location, f"models:/{promotion.name}/{promotion.version}", run_id, origin)
    assert entry.run is not None
    origin = promoted.of_run(tx, entry.run).origin
    assert origin is not None
    return Content(_run_uri(promotion, origin.run), _main_uri(promotion, origin.run), origin.run.uuid, origin)


def _run_uri(promotion: Promotion, run: RunRecord) -> str:
    """Where the run's files lie as they were promoted; where its client keeps them, if they were not taken in."""
    own = [each.digest for each in promotion.snapshots if each.path is None and each.model_id is None]
    kept = own or [each.digest for each in promotion.snapshots if each.main]
    return snapshot_uri(kept[0]) if kept else run.artifact_uri


def _main_uri(promotion: Promotion, run: RunRecord) -> str:
    main = next((each for each in promotion.snapshots if each.main), None)
    if main and main.model_id:
        return f"models:/{main.model_id}"
    return f"runs:/{run.uuid}/{main.path}" if main and main.path else f"runs:/{run.uuid}"


def _data(promotion: Promotion, content: Content) -> dict[str, str]:
    data = {
        "PROMOTION": str(promotion.seq),
        "KIND": promotion.kind.replace(" ", "_"),
        "ENVIRONMENT": promotion.environment,
        "MODEL": promotion.name or "",
        "VERSION": promotion.version or "",
        "MODEL_URI": content.model_uri,
        "DIGEST": f"sha256:{promotion.digest}" if promotion.digest else "",
        "ARTIFACT_URI": content.artifact_uri,
        "RUN_ID": content.run_id,
        **(experiment_data(content.origin) if content.origin else {}),
    }
    return {key: value for key, value in data.items() if value}


def _comment(
    tx: Transaction, promotion: Promotion, before: Sequence[Promotion], content: Content, seen: int | None
) -> str:
    replaced = next((each for each in before if each.seq == promotion.replaced), None)
    passed_over = [each for each in before if seen is not None and each.seq > seen]
    return "\n".join(
        line
        for line in (
            _what_happened(promotion, replaced),
            f"Why: {promotion.reason}" if promotion.reason else "",
            _origin(content),
            _metrics(tx, promotion, replaced),
            _passed_over(passed_over),
        )
        if line
    )


def _what_happened(promotion: Promotion, replaced: Promotion | None) -> str:
    if promotion.kind is PromotionKind.ROLLED_BACK:
        done = f"{promotion.actor} rolled {promotion.environment} back to {named(promotion)}"
    else:
        way = _WAYS.get(promotion.origin, "")
        done = f"{promotion.actor} promoted {named(promotion)} to {promotion.environment}{way}"
    replaces = f", in the place of {named(replaced)}" if replaced else ""
    notes = [
        *(["Its policy was overridden."] if promotion.overridden else []),
        *(["Its files are unverified."] if promotion.unverified else []),
    ]
    return " ".join([f"{done}{replaces}.", *notes])


def _origin(content: Content) -> str:
    if content.origin is None:
        return f"From run {content.run_id}." if content.run_id else ""
    run, experiment, commit = content.origin
    of_commit = f", commit {commit[:12]}" if commit else ""
    return f"From run {run.name} ({run.uuid}) of the experiment {experiment}{of_commit}."


def _metrics(tx: Transaction, promotion: Promotion, replaced: Promotion | None) -> str:
    """Some metrics, each with what it was of what was there before."""
    find = promoted.metrics_of_versions if promotion.version else promoted.metrics_of_runs
    known = find(tx, promotion.seq, replaced.seq if replaced else None)
    now, before = known.get(promotion.seq, {}), known.get(replaced.seq, {}) if replaced else {}
    told = [
        f"{key} {_number(now[key])}" + (f" (before: {_number(before[key])})" if key in before else "")
        for key in sorted(now)[:METRICS_SHOWN]
    ]
    more = f" and {len(now) - METRICS_SHOWN} more" if len(now) > METRICS_SHOWN else ""
    return f"Metrics: {', '.join(told)}{more}" if told else ""


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:.6g}"


def _passed_over(entries: Sequence[Promotion]) -> str:
    if not entries:
        return ""
    told = [f"{revision_of(each)} ({named(each)}, by {each.actor})" for each in entries[:PASSED_OVER_SHOWN]]
    more = " and others before" if len(entries) > PASSED_OVER_SHOWN else ""
    return f"Passed over, as this came after them: {', '.join(told)}{more}"
