"""Search across everything: what a text in the search box may name, kind by kind, in one read of bounded queries.

Found are, by an index, however many there are: what has an id, digest or commit that begins so (from 6 characters
on), experiments, runs, registered models, data sets and deployments whose name begins so, and runs with a param or tag
whose value begins so: ``solver=lbfgs`` under that key, ``lbfgs`` under the keys of the newest runs. Besides, the text
may stand anywhere in the names of the newest experiments, runs and models.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from trackback import limits
from trackback.entities import Actor, Permission
from trackback.entities.findings import Findings, Found, FoundGroup, FoundKind
from trackback.errors import TrackbackError
from trackback.services import access, exact_names, streams
from trackback.services.subjects import resolve
from trackback.storage import Storage, Transaction, deployments, finding, impact, promotion_log, promotions

PER_KIND = 8
PER_KIND_MOST = 50
LEAST_DIGITS = 6
TEXT_LENGTH = 250
VALUE_SHOWN = 80

_HEX = re.compile(r"[0-9a-f]+")
_NUMBER = re.compile(r"\d{1,18}")
_VERSION = re.compile(r"(?P<name>.+?)(?:/|\s+v?|@)(?P<which>[\w-]+)")
_SCHEMES = ("", "https://", "http://", "sha256:")

T = TypeVar("T")


class Finder:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, actor: Actor, text: str, per_kind: int = PER_KIND) -> Findings:
        """What there is by that name, of each kind up to so many; nothing for an empty text.

        Raises InvalidParameter for a text that is too long, or none.
        """
        wanted = limits.check_length(text.strip(), "q", limits.TRACED_LENGTH)
        limits.check_max_results(per_kind, PER_KIND_MOST)
        if not wanted:
            return Findings("")
        return await self._storage.read(lambda tx: _Search(tx, actor, wanted, per_kind).findings())


class _Search:
    def __init__(self, tx: Transaction, actor: Actor, text: str, per_kind: int) -> None:
        self._tx = tx
        self._actor = actor
        self._text = text
        self._digits = text.lower().removeprefix("sha256:")
        self._is_hex = len(self._digits) >= LEAST_DIGITS and _HEX.fullmatch(self._digits) is not None
        self._limit = per_kind + 1
        self._experiments = access.readable_experiments(actor)
        self._models = access.readable_models(actor)

    def findings(self) -> Findings:
        exact = exact_names.find(self._tx, self._actor, self._text)
        if len(self._text) > TEXT_LENGTH:  # no name is as long
            return Findings(self._text, exact)
        kinds: dict[FoundKind, Callable[[], Iterable[Found]]] = {
            FoundKind.EXPERIMENT: self._named_experiments,
            FoundKind.RUN: self._runs,
            FoundKind.REGISTERED_MODEL: self._named_models,
            FoundKind.VERSION: self._versions,
            FoundKind.LOGGED_MODEL: self._logged_models,
            FoundKind.PROMOTION: self._promotions,
            FoundKind.DEPLOYMENT: self._deployments,
            FoundKind.COMMIT: self._commits,
            FoundKind.DATASET: self._datasets,
        }
        groups = (self._group(kind, look()) for kind, look in kinds.items())
        return Findings(self._text, exact, tuple(group for group in groups if group.found))

    def _group(self, kind: FoundKind, found: Iterable[Found]) -> FoundGroup:
        distinct = list({each.id: each for each in reversed(list(found))}.values())[::-1]
        return FoundGroup(kind, tuple(distinct[: self._limit - 1]), len(distinct) >= self._limit)

    def _named_experiments(self) -> list[Found]:
        found = finding.experiments_named(self._tx, self._text, self._experiments, self._limit)
        found += self._among(finding.newest_experiments(self._tx, self._experiments), lambda each: each.name)
        if _NUMBER.fullmatch(self._text) and access.may_read(self._actor, experiment=int(self._text)):
            names = finding.experiment_names(self._tx, [int(self._text)])
            found = [*(finding.NamedRow(*each) for each in names.items()), *found]
        return [Found(FoundKind.EXPERIMENT, str(each.id), each.name, f"experiment {each.id}") for each in found]

    def _named_models(self) -> list[Found]:
        found = finding.models_named(self._tx, self._text, self._models, self._limit)
        found += self._among(finding.newest_models(self._tx, self._models), lambda each: each.name)
        return [Found(FoundKind.REGISTERED_MODEL, each.name, each.name) for each in found]

    def _runs(self) -> list[Found]:
        found = finding.runs_named(self._tx, self._text, self._experiments, self._limit)
        if self._is_hex:
            found = [*finding.runs_with_id(self._tx, self._digits, self._experiments, self._limit), *found]
        newest = [each for each in finding.newest_runs(self._tx) if self._may_read(each.experiment)]
        found += self._among(newest, lambda each: each.name)
        if len(found) < self._limit:
            found += self._runs_with_value(newest)
        return _told(self._tx, found)

    def _runs_with_value(self, newest: Sequence[finding.FoundRun]) -> list[finding.FoundRun]:
        """By ``key=value``, or by a value under the keys that the newest runs have."""
        key, equals, value = self._text.partition("=")
        found: list[finding.FoundRun] = []
        if equals and key.strip():
            known = self._tx.known_name_ids([key.strip()])
            experiments = [each.id for each in finding.newest_experiments(self._tx, self._experiments)]
            for table in ("params", "tags") if known and value.strip() else ():
                found += finding.runs_with_value(
                    self._tx, table, value.strip(), experiments, [*known.values()], self._limit
                )
        else:
            looked_at = newest[: finding.VALUE_RUNS]
            experiments = list(dict.fromkeys(each.experiment for each in newest))[: finding.VALUE_EXPERIMENTS]
            for table in ("params", "tags") if looked_at else ():
                keys = finding.keys_of(self._tx, table, [each.id for each in looked_at])
                found += finding.runs_with_value(self._tx, table, self._text, experiments, keys, self._limit)
        return found

    def _versions(self) -> list[Found]:
        named = []
        if (match := _VERSION.fullmatch(self._text.removeprefix("models:/"))) and not self._text.startswith("runs:"):
            separator = "/" if match["which"].isdigit() else "@"
            try:
                subject = resolve(self._tx, f"models:/{match['name']}{separator}{match['which']}", self._actor)
                named.append(Found(FoundKind.VERSION, f"{subject.name}/{subject.version}", subject.text))
            except TrackbackError:
                pass
        if not self._is_hex:
            return named
        found = finding.versions_with_digest(self._tx, self._digits, self._models, self._limit)
        named += [
            Found(FoundKind.VERSION, f"{each.name}/{each.version}", f"models:/{each.name}/{each.version}", each.digest)
            for each in found
        ]
        return named

    def _logged_models(self) -> list[Found]:
        found = []
        if self._text.startswith("m-") and len(self._text) > LEAST_DIGITS:
            found = finding.logged_models_with_id(self._tx, self._text, self._experiments, self._limit)
        newest = (each for each in finding.newest_logged_models(self._tx) if self._may_read(each.experiment))
        found += self._among(newest, lambda each: each.name)
        return [Found(FoundKind.LOGGED_MODEL, each.model_id, each.name, each.model_id) for each in found]

    def _promotions(self) -> list[Found]:
        if not _NUMBER.fullmatch(self._text):
            return []
        entry = promotions.find(self._tx, int(self._text))
        if entry is None or not streams.may(self._actor, Permission.READ, entry.stream):
            return []
        (told,) = promotion_log.load(self._tx, [entry.seq])
        what = f"models:/{told.name}/{told.version}" if told.name else f"run {told.run_id}"
        label = f"promotion {told.seq}"
        return [Found(FoundKind.PROMOTION, str(told.seq), label, f"{what} to {told.environment}", told.time)]

    def _deployments(self) -> list[Found]:
        if len(self._text) < 3:
            return []
        numbers = [
            number
            for scheme in _SCHEMES
            for number in finding.deployments_named(self._tx, scheme + self._text, self._limit)
        ]
        found = streams.among_readable(self._actor, deployments.load(self._tx, sorted(set(numbers), reverse=True)))
        return [
            Found(FoundKind.DEPLOYMENT, f"deployments/{each.id}", each.locator, f"in {each.environment}", each.started)
            for each in found[: self._limit]
        ]

    def _commits(self) -> list[Found]:
        if not self._is_hex or len(self._digits) == len(self._text) - len("sha256:"):
            return []
        found = impact.commits(self._tx, self._digits, self._limit, self._experiments)
        return [Found(FoundKind.COMMIT, f"commits/{commit}", commit) for commit in found]

    def _datasets(self) -> list[Found]:
        found = finding.datasets_like(self._tx, "name", self._text, self._experiments, self._limit)
        if len(self._digits) >= LEAST_DIGITS:
            found += finding.datasets_like(self._tx, "digest", self._digits, self._experiments, self._limit)
        return [
            Found(FoundKind.DATASET, f"datasets/{each.digest}", each.name, each.digest)
            for each in found
            if not any(_is_longer(other, each) for other in found)
        ]

    def _may_read(self, experiment: int) -> bool:
        return self._experiments is None or experiment in self._experiments

    def _among(self, rows: Iterable[T], name: Callable[[T], str]) -> list[T]:
        """Those that have the text anywhere in their name, whatever the case."""
        wanted = self._text.casefold()
        return [row for row in rows if wanted in name(row).casefold()][: self._limit]


def _is_longer(other: finding.FoundDataset, one: finding.FoundDataset) -> bool:
    """Whether that is the whole digest of the same data: MLflow keeps the first letters of one."""
    return other.name == one.name and other.digest != one.digest and other.digest.startswith(one.digest)


def _told(tx: Transaction, found: Sequence[finding.FoundRun]) -> list[Found]:
    """By their names, with their experiments, and what they were found by."""
    experiments = finding.experiment_names(tx, [each.experiment for each in found])
    keys = sorted({each.key for each in found if each.key is not None})
    names = dict(zip(keys, tx.names(keys), strict=True)) if keys else {}

    def detail(run: finding.FoundRun) -> str:
        by = "" if run.key is None else f"{names[run.key]}={run.value}"[:VALUE_SHOWN]
        return " · ".join(filter(None, (experiments.get(run.experiment, ""), by)))

    return [Found(FoundKind.RUN, each.run_id, each.name or each.run_id, detail(each), each.start_ms) for each in found]
