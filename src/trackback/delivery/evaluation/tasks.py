"""What kind of task a model has, and its predictions held against the target, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from trackback.delivery.evaluation.cases import Case, Classified, Estimated, Ranked
from trackback.delivery.evaluation.spec import Scalar, Spec, Task, listed
from trackback.errors import CheckFailed, InvalidParameter

if TYPE_CHECKING:
    import pandas as pd

    from trackback.delivery.evaluation.asking import Asked
    from trackback.delivery.evaluation.cases import Codes, Floats

TEXT: Task = "text-classification"
_MOST_CLASSES = 1000
_FEW = 20
_LABEL, _PROBABILITY = "label", "probability"
_FASTTEXT = "__label__"
_TRUE_FALSE = {"True": "1", "False": "0"}


class Judged(NamedTuple):
    """A case, and which task it was taken for."""

    task: Task
    case: Case


def judge(asked: Asked, target: pd.Series[Any], frame: pd.DataFrame, spec: Spec, inputs: Sequence[str]) -> Judged:
    """Predictions and target as a case of the task that the spec names, or else that they look like.

    inputs: the columns that the model was given; one text among them makes a classification one of texts.

    InvalidParameter: the target, which has a value in each row, is not of such a task, or the spec does not fit.
    CheckFailed: the predictions are not of it, or missing.
    """
    task = spec.task or _looks_like(asked, target, frame, spec, inputs)
    if task == "ranking":
        return Judged(task, _ranked(asked, target, frame, spec))
    if task == "regression":
        return Judged(task, Estimated(_numbers(target, "target"), _numbers(_single(asked), "prediction")))
    return Judged(task, _classified(asked, target, spec))


def require_target(target: pd.Series[Any]) -> None:
    """InvalidParameter: it has no value somewhere."""
    if target.isna().any():
        raise InvalidParameter(
            f"The target {target.name!r} is missing in {int(target.isna().sum())} of {len(target)} rows, the first of "
            f"them row {int(target.isna().to_numpy().argmax())}. Leave them out of the test set, or fill them in."
        )


def _looks_like(asked: Asked, target: pd.Series[Any], frame: pd.DataFrame, spec: Spec, inputs: Sequence[str]) -> Task:
    if spec.group is not None:
        return "ranking"
    told = asked.classes or _LABEL in asked.table.columns or spec.positive is not None or len(asked.table.columns) > 1
    if not told and _is_numeric(target) and (_has_fractions(target) or target.nunique() > _FEW):
        return "regression"
    if not told and _is_numeric(target) and _is_numeric(_single(asked)) and _has_fractions(_single(asked)):
        return "classification" if _is_chance(_single(asked), target) else "regression"
    texts = [name for name in inputs if frame[name].dtype.kind in "OTU" or str(frame[name].dtype) == "str"]
    return TEXT if len(inputs) == 1 and len(texts) == 1 else "classification"


def _is_chance(prediction: Any, target: Any) -> bool:
    """Whether numbers look like the probability of one of two classes."""
    return bool(prediction.between(0, 1).all()) and target.nunique() <= 2


def _is_numeric(column: Any) -> bool:
    return bool(column.dtype.kind in "iuf")


def _has_fractions(column: Any) -> bool:
    return bool(column.dtype.kind == "f" and (column.dropna() % 1 != 0).any())


def _single(asked: Asked) -> Any:
    """The one column of predictions."""
    if len(asked.table.columns) != 1:
        raise CheckFailed(
            f"The model predicts {len(asked.table.columns)} columns ({listed(tuple(asked.table.columns))}), and one "
            "number a row is needed."
        )
    return asked.table.iloc[:, 0]


def _numbers(column: Any, what: str) -> Floats:
    import numpy as np  # noqa: PLC0415 - heavy
    import pandas as pd  # noqa: PLC0415 - heavy

    kind = InvalidParameter if what == "target" else CheckFailed
    try:
        values: Floats = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise kind(f"The {what} is to be numbers: {error}.") from None
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).argmax())
        others = int((~np.isfinite(values)).sum()) - 1
        more = f", and {others} more are no numbers either" if others else ""
        raise kind(f"The {what} of row {row} is {values[row]}{more}.")
    return values


def _ranked(asked: Asked, target: pd.Series[Any], frame: pd.DataFrame, spec: Spec) -> Ranked:
    if spec.group is None:
        raise InvalidParameter("A ranking needs groups: name the column in 'group' of the spec, or with --group.")
    return Ranked(_relevances(target), _numbers(_single(asked), "prediction"), codes_of(frame[spec.group]))


def codes_of(column: pd.Series[Any]) -> Codes:
    """A number for each distinct value, (rows,). InvalidParameter: they can't be told apart, as lists can't."""
    import pandas as pd  # noqa: PLC0415 - heavy

    try:
        codes: Codes = pd.factorize(column, use_na_sentinel=False)[0].astype("int64")
    except TypeError as error:
        raise InvalidParameter(f"Rows can't be put together by {column.name!r}: it has no words or numbers.") from error
    return codes


def _relevances(target: pd.Series[Any]) -> Floats:
    found = _numbers(target, "target")
    if (found < 0).any():
        row = int((found < 0).argmax())
        raise InvalidParameter(
            f"The target of a ranking says how relevant a row is, from 0 on, and is {found[row]:g} in row {row}."
        )
    return found


def _classified(asked: Asked, target: pd.Series[Any], spec: Spec) -> Classified:
    import numpy as np  # noqa: PLC0415 - heavy

    truth = labels(target)
    told = [label_of(each) for each in _names(asked, truth)]
    predicted, probabilities = _predicted(asked, told, spec)
    truth = _as_numbers(truth, {*told, *map(str, predicted)})
    if missing := sum(each is None for each in predicted):
        raise CheckFailed(f"The model predicts nothing for {missing} of {len(predicted)} rows.")
    if not {*told, *map(str, predicted)} & {*truth}:
        raise InvalidParameter(
            f"The model does not know one of the target's classes: it has {listed(tuple(sorted({*truth})))}, and the "
            f"model says {listed(tuple(sorted({*told, *map(str, predicted)})))}."
        )
    classes = tuple(dict.fromkeys([*told, *sorted({*truth, *map(str, predicted)} - {*told})]))
    if len(classes) > _MOST_CLASSES:
        raise InvalidParameter(
            f"There are {len(classes)} classes, of which at most {_MOST_CLASSES} can be measured. Is it a regression? "
            "Then say so with 'task: regression'."
        )
    places = {label: place for place, label in enumerate(classes)}
    if probabilities is not None and probabilities.shape[1] < len(classes):
        further = np.zeros((len(truth), len(classes) - probabilities.shape[1]))
        probabilities = np.hstack([probabilities, further])
    return Classified(
        classes,
        np.array([places[each] for each in truth], dtype=np.int64),
        np.array([places[str(each)] for each in predicted], dtype=np.int64),
        probabilities,
        _positive(classes, spec.positive),
    )


def _as_numbers(truth: list[str], told: set[str]) -> list[str]:
    """True and false as 1 and 0, if that is what the model makes of them."""
    if set(truth) <= _TRUE_FALSE.keys() and told <= set(_TRUE_FALSE.values()):
        return [_TRUE_FALSE[each] for each in truth]
    return truth


def _positive(classes: tuple[str, ...], named: Scalar | None) -> int | None:
    """The place of the class that is meant; of two, the second in order, as scikit-learn has it."""
    if named is not None:
        if label_of(named) not in classes:
            raise InvalidParameter(f"There is no class {named!r}, which 'positive' names. There are {listed(classes)}.")
        return classes.index(label_of(named)) if len(classes) == 2 else None
    return classes.index(sorted(classes, key=_order)[1]) if len(classes) == 2 else None


def _order(label: str) -> tuple[float, str]:
    """Numbers by what they are."""
    try:
        return float(label), label
    except ValueError:
        return float("inf"), label


def _names(asked: Asked, truth: list[str]) -> list[Any]:
    """The classes that probabilities are of, in their order; none, where there are no probabilities."""
    columns = list(asked.table.columns)
    if asked.classes:
        return list(asked.classes)
    if _LABEL in columns or not all(_is_numeric(asked.table[name]) for name in columns):
        return []
    ordered = sorted(set(truth), key=_order)
    if len(columns) > 1:
        named = {label_of(name) for name in columns}
        if set(truth) <= named:
            return columns
        if len(columns) == len(ordered):
            return ordered
        raise CheckFailed(f"The model predicts {len(columns)} columns for a target of {len(ordered)} classes.")
    return ordered if len(ordered) == 2 and _has_fractions(asked.table.iloc[:, 0]) else []


def _predicted(asked: Asked, told: list[str], spec: Spec) -> tuple[list[str | None], Floats | None]:
    """The label of each row, and the probabilities of the classes that are told."""
    import numpy as np  # noqa: PLC0415 - heavy

    table = asked.table
    if _LABEL in table.columns:
        return _of_labels(table[_LABEL]), None
    values = asked.probabilities
    if values is None and told:
        columns = table.to_numpy(dtype=float)
        values = columns if columns.shape[1] > 1 else np.hstack([1 - columns, columns])
        if not ((values >= 0) & (values <= 1)).all():
            raise CheckFailed("The model predicts numbers for classes that are no probabilities from 0 to 1.")
    if values is None or (asked.classes and len(table.columns) == 1):
        return _by_threshold(told, values, spec) or _of_labels(_single(asked)), values
    chosen = values.argmax(axis=1) if values.shape[1] > 2 else (values[:, 1] >= spec.threshold).astype(int)
    return [told[place] for place in chosen], values


def _by_threshold(told: list[str], values: Floats | None, spec: Spec) -> list[str | None] | None:
    """Labels by a threshold of one's own; None to take those that the model gives."""
    if values is None or values.shape[1] != 2 or spec.threshold == Spec().threshold:
        return None
    positive = _positive(tuple(told), spec.positive)
    assert positive is not None
    is_it = values[:, positive] >= spec.threshold
    return [told[positive] if each else told[1 - positive] for each in is_it]


def _of_labels(column: Any) -> list[str | None]:
    """Of fastText's lists of labels, the first."""
    found: list[str | None] = []
    for value in column.tolist():
        first = value[0] if isinstance(value, list | tuple) and value else value
        found.append(None if first is None or first != first else label_of(first))
    return found


def labels(column: Any) -> list[str]:
    """The labels of a column without missing values, as people read them."""
    return [label_of(value) for value in column.tolist()]


def label_of(value: Any) -> str:
    """A class as people read it: the same for 1, 1.0 and ``1``, for True and ``True``."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text.removeprefix(_FASTTEXT)
