"""In what two models differ beside their predictions: what went into them, what they take, and their files."""

from typing import Any

from trackback.client.api import Client
from trackback.delivery.evaluation.asking import Candidate
from trackback.delivery.subject import Subject
from trackback.entities import DatasetRecord
from trackback.errors import NotFound, PermissionDenied
from trackback.flavors import read_mlmodel
from trackback.provenance.differences import ComparedRun, Difference, compare, read_run

_OF_PROFILES = ("missing", "min", "max", "mean", "std", "distinct")


def changes_of(
    client: Client, before: tuple[Subject, Candidate], now: tuple[Subject, Candidate]
) -> tuple[list[Difference], list[str]]:
    """All differences, part by part; and notes on what could not be compared."""
    found = [*_of_signatures(before[1], now[1]), *_of_flavors(before[1], now[1])]
    runs: list[ComparedRun] = []
    notes = []
    for subject, model in (before, now):
        run_id = subject.run_id or read_mlmodel(model.local.path).run_id
        try:
            if run_id:
                runs.append(read_run(client.transport, run_id))
            else:
                notes.append(f"Nothing says which run {subject.label} came from: what went into it is not compared.")
        except (NotFound, PermissionDenied) as error:
            notes.append(f"The run of {subject.label} can't be read: {error.message}")
    if len(runs) == 2:
        found += [each for each in compare(*runs) if each.part not in ("metric", "tag")]
        found += _of_profiles(*runs)
    return found, notes


def _of_signatures(before: Candidate, now: Candidate) -> list[Difference]:
    """Each column or param by itself, so that the changed ones show."""
    old, new = _signature(before), _signature(now)
    return [
        Difference("signature", name, old.get(name), new.get(name))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]


def _signature(model: Candidate) -> dict[str, str]:
    signature = model.signature
    if signature is None:
        return {}
    told: dict[str, str] = {}
    for kind, schema in (("input", signature.inputs), ("output", signature.outputs)):
        if schema is None:
            continue
        if schema.is_tensor:
            told |= {f"{kind} {each.name or 'tensor'}": f"{each.dtype}{tuple(each.shape)}" for each in schema.tensors}
        else:
            for place, each in enumerate(schema.columns):
                name = place if each.name is None else each.name
                told[f"{kind} {name}"] = f"{each.type}{'' if each.required else ', optional'}"
    return told | {f"param {each.name}": f"{each.type}, {each.default}" for each in signature.params or ()}


def _of_flavors(before: Candidate, now: Candidate) -> list[Difference]:
    old, new = (sorted(read_mlmodel(each.local.path).flavors) for each in (before, now))
    return [] if old == new else [Difference("model", "flavors", ", ".join(old), ", ".join(new))]


def _of_profiles(before: ComparedRun, now: ComparedRun) -> list[Difference]:
    """Of data sets that both runs have by name and context: what their columns are like, where that differs."""
    old, new = ({(each.name, each.context): each for each in run.datasets} for run in (before, now))
    found = []
    for key in old.keys() & new.keys():
        left, right = _profile(old[key]), _profile(new[key])
        found += [
            Difference("profile", f"{key[0]}: {name}", left.get(name), right.get(name))
            for name in dict.fromkeys((*left, *right))
            if left.get(name) != right.get(name)
        ]
    return sorted(found, key=lambda each: each.name)


def _profile(dataset: DatasetRecord) -> dict[str, Any]:
    columns = dataset.profile.get("columns", ()) if isinstance(dataset.profile, dict) else ()
    return {
        f"{column['name']} {figure}": column[figure]
        for column in columns
        if isinstance(column, dict) and "name" in column
        for figure in _OF_PROFILES
        if figure in column
    }
