"""What a text names, of everything that can be traced: each kind is looked for by its index, in a fixed order.

A text that says its kind is taken at its word: ``models:/churn/7``, ``models:/churn@champion``, ``runs:/<run id>``,
``deployments/4``, ``builds/9``, ``promotions/12``, ``commits/abc1234``, ``datasets/<digest>``. Of others, the first
that there is counts:

1. a run, by its id
2. a logged model, by its id (``m-…``)
3. a promotion, by its number
4. deployments, by image digest (also within ``registry/name@sha256:…``), AMI id, URL or workload
5. a build, by its URL
6. a version, or what was promoted of a run, by the digest of its files
7. a file, by its SHA-256: the versions, runs and logged models that have it
8. runs, by their git commit, which may be shortened to 7 digits
9. runs, by the digest of a data set that they used
"""

import re
from collections.abc import Callable, Sequence

from trackback.artifacts import paths
from trackback.entities import Actor, Candidate, Deployment, Permission, TraceKind
from trackback.errors import NotFound
from trackback.limits import INT64_MAX, find_sha256, shown
from trackback.services import access, streams
from trackback.services.builds import readable_build
from trackback.services.deployments import readable_deployment
from trackback.services.locators import IMAGE_DIGEST, normal_name
from trackback.services.subjects import resolve
from trackback.services.trace_candidates import (
    TOLD,
    Target,
    deployment_label,
    one_of_versions,
    run_label,
    version_candidate,
)
from trackback.storage import Transaction, builds, deployments, impact, logged_models, promotions, traces
from trackback.storage.traces import TracedRunRow, TracedVersionRow

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SNAPSHOTS = "versions/"


def find(tx: Transaction, actor: Actor, x: str) -> Target:
    """Raises NotFound if ``x`` names nothing here that the actor may read."""
    finder = _Finder(tx, actor)
    head, _, rest = x.partition("/")
    if rest and (by_kind := finder.kinds.get(head)):
        if found := by_kind(rest):
            return found
    elif found := next((found for find in finder.order if (found := find(x))), None):
        return found
    raise NotFound(
        f"Nothing here is known by {shown(x, 200)}. Give the digest of an image, version or file, an AMI id, an "
        "endpoint's or a build's URL, a promotion's number, models:/name/7, the id of a run or logged model, a commit, "
        "or a data set's digest."
    )


