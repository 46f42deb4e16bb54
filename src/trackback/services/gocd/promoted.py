"""A promotion as GoCD's users see it: the comment of a revision, and the data that a build finds in its environment."""

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from trackback.entities import Actor, Metric, Promotion, PromotionKind, PromotionOrigin
from trackback.entities.gocd import Revision, revision_of
from trackback.services import access
from trackback.services.snapshots import snapshot_uri
from trackback.storage import Transaction, experiments, model_versions, promotions, provenance, runs
from trackback.storage.promotions import Entry
from trackback.storage.runs import RunRecord

USER_LENGTH = 255  # of GoCD's column
METRICS_SHOWN = 10
PASSED_OVER_SHOWN = 10

_WAYS = {PromotionOrigin.ALIAS: " by an alias", PromotionOrigin.STAGE: " by a stage", PromotionOrigin.TAG: " by a tag"}


class Content(NamedTuple):
    """What was promoted: where its files lie, and the run that it is or came from, if that may be read."""

    artifact_uri: str
    model_uri: str
    metrics: tuple[Metric, ...]
    run_id: str = ""
    run: RunRecord | None = None


def describe(
    tx: Transaction, actor: Actor, entry: Entry, server_url: str, passed_over: Sequence[Promotion] = ()
) -> Revision:
    """``passed_over``: promotions of the same place since the last revision, the newest first."""
    (promotion,) = promotions.load(tx, [entry.seq])
    content = _content(tx, actor, entry, promotion)
    return Revision(
        revision=revision_of(promotion),
        timestamp=timestamp(promotion.time),
        user=promotion.actor[:USER_LENGTH],
        revision_comment=_comment(tx, promotion, content, passed_over),
        trackback_url=f"{server_url}/promotions/{promotion.seq}",
        data=_data(tx, promotion, content),
    )


def timestamp(time_ms: int) -> str:
    """A time as GoCD reads it: with an offset, which it insists on."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def named(promotion: Promotion) -> str:
    """What was promoted, as people call it."""
    if promotion.version:
        return f"{promotion.name} {promotion.version}"
    return f"run {promotion.run_id}"


def readable_run(tx: Transaction, actor: Actor, run_id: str) -> RunRecord | None:
    run = runs.find(tx, run_id) if run_id else None
    return run if run and access.may_read(actor, experiment=run.experiment) else None


def experiment_data(tx: Transaction, run: RunRecord) -> dict[str, str]:
    """What is known of a run's experiment and code, for a build's environment."""
    experiment, commit = experiments.find(tx, run.experiment), provenance.commit_of(tx, run.id)
    found = {"EXPERIMENT_ID": str(run.experiment)}
    if experiment:
        found["EXPERIMENT"] = experiment.name
    if commit:
        found["GIT_COMMIT"] = commit
    return found


def _content(tx: Transaction, actor: Actor, entry: Entry, promotion: Promotion) -> Content:
    if entry.model_version is not None:
        record = model_versions.find_by_id(tx, entry.model_version)
        assert record is not None
        run = readable_run(tx, actor, record.run_id)
        metrics = model_versions.load_whole(tx, record).model_metrics
        return Content(record.location, f"models:/{record.name}/{record.version}", metrics, record.run_id, run)
    assert entry.run is not None
    run = runs.find_by_number(tx, entry.run)
    assert run is not None
    (whole,) = runs.load(tx, [run])
    return Content(_run_uri(promotion, run), _main_uri(promotion, run), whole.data.metrics, run.uuid, run)


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


def _data(tx: Transaction, promotion: Promotion, content: Content) -> dict[str, str]:
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
        **(experiment_data(tx, content.run) if content.run else {}),
    }
    return {key: value for key, value in data.items() if value}


def _comment(tx: Transaction, promotion: Promotion, content: Content, passed_over: Sequence[Promotion]) -> str:
    before = promotions.load(tx, [promotion.replaced]) if promotion.replaced else []
    return "\n".join(
        line
        for line in (
            _what_happened(promotion, before),
            f"Why: {promotion.reason}" if promotion.reason else "",
            _origin(tx, content),
            _metrics(content.metrics, _metrics_of(tx, before)),
            _passed_over(passed_over),
        )
        if line
    )


def _what_happened(promotion: Promotion, before: Sequence[Promotion]) -> str:
    if promotion.kind is PromotionKind.ROLLED_BACK:
        done = f"{promotion.actor} rolled {promotion.environment} back to {named(promotion)}"
    else:
        way = _WAYS.get(promotion.origin, "")
        done = f"{promotion.actor} promoted {named(promotion)} to {promotion.environment}{way}"
    replaces = f", in the place of {named(before[0])}" if before else ""
    notes = [
        *(["Its policy was overridden."] if promotion.overridden else []),
        *(["Its files are unverified."] if promotion.unverified else []),
    ]
    return " ".join([f"{done}{replaces}.", *notes])


def _origin(tx: Transaction, content: Content) -> str:
    if content.run is None:
        return f"From run {content.run_id}." if content.run_id else ""
    known = experiment_data(tx, content.run)
    commit = f", commit {known['GIT_COMMIT'][:12]}" if "GIT_COMMIT" in known else ""
    where = known.get("EXPERIMENT", known["EXPERIMENT_ID"])
    return f"From run {content.run.name} ({content.run.uuid}) of the experiment {where}{commit}."


def _metrics_of(tx: Transaction, before: Sequence[Promotion]) -> dict[str, float]:
    """The metrics of what was there before."""
    entry = promotions.find(tx, before[0].seq) if before else None
    if entry is None:
        return {}
    if entry.model_version is not None and (record := model_versions.find_by_id(tx, entry.model_version)):
        return _values(model_versions.load_whole(tx, record).model_metrics)
    if entry.run is not None and (run := runs.find_by_number(tx, entry.run)):
        return _values(runs.load(tx, [run])[0].data.metrics)
    return {}


def _values(metrics: Iterable[Metric]) -> dict[str, float]:
    return {metric.key: metric.value for metric in metrics}


def _metrics(metrics: Iterable[Metric], before: dict[str, float]) -> str:
    values = sorted(_values(metrics).items())
    told = [
        f"{key} {_number(value)}" + (f" (before: {_number(before[key])})" if key in before else "")
        for key, value in values[:METRICS_SHOWN]
    ]
    more = f" and {len(values) - METRICS_SHOWN} more" if len(values) > METRICS_SHOWN else ""
    return f"Metrics: {', '.join(told)}{more}" if told else ""


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:.6g}"


def _passed_over(promoted: Sequence[Promotion]) -> str:
    if not promoted:
        return ""
    told = [f"{revision_of(each)} ({named(each)}, by {each.actor})" for each in promoted[:PASSED_OVER_SHOWN]]
    more = " and others before" if len(promoted) > PASSED_OVER_SHOWN else ""
    return f"Passed over, as this came after them: {', '.join(told)}{more}"
