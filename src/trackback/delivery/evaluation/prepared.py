"""A test set and a model brought together: what the model is given, what it predicts, and the case that makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trackback.delivery.evaluation.asking import Asked, Candidate, ask
from trackback.delivery.evaluation.bootstrap import Bootstrap
from trackback.delivery.evaluation.cases import Classified, Ranked
from trackback.delivery.evaluation.metrics import Metric, check_names, chosen_metrics
from trackback.delivery.evaluation.metrics.functions import Given, load_function
from trackback.delivery.evaluation.spec import Spec, listed, require_columns
from trackback.delivery.evaluation.tasks import TEXT, Judged, codes_of, judge, label_of, require_target
from trackback.delivery.evaluation.testset import TestSet
from trackback.errors import InvalidParameter

if TYPE_CHECKING:
    import pandas as pd

    from trackback.delivery.evaluation.cases import Case, Codes


@dataclass(frozen=True)
class Prepared:
    """``inputs``: the columns that the model was given; ``predictions``: labels or numbers, (rows,)."""

    asked: Asked
    judged: Judged
    given: Given
    predictions: Any
    inputs: tuple[str, ...]

    @property
    def case(self) -> Case:
        return self.judged.case

    def text(self, spec: Spec) -> str | None:
        """The column with texts, where the task is one of texts."""
        if self.judged.task != TEXT:
            return None
        return spec.text or (self.inputs[0] if len(self.inputs) == 1 else None)


def prepare(model: Candidate, testset: TestSet, spec: Spec) -> Prepared:
    """Have a model predict a test set, and hold what it says against the target.

    InvalidParameter: the test set is not what the model or the spec wants. CheckFailed and others: as of ``ask``.
    """
    if spec.target is None:
        raise InvalidParameter(
            "Nothing says which column is to be predicted. Name it: --target, or 'target' in the spec."
        )
    require_columns(
        testset.columns,
        {"target": spec.target, "id": spec.id, "group": spec.group, "text": spec.text, "unit": spec.bootstrap.unit},
    )
    require_target(testset.frame[spec.target])
    inputs = inputs_of(model, testset, spec)
    asked = ask(model, testset.frame[list(inputs)])
    judged = judge(asked, testset.frame[spec.target], testset.frame, spec, inputs)
    predictions = _predictions(asked, judged.case, testset.frame[spec.target])
    return Prepared(asked, judged, _given(judged.case, predictions, testset, spec), predictions, inputs)


def inputs_of(model: Candidate, testset: TestSet, spec: Spec) -> tuple[str, ...]:
    """The columns that the model is given: those of its signature, or of the spec, or all that are nothing else.

    InvalidParameter: the signature or the spec has columns that the test set has not, or both have some.
    """
    names = signature_names(model)
    if spec.inputs:
        if names is not None:
            raise InvalidParameter(
                f"The model's signature names its columns, so that 'inputs' of the spec can't: {listed(names)}. Leave "
                "it out."
            )
        for name in spec.inputs:
            require_columns(testset.columns, {"input": name})
        return spec.inputs
    if names is None:
        aside = {spec.target, spec.id, spec.group, spec.bootstrap.unit}
        return tuple(name for name in testset.columns if name not in aside)
    schema = model.signature
    assert schema is not None
    assert schema.inputs is not None
    optional = (
        set() if schema.inputs.is_tensor else {str(each.name) for each in schema.inputs.columns if not each.required}
    )
    missing = tuple(name for name in names if name not in testset.columns and name not in optional)
    if missing:
        raise InvalidParameter(
            f"The test set has another schema than the model's signature: it lacks {listed(missing)}. "
            f"It has {listed(testset.columns)}."
        )
    return tuple(name for name in names if name in testset.columns)


def signature_names(model: Candidate) -> tuple[str, ...] | None:
    """The names of the inputs in the model's signature; None where it has none."""
    schema = model.signature.inputs if model.signature else None
    if schema is None:
        return None
    names = [each.name for each in schema.tensors] if schema.is_tensor else list(schema.names or ())
    return tuple(map(str, names)) if names and None not in names else None


def bootstrap_of(testset: TestSet, spec: Spec) -> Bootstrap:
    """The resampling that the spec asks for; of a ranking, groups are drawn as a whole."""
    wanted = spec.bootstrap
    group = spec.group if spec.task in (None, "ranking") else None
    unit = wanted.unit or group
    codes = None
    if unit is not None:
        codes = codes_of(testset.frame[unit])
        if group not in (None, unit):
            _require_whole_groups(codes, testset.frame[group], unit)
    return Bootstrap(len(testset.frame), wanted.resamples, wanted.confidence, wanted.seed, unit, codes)


def _require_whole_groups(units: Codes, groups: pd.Series[Any], unit: str) -> None:
    import pandas as pd  # noqa: PLC0415 - heavy

    if (pd.Series(units).groupby(groups.to_numpy(), dropna=False).nunique() > 1).any():
        raise InvalidParameter(
            f"The unit {unit!r} parts groups of {groups.name!r}, each of which is ranked as a whole. Name a unit of "
            "whole groups."
        )


def functions_of(spec: Spec, needed: list[str]) -> list[Metric]:
    """The functions of a spec. ``needed``: metrics that checks are about.

    InvalidParameter: one can't be had, or a metric is of no task and no function.
    """
    found = [load_function(each) for each in spec.functions]
    own = {each.name for each in found}
    check_names(name for name in (*spec.metrics, *needed) if name not in own)
    return found


def metrics_for(case: Case, spec: Spec, needed: list[str], functions: list[Metric]) -> list[Metric]:
    """The metrics to measure: functions, those of the spec, or all, and what checks are about."""
    own = {each.name for each in functions}
    names = tuple(name for name in spec.metrics if name not in own)
    return [*functions, *chosen_metrics(case, names, [name for name in needed if name not in own])]


def _predictions(asked: Asked, case: Case, target: pd.Series[Any]) -> Any:
    """As values of the target's type, where they are some of its."""
    import numpy as np  # noqa: PLC0415 - heavy

    if not isinstance(case, Classified):
        return asked.table.iloc[:, 0].to_numpy()
    values: Mapping[str, Any] = {label_of(each): each for each in target.unique().tolist()}
    found = [values.get(case.classes[place], case.classes[place]) for place in case.predicted.tolist()]
    return np.array(
        found, dtype=target.dtype if target.dtype.kind in "biuf" and set(found) <= set(values.values()) else object
    )


def _given(case: Case, predictions: Any, testset: TestSet, spec: Spec) -> Given:
    target = testset.frame[spec.target].to_numpy()
    values: dict[str, Any] = {"target": target, "prediction": predictions, "data": testset.frame}
    if isinstance(case, Classified):
        values |= {
            "probabilities": case.probabilities,
            "score": case.probabilities if case.score is None else case.score,
        }
    if isinstance(case, Ranked):
        values["score"] = case.score
    return Given(values, len(case))
