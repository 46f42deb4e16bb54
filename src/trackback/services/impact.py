"""What something went into: a data set, a package, a commit or a run, and every version that it is part of."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from trackback import limits
from trackback.entities import Actor, AffectedModel, AffectedVersion, Deployment, Impact
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown
from trackback.services import access, pages, streams
from trackback.services.lineage_index import LineageIndex
from trackback.services.runs import readable_run
from trackback.storage import Storage, Transaction, deployments, impact
from trackback.storage.impact import AffectedRow, Seed, WayRow

COMMIT_PREFIX = 7
COMMITS_NAMED = 10

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:==\s*(\S+)\s*)?")


class Question(NamedTuple):
    """What is asked about: one of these.

    ``dataset`` is a digest or a name, ``package`` is ``numpy==1.26.0``, or ``numpy`` for all of its versions;
    ``commit`` may be shortened to 7 digits.
    """

    dataset: str = ""
    package: str = ""
    commit: str = ""
    run: str = ""


class Impacts:
    def __init__(self, storage: Storage, index: LineageIndex) -> None:
        self._storage = storage
        self._index = index

    def start(self) -> None:
        """Find, in the background, what versions descend from that nobody has asked about yet."""
        self._index.start()

    async def close(self) -> None:
        await self._index.close()

    async def find(
        self,
        actor: Actor,
        question: Question,
        *,
        max_results: int = limits.AFFECTED_PER_PAGE_DEFAULT,
        page_token: str = "",
    ) -> pages.Page[Impact]:
        """A page of the versions that something went into, by model, the newest first: one Impact.

        Also those that got it through parents and source models. Raises InvalidParameter unless one thing is asked
        about, and for a shortened commit that is several; NotFound for what no run is known of.
        """
        limits.check_max_results(max_results, limits.AFFECTED_PER_PAGE)
        offset = pages.decode(page_token)
        _check(question)
        unindexed = await self._index.catch_up()

        def operation(tx: Transaction) -> pages.Page[Impact]:
            seed = _seed(tx, actor, question)
            readable = access.readable_models(actor)
            counts = {
                model: number
                for model, number in impact.count(tx, seed).items()
                if readable is None or model in readable
            }
            names = impact.names(tx, sorted(counts))
            told, skipped = _models_told(counts, names, offset, max_results)
            found = _by_model(impact.of_models(tx, seed, told))
            page = [row for model in told for row in found[model]][skipped : skipped + max_results]
            total = sum(counts.values())
            more = total > offset + max_results
            answer = Impact(total, tuple(_models(tx, actor, seed, found, page, names)), unindexed)
            return pages.Page([answer], pages.encode(offset + max_results) if more else None)

        return await self._storage.read(operation)


def _check(question: Question) -> None:
    given = [name for name, value in question._asdict().items() if value]
    if len(given) != 1:
        raise InvalidParameter(
            f"Ask about one thing: {', '.join(question._fields[:-1])} or {question._fields[-1]}. "
            f"Got {' and '.join(given) or 'none of them'}."
        )
    for name, value in question._asdict().items():
        limits.check_length(value, name, limits.DATASET_NAME_LENGTH)


def _seed(tx: Transaction, actor: Actor, question: Question) -> Seed:
    if question.dataset:
        return _datasets(tx, actor, question.dataset)
    if question.package:
        return _packages(tx, question.package)
    if question.commit:
        return impact.of_commit(_commit(tx, actor, question.commit))
    return impact.of_run(readable_run(tx, actor, question.run).id)


def _datasets(tx: Transaction, actor: Actor, text: str) -> Seed:
    wanted = text.removeprefix("sha256:")
    found = impact.datasets(tx, wanted, access.readable_experiments(actor))
    if found is None:
        raise NotFound(f"No run is known that used a data set with the digest or the name {shown(text)}.")
    return impact.of_dataset(wanted, found.column)


def _packages(tx: Transaction, text: str) -> Seed:
    match = _REQUIREMENT.fullmatch(text)
    if match is None:
        raise InvalidParameter(f"Invalid package {shown(text)}: write numpy==1.26.0, or numpy for all of its versions.")
    name, version = canonicalize_name(match[1]), match[2]
    sets = impact.package_sets(tx, name, _spellings(version) if version else ())
    if sets is None:
        raise NotFound(f"No run or version is known that had the package {shown(name)}.")
    return impact.of_package_sets(sets)


def _spellings(version: str) -> list[str]:
    """The ways in which a version is written: 1.26 is 1.26.0."""
    found = {version}
    try:
        parsed = Version(version)
    except InvalidVersion:
        return sorted(found)
    found.add(str(parsed))
    if not (parsed.pre or parsed.post is not None or parsed.dev is not None or parsed.local or parsed.epoch):
        short = re.sub(r"(\.0)+$", "", parsed.base_version)
        found.update(short + ".0" * zeros for zeros in range(4 - short.count(".")))
    return sorted(found)


def _commit(tx: Transaction, actor: Actor, text: str) -> str:
    prefix = text.strip().lower()
    if not _COMMIT.fullmatch(prefix):
        raise InvalidParameter(f"Invalid commit {shown(text)}: it must have {COMMIT_PREFIX} to 64 hex digits.")
    found = impact.commits(tx, prefix, COMMITS_NAMED + 1, access.readable_experiments(actor))
    if not found:
        raise NotFound(f"No run is known of the commit {prefix}.")
    if len(found) > 1:
        some = ", ".join(found[:COMMITS_NAMED])
        raise InvalidParameter(f"{prefix} begins several commits: {some}. Give more digits.")
    return found[0]


def _models_told(counts: Mapping[int, int], names: Mapping[int, str], first: int, length: int) -> tuple[list[int], int]:
    """The models on a page of versions that begins at ``first``, by name, and how many versions of these to skip."""
    told: list[int] = []
    begin = skipped = 0
    for model in sorted(counts, key=lambda model: (names[model], model)):
        end = begin + counts[model]
        if begin < first + length and first < end:
            skipped = skipped if told else first - begin
            told.append(model)
        begin = end
    return told, max(0, skipped)


def _by_model(rows: Iterable[AffectedRow]) -> dict[int, list[AffectedRow]]:
    """The versions of each model, the newest first."""
    models: defaultdict[int, list[AffectedRow]] = defaultdict(list)
    for row in rows:
        models[row.model].append(row)
    return {model: sorted(found, key=lambda row: -row.version) for model, found in models.items()}


def _models(
    tx: Transaction,
    actor: Actor,
    seed: Seed,
    found: Mapping[int, list[AffectedRow]],
    page: Sequence[AffectedRow],
    names: Mapping[int, str],
) -> Iterable[AffectedModel]:
    versions = dict(zip((row.id for row in page), _versions(tx, actor, seed, page), strict=True))
    for model in dict.fromkeys(row.model for row in page):
        affected = frozenset(row.version for row in found[model])
        last = impact.last_unaffected(tx, model, affected, limits.AFFECTED_PER_PAGE)
        yield AffectedModel(
            name=names[model],
            affected=len(affected),
            last_unaffected=None if last is None else str(last),
            versions=tuple(versions[row.id] for row in page if row.model == model),
        )


def _versions(tx: Transaction, actor: Actor, seed: Seed, page: Sequence[AffectedRow]) -> list[AffectedVersion]:
    ids = [row.id for row in page]
    loaded = impact.load(tx, ids)
    ways = impact.ways(tx, seed, ids)
    held = impact.environments_held(tx, ids)
    deployed = _deployments(tx, actor, ids, sorted({row.digest for row in loaded.values() if row.digest}))
    found = []
    for row in page:
        version = loaded[row.id]
        runs = ways.get(row.id, ())
        here = {each.id: each for key in (row.id, version.digest) for each in deployed.get(key, ())}
        found.append(
            AffectedVersion(
                version=str(row.version),
                created=version.created_ms,
                run_id=version.run_id or None,
                digest=version.digest,
                through=_through(actor, runs, version.run_id),
                deleted=version.deleted_ms is not None,
                environments=tuple(held.get(row.id, ())),
                deployments=tuple(here[number] for number in sorted(here)),
            )
        )
    return found


def _through(actor: Actor, runs: Sequence[WayRow], own: str) -> str | None:
    """The first run by which a version got it, of those that may be read; None if its own had it."""
    if any(run.run_id == own for run in runs):
        return None
    return next((run.run_id for run in runs if access.may_read(actor, experiment=run.experiment)), None)


def _deployments(
    tx: Transaction, actor: Actor, ids: list[int], digests: list[str]
) -> dict[int | str | None, list[Deployment]]:
    """Deployments by the row of the version, and, of those whose version is not known, by the digest."""
    found: defaultdict[int | str | None, list[Deployment]] = defaultdict(list)
    for key, deployment in deployments.of_versions(tx, ids, digests, limits.DEPLOYMENTS_PER_PAGE):
        found[key].append(deployment)
    return {key: streams.among_readable(actor, each) for key, each in found.items()}
