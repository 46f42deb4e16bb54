"""Metrics of your own: functions in a file beside the spec, or in a module, scikit-learn's for one."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import io
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trackback.delivery.evaluation.metrics.metric import NAN, Metric
from trackback.errors import InvalidParameter
from trackback.limits import shown

if TYPE_CHECKING:
    from trackback.delivery.evaluation.cases import Floats
    from trackback.delivery.evaluation.spec import FunctionSpec

NAMES = {
    "target": "target",
    "y_true": "target",
    "prediction": "prediction",
    "y_pred": "prediction",
    "probabilities": "probabilities",
    "y_score": "score",
    "y_prob": "score",
    "y_proba": "score",
    "score": "score",
    "data": "data",
}
"""What a function's parameters are called, and what each is given."""


class Given:
    """What functions are given of some rows, each as an array or frame of these; a case of its own kind.

    values: ``target`` and ``prediction`` (labels or numbers), ``probabilities`` (rows, classes), ``score`` (of the
        positive class, or all of them) and ``data``, a pandas frame; what there is not, is None.
    whole: whether these are all rows of the test set.
    """

    def __init__(self, values: Mapping[str, Any], rows: int, *, whole: bool = True) -> None:
        self.values = values
        self.whole = whole
        self._rows = rows

    def take(self, rows: Any) -> Given:
        picked = {
            name: None if value is None else value.iloc[rows] if hasattr(value, "iloc") else value[rows]
            for name, value in self.values.items()
        }
        return Given(picked, len(rows), whole=False)

    def __len__(self) -> int:
        return self._rows


def load_function(spec: FunctionSpec) -> Metric:
    """The metric that a function is. InvalidParameter: there is none, or it wants what there is not."""
    function = _find(spec)
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise InvalidParameter(f"The function {spec.name!r}: {spec.function} does not say what it takes.") from None
    wanted = {name: NAMES[name] for name in parameters if name in NAMES and name not in spec.options}
    if not wanted:
        raise InvalidParameter(
            f"The function {spec.name!r}: {spec.function}({', '.join(parameters)}) takes nothing of what there is: "
            f"{', '.join(NAMES)}."
        )

    def value(given: Given) -> float:
        missing = [name for name, of in wanted.items() if given.values.get(of) is None and _is_needed(parameters[name])]
        if missing:
            raise InvalidParameter(f"The function {spec.name!r} wants {missing[0]!r}, which this model does not tell.")
        told = {name: given.values[of] for name, of in wanted.items() if given.values.get(of) is not None}
        arguments = {name: each.copy() for name, each in told.items()}  # it may write to them
        try:
            with redirect_stdout(sys.stderr if given.whole else io.StringIO()):
                found = function(**arguments, **spec.options)
        except (Exception, SystemExit) as error:
            if not given.whole:
                return NAN  # of some rows there may be none, as of those of one class
            raise InvalidParameter(
                f"The function {spec.name!r} raised {type(error).__name__} on {len(given)} rows: {error}"
            ) from error
        return _as_number(spec.name, found)

    return Metric(spec.name, value, _drawn(value), spec.better == "higher", spec.resamples)


def _as_number(name: str, found: Any) -> float:
    try:
        return float(found)
    except (TypeError, ValueError):
        raise InvalidParameter(
            f"The function {name!r} is to return a number, and returned {type(found).__name__}: {shown(str(found))}."
        ) from None


def _is_needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty


def _drawn(value: Callable[[Given], float]) -> Callable[[Given, Floats], Floats]:
    """One call a resample: nothing is known of how a function works."""

    def replicates(given: Given, weights: Floats) -> Floats:
        import numpy as np  # noqa: PLC0415 - heavy

        rows = np.arange(len(given))
        return np.array([value(given.take(np.repeat(rows, each.astype(int)))) for each in weights])

    return replicates


def _find(spec: FunctionSpec) -> Callable[..., Any]:
    place = spec.file or spec.module
    try:
        with redirect_stdout(sys.stderr):
            module = _module_in(Path(spec.file)) if spec.file else importlib.import_module(str(spec.module))
        found = getattr(module, spec.function)
    except AttributeError:
        raise InvalidParameter(f"The function {spec.name!r}: there is no {spec.function} in {place}.") from None
    except InvalidParameter:
        raise
    except (Exception, SystemExit) as error:
        raise InvalidParameter(f"The function {spec.name!r}: {place} can't be imported: {error!r}") from error
    if not callable(found):
        raise InvalidParameter(f"The function {spec.name!r}: {spec.function} in {place} is no function.")
    function: Callable[..., Any] = found
    return function


def _module_in(file: Path) -> Any:
    if not file.is_file():
        raise InvalidParameter(f"There is no file {file}, in which a function is said to be.")
    description = importlib.util.spec_from_file_location(f"trackback_function_{file.stem}", file)
    assert description is not None
    assert description.loader is not None
    module = importlib.util.module_from_spec(description)
    description.loader.exec_module(module)
    return module