class _Finder:
    """Every method looks for one kind, and returns None if there is none of it that the actor may read."""

    def __init__(self, tx: Transaction, actor: Actor) -> None:
        self._tx = tx
        self._actor = actor
        self.kinds: dict[str, Callable[[str], Target | None]] = {
            "models:": lambda text: self._subject(f"models:/{text}"),
            "runs:": lambda text: self._run(text),
            "deployments": self._deployment,
            "builds": self._build,
            "promotions": self._promotion,
            "commits": self._commit,
            "datasets": self._dataset,
        }
        self.order: tuple[Callable[[str], Target | None], ...] = (
            self._run,
            self._logged_model,
            self._promotion,
            self._deployed,
            self._built,
            self._digest,
            self._file,
            self._commit,
            self._dataset,
        )

    def _subject(self, text: str) -> Target | None:
        subject = resolve(self._tx, text, self._actor)
        row = traces.version(self._tx, subject.model_version or -1)
        return Target(TraceKind.VERSION, version=row, whole=True) if row else None

    def _run(self, text: str) -> Target | None:
        row = traces.run(self._tx, text)
        if row is None or not self._may_read_run(row):
            return None
        return self._of_run(TraceKind.RUN, row)

    def _logged_model(self, text: str) -> Target | None:
        model = logged_models.find(self._tx, text) if text.startswith("m-") else None
        if model is None or not access.may_read(self._actor, experiment=model.experiment):
            return None
        row = traces.run(self._tx, model.source_run) if model.source_run else None
        versions = self._readable(traces.versions_of_logged_model(self._tx, text, TOLD))
        if row and self._may_read_run(row):
            return self._with_versions(TraceKind.MODEL, versions, row)
        return self._with_versions(TraceKind.MODEL, versions, None)

    def _promotion(self, text: str) -> Target | None:
        number = _number(text)
        entry = promotions.find(self._tx, number) if number is not None else None
        if number is None or entry is None or not streams.may(self._actor, Permission.READ, entry.stream):
            return None
        return Target(
            TraceKind.PROMOTION,
            promotions=[number],
            builds=[build.id for build in builds.of_promotions(self._tx, [number], TOLD)],
            deployments=traces.deployments_of_promotions(self._tx, [number], TOLD),
        )

    def _deployment(self, text: str) -> Target | None:
        if (number := _number(text)) is None:
            return None
        return self._of_deployments([readable_deployment(self._tx, self._actor, number)])

    def _build(self, text: str) -> Target | None:
        if (number := _number(text)) is None:
            return None
        return self._of_builds([readable_build(self._tx, self._actor, number).id])

    def _deployed(self, text: str) -> Target | None:
        names = [normal_name(text)]
        if digest := find_sha256(text):
            names = [f"sha256:{digest}"]
        elif match := IMAGE_DIGEST.search(text):
            names.append(match[0])
        for name in names:
            found = deployments.load(self._tx, traces.deployments_named(self._tx, name, TOLD))
            if readable := streams.among_readable(self._actor, found):
                return self._of_deployments(readable)
        return None

    def _built(self, text: str) -> Target | None:
        if "://" not in text:
            return None
        url = text.rstrip("/")
        found = []
        for number in traces.builds_at(self._tx, [url, f"{url}/"], TOLD):
            (build,) = builds.load(self._tx, [number])
            entry = promotions.find(self._tx, build.promotion)
            if entry and streams.may(self._actor, Permission.READ, entry.stream):
                found.append(number)
        return self._of_builds(found) if found else None

    def _digest(self, text: str) -> Target | None:
        digest = find_sha256(text)
        return self._of_digests(TraceKind.DIGEST, [digest]) if digest else None

    def _file(self, text: str) -> Target | None:
        if (digest := find_sha256(text)) is None:
            return None
        roots = traces.roots_with_blob(self._tx, digest, TOLD)
        snapshots = [root.removeprefix(_SNAPSHOTS) for root in roots if root.startswith(_SNAPSHOTS)]
        if snapshots and (target := self._of_digests(TraceKind.BLOB, snapshots)):
            return target
        owners = [root.split("/")[:-1] for root in roots]
        run_ids = [run_id for names in owners if (run_id := paths.run_id(names))]
        models = [model for names in owners if (model := paths.logged_model_id(names))]
        made_by = [found.source_run for each in models if (found := logged_models.find(self._tx, each))]
        return self._of_runs(TraceKind.BLOB, traces.runs(self._tx, [*run_ids, *filter(None, made_by)]))

    def _commit(self, text: str) -> Target | None:
        prefix = text.lower()
        if not _COMMIT.fullmatch(prefix):
            return None
        found = impact.commits(self._tx, prefix, TOLD, access.readable_experiments(self._actor))
        if len(found) == 1:
            return self._of_runs(TraceKind.COMMIT, traces.runs_of_commit(self._tx, found[0], TOLD + 1))
        several = [
            Candidate(TraceKind.COMMIT, f"commits/{commit}", f"commit {commit}")
            for commit in found
            if self._readable_runs(traces.runs_of_commit(self._tx, commit, 1))
        ]
        return Target(TraceKind.COMMIT, candidates=several) if several else None

    def _dataset(self, text: str) -> Target | None:
        wanted = text.removeprefix("sha256:")
        found = impact.datasets(self._tx, wanted, access.readable_experiments(self._actor))
        if found is None:
            return None
        runs = traces.runs_of_datasets(self._tx, found.numbers, found.digests, TOLD + 1)
        return self._of_runs(TraceKind.DATASET, runs)

    def _of_deployments(self, found: Sequence[Deployment]) -> Target:
        """Of what is live, else of what was last; of several only if they are of the same."""
        live = [each for each in found if each.ended is None]
        last = max((each.ended or 0 for each in found), default=0)
        chosen = live or [each for each in found if each.ended == last]
        if len({(each.stream, each.version, each.digest) for each in chosen}) > 1:
            named = [
                Candidate(TraceKind.DEPLOYMENT, f"deployments/{each.id}", deployment_label(each))
                for each in reversed(chosen)
            ]
            return Target(TraceKind.DEPLOYMENT, candidates=named)
        made = sorted({each.build for each in chosen if each.build is not None})
        carried_out = {each.promotion for each in chosen if each.promotion is not None}
        carried_out |= {build.promotion for build in builds.load(self._tx, made)}
        rows = {row for each in chosen if (row := deployments.version_row(self._tx, each.id)) is not None}
        row = next(iter(rows), None)
        if not carried_out:
            readable = access.readable_streams(self._actor)
            behind = (
                traces.promotion_behind(self._tx, row, each.digest, each.environment, each.started, readable)
                for each in chosen
            )
            carried_out = {number for number in behind if number is not None}
        return Target(
            TraceKind.DEPLOYMENT,
            deployments=[each.id for each in chosen],
            builds=made,
            promotions=sorted(carried_out),
            version=self._version_of(row, chosen[0].digest),
        )

    def _version_of(self, row: int | None, digest: str | None) -> TracedVersionRow | None:
        if row is not None:
            return traces.version(self._tx, row)
        found = self._readable(traces.versions_with_digests(self._tx, [digest], TOLD)) if digest else []
        return found[0] if len(found) == 1 else None

    def _of_builds(self, found: Sequence[int]) -> Target:
        of = {build.promotion: build for build in builds.load(self._tx, found)}
        if len(of) > 1:
            named = [
                Candidate(TraceKind.BUILD, f"builds/{build.id}", f"build for promotion {seq}")
                for seq, build in of.items()
            ]
            return Target(TraceKind.BUILD, candidates=named)
        return Target(
            TraceKind.BUILD,
            builds=sorted(found),
            promotions=list(of),
            deployments=traces.deployments_of_builds(self._tx, found, TOLD),
        )

    def _of_digests(self, kind: TraceKind, digests: Sequence[str]) -> Target | None:
        versions = self._readable(traces.versions_with_digests(self._tx, digests, TOLD + 1))
        if versions:
            return one_of_versions(kind, versions)
        promoted = traces.promoted_runs(self._tx, digests, TOLD + 1)
        found = [row for each in promoted if (row := traces.run_by_row(self._tx, each.run))]
        return self._of_runs(kind, found)

    def _of_runs(self, kind: TraceKind, found: Sequence[TracedRunRow]) -> Target | None:
        readable = self._readable_runs(found)
        if not readable:
            return None
        if len(readable) == 1:
            return self._of_run(kind, readable[0])
        told = readable[:TOLD]
        versions = traces.versions_of_runs(self._tx, [each.run_id for each in told])
        named = [
            Candidate(TraceKind.RUN, each.run_id, run_label(each, self._readable(versions.get(each.run_id, ()))))
            for each in told
        ]
        return Target(kind, candidates=named, truncated=len(readable) > TOLD)

    def _of_run(self, kind: TraceKind, row: TracedRunRow) -> Target:
        return self._with_versions(kind, self._readable(traces.versions_of_run(self._tx, row.run_id, TOLD)), row)

    def _with_versions(self, kind: TraceKind, versions: Sequence[TracedVersionRow], row: TracedRunRow | None) -> Target:
        """A run with its version; of several versions, candidates beside it."""
        if len(versions) == 1:
            return Target(kind, version=versions[0], run=row, whole=True)
        return Target(kind, run=row, candidates=list(map(version_candidate, versions)), whole=True)

    def _readable(self, versions: Sequence[TracedVersionRow]) -> list[TracedVersionRow]:
        return [each for each in versions if access.may_read(self._actor, model=each.model)]

    def _readable_runs(self, found: Sequence[TracedRunRow]) -> list[TracedRunRow]:
        return [each for each in found if self._may_read_run(each)]

    def _may_read_run(self, row: TracedRunRow) -> bool:
        return access.may_read(self._actor, experiment=row.experiment)


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return int(text) if int(text) <= INT64_MAX else None
