"""The spec file: what a model is measured by, and what it has to show; docs/reference/deliver.md explains it."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from trackback.delivery.documents import ALIKE, Document
from trackback.delivery.evaluation.check_kinds import CHECKS, DELTAS, Check, DeltaCheck, Written
from trackback.errors import InvalidParameter

TASKS = ("classification", "regression", "ranking", "text-classification")
Task = Literal["classification", "regression", "ranking", "text-classification"]
Scalar = str | bool | int | float
Resamples = Annotated[int, msgspec.Meta(ge=100, le=100_000)]


class BootstrapSpec(Written, frozen=True):
    """How uncertain figures are: ``resamples`` of the rows, drawn by a generator that begins with ``seed``.

    ``unit``: a column whose equal values are drawn together, since they are not independent.
    """

    resamples: Resamples = 1000
    confidence: Annotated[float, msgspec.Meta(gt=0.5, lt=1)] = 0.95
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 0
    unit: str | None = None


class RangeSpec(Written, frozen=True):
    """Numbers from ``min`` to before ``max``."""

    min: float | None = None
    max: float | None = None


class SliceSpec(Written, frozen=True):
    """Slices by the values of columns, ``by``, of numbers in ``bins``; or one slice, ``where`` columns are so."""

    by: str | tuple[str, ...] | None = None
    bins: int | tuple[float, ...] | None = None
    name: str | None = None
    where: dict[str, Scalar | tuple[Scalar, ...] | RangeSpec] | None = None

    def __post_init__(self) -> None:
        if (self.by is None) == (self.where is None):
            raise ValueError("A slice has either 'by', a column, or 'where', what its rows are like")
        if self.where is not None and not self.name:
            raise ValueError("A slice with 'where' needs a 'name'")
        if self.bins is not None and not isinstance(self.by, str):
            raise ValueError("'bins' are of one column, named in 'by'")
        if isinstance(self.bins, int) and not 2 <= self.bins <= 50:
            raise ValueError("'bins' is a number from 2 to 50, or a list of the numbers that part them")
        if isinstance(self.bins, tuple) and list(self.bins) != sorted(set(self.bins)):
            raise ValueError("'bins' go up")


class FunctionSpec(Written, frozen=True):
    """A metric of your own: ``function`` in the Python ``file`` (a path beside the spec) or ``module``.

    It is given what its parameters are called: ``target``, ``prediction``, ``probabilities``, ``data``, or, as
    scikit-learn has them, ``y_true``, ``y_pred``, ``y_score``; and ``options``.
    """

    name: str
    function: str
    file: str | None = None
    module: str | None = None
    better: Literal["higher", "lower"] = "higher"
    options: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    resamples: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 200

    def __post_init__(self) -> None:
        if (self.file is None) == (self.module is None):
            raise ValueError("A function is in a 'file' or in a 'module'")


class Spec(Written, frozen=True):
    """All of it may be left out."""

    task: Task | None = None
    target: str | None = None
    id: str | None = None
    group: str | None = None
    text: str | None = None
    inputs: tuple[str, ...] = ()
    positive: Scalar | None = None
    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    metrics: tuple[str, ...] = ()
    functions: tuple[FunctionSpec, ...] = ()
    slices: tuple[SliceSpec, ...] = ()
    min_rows: Annotated[int, msgspec.Meta(ge=1)] = 30
    bootstrap: BootstrapSpec = BootstrapSpec()
    checks: tuple[Check, ...] = ()
    delta: tuple[DeltaCheck, ...] = ()

    def __post_init__(self) -> None:
        names = [function.name for function in self.functions]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"Two functions are called '{twice}'")


class _File(Spec, frozen=True):
    """As it is written: each check is of the kind that one of its fields names."""

    checks: tuple[dict[str, Any], ...] = ()  # type: ignore[assignment]
    delta: tuple[dict[str, Any], ...] = ()  # type: ignore[assignment]


def read_spec(path: Path | None) -> Spec:
    """The spec in a file of YAML or JSON; one that says nothing, without a file.

    InvalidParameter says what is wrong, and in which line.
    """
    if path is None:
        return Spec()
    document = Document(path)
    read = document.convert({} if document.value is None else document.value, _File)
    fields = {name: getattr(read, name) for name in Spec.__struct_fields__}
    fields["functions"] = tuple(_beside(path, function) for function in read.functions)
    fields["checks"] = _of_kinds(document, read.checks, CHECKS, ".checks")
    fields["delta"] = _of_kinds(document, read.delta, DELTAS, ".delta")
    return Spec(**fields)


def _beside(path: Path, function: FunctionSpec) -> FunctionSpec:
    """With the place of its file, which is told as seen from the spec's folder."""
    return msgspec.structs.replace(function, file=str(path.parent / function.file)) if function.file else function


def _of_kinds(document: Document, written: Any, kinds: Mapping[str, type[Any]], at: str) -> tuple[Any, ...]:
    found = []
    for place, fields in enumerate(written):
        named = [name for name in kinds if name in fields]
        if not named:
            raise _of_no_kind(document, fields, kinds, f"{at}[{place}]")
        found.append(document.convert(fields, kinds[named[0]], f"{at}[{place}]"))
    return tuple(found)


def _of_no_kind(document: Document, fields: dict[str, Any], kinds: Mapping[str, Any], at: str) -> InvalidParameter:
    near = [name for name in fields if difflib.get_close_matches(name, kinds, 1, ALIKE)]
    if near:
        return document.unknown(at, near[0], kinds)
    return document.fault(at, f"A check has one of these fields: {', '.join(kinds)}")


def with_options(spec: Spec, **options: Any) -> Spec:
    """The spec with what the command line says, which counts before it."""
    return msgspec.structs.replace(spec, **{name: value for name, value in options.items() if value not in (None, ())})


def require_columns(columns: tuple[str, ...], wanted: Mapping[str, str | None]) -> None:
    """InvalidParameter, unless each column that is wanted is there. ``wanted``: what each is for, and its name."""
    for purpose, name in wanted.items():
        if name is not None and name not in columns:
            raise InvalidParameter(f"The test set has no column {name!r}, the {purpose}. It has {listed(columns)}.")


def listed(names: tuple[str, ...], most: int = 20) -> str:
    """Names for a message, cut where there are many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
