"""In what two runs differ: what was given to them, what came out, and all that went into them."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from trackback.client.transport import Transport
from trackback.entities import (
    PROVENANCE_PATH,
    CodeRecord,
    DatasetRecord,
    EnvironmentRecord,
    Provenance,
    ProvenanceOrigin,
    ProvenanceRecord,
    Run,
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


Values = Mapping[str, Any]


def _parts(a: ComparedRun, b: ComparedRun) -> Iterator[tuple[str, Values, Values]]:
    yield "param", _params(a.run), _params(b.run)
    yield "metric", _metrics(a.run), _metrics(b.run)
    yield "tag", _tags(a.run), _tags(b.run)
    yield "code", _code(a), _code(b)
    yield "data", *_data(a, b)
    if a.provenance and b.provenance:
        yield "package", _packages(a.provenance), _packages(b.provenance)
        yield "environment", _environment(a.provenance), _environment(b.provenance)


def _params(run: Run) -> Values:
    return {each.key: each.value for each in run.data.params}


def _metrics(run: Run) -> Values:
    """The last value of each; NaN, which equals nothing, as a text."""
    return {each.key: each.value if each.value == each.value else "NaN" for each in run.data.metrics}


def _tags(run: Run) -> Values:
    return {each.key: each.value for each in run.data.tags if not each.key.startswith(_OWN_TAGS)}


def _packages(known: Provenance) -> Values:
    return {each.name: each.version or each.specifier or "" for each in known.packages}


def _code(compared: ComparedRun) -> Values:
    code = (compared.provenance.code if compared.provenance else None) or CodeRecord()
    files = {"diff": code.diff, "script": code.script, "notebook": code.notebook}
    return _there(
        repository=code.repository,
        commit=code.commit,
        branch=code.branch,
        dirty=code.dirty,
        entry_point=code.entry_point,
        command=" ".join(code.command) or None,
        **{name: file.sha256 or file.path for name, file in files.items() if file},
    )


def _environment(known: Provenance) -> Values:
    found = known.environment or EnvironmentRecord()
    hardware = msgspec.to_builtins(found.hardware) if found.hardware else {}
    return _there(
        python=found.python,
        os=found.os,
        machine=found.machine,
        image=found.image,
        **{f"hardware {name}": value for name, value in hardware.items()},
        **{f"variable {name}": value for name, value in found.variables.items()},
    )


def _data(a: ComparedRun, b: ComparedRun) -> tuple[Values, Values]:
    """Digests by name and context; then, of data that both have, the columns, rows and sources that differ."""
    left, right = _digests(a), _digests(b)
    known = [{_called(each): each for each in compared.datasets} for compared in (a, b)]
    for name in list(left):
        if left[name] != right.get(name) and all(name in each for each in known):
            left |= _columns(name, known[0][name])
            right |= _columns(name, known[1][name])
    return left, right


def _digests(compared: ComparedRun) -> dict[str, Any]:
    if compared.provenance:
        return {_called(each): each.digest for each in compared.provenance.datasets}
    inputs = compared.run.inputs.dataset_inputs
    contexts = [next((tag.value for tag in each.tags if tag.key == "mlflow.data.context"), None) for each in inputs]
    return {
        f"{each.dataset.name} ({context})" if context else each.dataset.name: each.dataset.digest
        for each, context in zip(inputs, contexts, strict=True)
    }


def _called(dataset: Any) -> str:
    return f"{dataset.name} ({dataset.context})" if dataset.context else str(dataset.name)


def _columns(name: str, dataset: DatasetRecord) -> dict[str, Any]:
    """The columns of a data set, each by its type and the digests of its parts, so that the changed ones show."""
    columns = dataset.schema.get("columns", ()) if isinstance(dataset.schema, dict) else ()
    found = {f"{name}: column {each['name']}": _column(each) for each in columns if isinstance(each, dict)}
    return found | _there(**{f"{name}: rows": dataset.rows, f"{name}: source": dataset.source})


def _column(column: Mapping[str, Any]) -> str:
    parts = column.get("parts")
    digests = [str(digest)[:12] for _, digest in sorted(parts.items())] if isinstance(parts, dict) else []
    return " ".join([str(column.get("type", "")), *digests])


def _there(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
