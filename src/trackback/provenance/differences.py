"""In what two runs differ: what was given to them, what came out, and all that went into them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from trackback.client.transport import Transport
from trackback.entities import (
    PROVENANCE_PATH,
    DatasetRecord,
    Provenance,
    ProvenanceOrigin,
    ProvenanceRecord,
    Run,
)
from trackback.entities.particulars import (
    Values,
    called,
    of_code,
    of_columns,
    of_datasets,
    of_environment,
    of_packages,
)
from trackback.errors import TrackbackError

RUNS_GET = "/api/2.0/mlflow/runs/get"
PROVENANCE = "/api/v1/provenance"
_OWN_TAGS = "mlflow."


class Difference(msgspec.Struct, frozen=True):
    """``part`` is what of the runs: ``param``, ``metric``, ``tag``, ``code``, ``data``, ``package``, ``environment``.

    ``a`` and ``b`` are the values of either run; None where it has none.
    """

    part: str
    name: str
    a: Any = None
    b: Any = None


class ComparedRun(msgspec.Struct, frozen=True):
    """A run and what is known of what went into it; ``datasets`` are those of its document, with their columns."""

    run: Run
    provenance: Provenance | None = None
    datasets: tuple[DatasetRecord, ...] = ()


class _FoundRun(msgspec.Struct):
    run: Run


class _FoundProvenance(msgspec.Struct):
    provenance: Provenance


def read_run(transport: Transport, run_id: str) -> ComparedRun:
    """A run, by its id. From a server that isn't trackback's, what it has: params, metrics, tags and data sets.

    NotFound: there is no such run.
    """
    run_id = run_id.removeprefix("runs:/")
    run = transport.call("GET", RUNS_GET, {"run_id": run_id}, _FoundRun).run
    try:
        found = transport.call("GET", PROVENANCE, {"run_id": run_id}, _FoundProvenance).provenance
    except TrackbackError:  # of a server that has no such thing; the run itself it has just told us of
        return ComparedRun(run)
    datasets = _document(transport, run).datasets if found.origin is ProvenanceOrigin.DOCUMENT else ()
    return ComparedRun(run, found, datasets)


def _document(transport: Transport, run: Run) -> ProvenanceRecord:
    """The record itself, which tells of columns; empty, if it can't be read."""
    place = run.info.artifact_uri.removeprefix("mlflow-artifacts:").strip("/")
    with tempfile.TemporaryDirectory(prefix="trackback-") as folder:
        path = Path(folder) / "provenance.json"
        try:
            transport.download(f"{place}/{PROVENANCE_PATH}", path)
            return msgspec.json.decode(path.read_bytes(), type=ProvenanceRecord)
        except (TrackbackError, msgspec.DecodeError):
            return ProvenanceRecord(0)


def compare(a: ComparedRun, b: ComparedRun) -> list[Difference]:
    """In what two runs differ, part by part, by name within each."""
    return [
        Difference(part, name, left.get(name), right.get(name))
        for part, left, right in _parts(a, b)
        for name in sorted({*left, *right})
        if left.get(name) != right.get(name)
    ]


def _parts(a: ComparedRun, b: ComparedRun) -> Iterator[tuple[str, Values, Values]]:
    yield "param", _params(a.run), _params(b.run)
    yield "metric", _metrics(a.run), _metrics(b.run)
    yield "tag", _tags(a.run), _tags(b.run)
    yield "code", _code(a), _code(b)
    yield "data", *_data(a, b)
    if a.provenance and b.provenance:
        yield "package", of_packages(a.provenance.packages), of_packages(b.provenance.packages)
        yield "environment", of_environment(a.provenance.environment), of_environment(b.provenance.environment)


def _params(run: Run) -> Values:
    return {each.key: each.value for each in run.data.params}


def _metrics(run: Run) -> Values:
    """The last value of each; NaN, which equals nothing, as a text."""
    return {each.key: each.value if each.value == each.value else "NaN" for each in run.data.metrics}


def _tags(run: Run) -> Values:
    return {each.key: each.value for each in run.data.tags if not each.key.startswith(_OWN_TAGS)}


def _code(compared: ComparedRun) -> Values:
    return of_code(compared.provenance.code if compared.provenance else None)


def _data(a: ComparedRun, b: ComparedRun) -> tuple[Values, Values]:
    """Digests by name and context; then, of data that both have, the columns, rows and sources that differ."""
    left, right = dict(_digests(a)), dict(_digests(b))
    known = [{called(each.name, each.context): each for each in compared.datasets} for compared in (a, b)]
    for name in list(left):
        if left[name] != right.get(name) and all(name in each for each in known):
            left |= of_columns(name, known[0][name])
            right |= of_columns(name, known[1][name])
    return left, right


def _digests(compared: ComparedRun) -> Values:
    if compared.provenance:
        return of_datasets(compared.provenance.datasets)
    inputs = compared.run.inputs.dataset_inputs
    contexts = [next((tag.value for tag in each.tags if tag.key == "mlflow.data.context"), None) for each in inputs]
    return {
        called(each.dataset.name, context): each.dataset.digest for each, context in zip(inputs, contexts, strict=True)
    }
