"""What may come next in a filter of runs: names that the experiment's runs have, operators, values."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor, RunStatus
from trackback.search import RUNS, Field, Kind, Place, Wanted, place_in, quoted, spelled
from trackback.services.experiments import readable_experiment
from trackback.services.runs import RUN_NAME_TAG
from trackback.storage import Storage, Transaction, distinct, inputs

MOST = 50
MOST_KEYS = 2000
_FUNCTIONS = ("min(", "max(")
_KEYED = (Kind.METRIC, Kind.PARAM, Kind.TAG)


class Candidate(NamedTuple):
    """``text`` goes into the filter; ``hint`` says what it is."""

    text: str
    hint: str = ""


class Completion(NamedTuple):
    """``candidates`` go where the filter's text from ``start`` to ``end`` is."""

    start: int
    end: int
    candidates: list[Candidate]


class RunCompletion:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def complete(self, actor: Actor, experiment_id: str, text: str, position: int) -> Completion:
        """For the place that many characters into the filter ``text``."""
        experiment = limits.check_experiment_id(experiment_id)
        limits.check_text(text, "filter")
        place = place_in(text, position, RUNS)

        def operation(tx: Transaction) -> list[Candidate]:
            readable_experiment(tx, actor, experiment)
            match place.wanted:
                case Wanted.FIELD:
                    return _fields(tx, experiment, place.typed)
                case Wanted.OPERATOR:
                    return _operators(place)
                case Wanted.VALUE:
                    return _values(tx, experiment, place)
                case Wanted.CONNECTIVE:
                    words = (Candidate("AND"), Candidate("OR"))
                    return [word for word in words if word.text.startswith(place.typed.upper())]
                case _:
                    return []

        found = await self._storage.read(operation)
        return Completion(place.start, max(position, place.start), found[:MOST])

    async def names(self, actor: Actor, experiment_id: str, contains: str = "") -> dict[Kind, list[str]]:
        """The keys of each kind that any run of the experiment has, by name, those that contain a text in any case."""
        experiment = limits.check_experiment_id(experiment_id)
        limits.check_length(contains, "contains", limits.KEY_LENGTH)

        def operation(tx: Transaction) -> dict[Kind, list[str]]:
            readable_experiment(tx, actor, experiment)
            return {
                kind: sorted(
                    key
                    for key in distinct.keys_of_experiment(tx, kind, experiment, MOST_KEYS)
                    if contains.casefold() in key.casefold()
                )
                for kind in _KEYED
            }

        return await self._storage.read(operation)


def _fields(tx: Transaction, experiment: int, typed: str) -> list[Candidate]:
    """Those that contain what was typed; those that begin with it come first."""
    wanted = typed.replace("`", "").casefold()
    fixed = [
        Field(kind, attribute.name)
        for kind, names in RUNS.fixed.items()
        for attribute in {attribute.name: attribute for attribute in names.values()}.values()
    ]
    keyed = [
        Field(kind, key) for kind in _KEYED for key in distinct.keys_of_experiment(tx, kind, experiment, MOST_KEYS)
    ]
    found = [Candidate(spelled(field), str(field.kind)) for field in (*fixed, *keyed)]
    found += [Candidate(function, "of a metric") for function in _FUNCTIONS]

    def rank(candidate: Candidate) -> tuple[bool, bool, str]:
        plain = candidate.text.replace("`", "").casefold()
        return not plain.startswith(wanted), ".mlflow." in plain, plain

    return sorted((each for each in found if wanted in each.text.replace("`", "").casefold()), key=rank)


def _operators(place: Place) -> list[Candidate]:
    assert place.field
    operators = RUNS.domain(place.field).operators
    return [Candidate(str(operator)) for operator in operators if operator.startswith(place.typed.upper())]


def _values(tx: Transaction, experiment: int, place: Place) -> list[Candidate]:
    assert place.field
    return [
        Candidate(written)
        for text in _known_values(tx, experiment, place.field, place.typed)
        if (written := quoted(text)) is not None
    ]


def _known_values(tx: Transaction, experiment: int, field: Field, typed: str) -> Iterable[str]:
    if field == Field(Kind.ATTRIBUTE, "status"):
        return [status for status in RunStatus if status.startswith(typed.upper())]
    if field == Field(Kind.ATTRIBUTE, "run_name"):
        field = Field(Kind.TAG, RUN_NAME_TAG)
    if field.kind is Kind.DATASET:
        return _of_datasets(tx, experiment, field.key, typed)
    if field.kind not in (Kind.PARAM, Kind.TAG):
        return []
    key = tx.known_name_ids([field.key]).get(field.key)
    return [] if key is None else distinct.values_of_key(tx, field.kind, experiment, key, MOST, start=typed)


def _of_datasets(tx: Transaction, experiment: int, key: str, typed: str) -> Sequence[str]:
    summaries = inputs.summaries(tx, [experiment], limits.DATASET_SUMMARIES)
    values = {getattr(summary, key) or "" for summary in summaries}
    return sorted(value for value in values if value and value.startswith(typed))
