"""The params of Spark's estimators, with those of the estimators in them, by MLflow's names.

An estimator is called by its class, and by its number too if there are several: ``LogisticRegression_2.regParam``.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any


def is_search(stage: Any) -> bool:
    from pyspark.ml.tuning import CrossValidator, TrainValidationSplit  # noqa: PLC0415 - whoever trains with it has it

    return isinstance(stage, CrossValidator | TrainValidationSplit)


def own_params(stage: Any) -> dict[str, Any]:
    return {param.name: stage.getOrDefault(param) for param in stage.params if stage.isDefined(param)}


class Stages:
    """An estimator, and those in it: the stages of a pipeline, and whatever is a param of another."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.all = list(_walk(estimator))
        counts = Counter(type(stage).__name__ for stage in self.all)
        numbers: Counter[str] = Counter()
        self.names: dict[str, str] = {}
        for stage in self.all:
            kind = type(stage).__name__
            numbers[kind] += 1
            self.names[stage.uid] = f"{kind}_{numbers[kind]}" if counts[kind] > 1 else kind

    def params(self, stage: Any = None, prefix: str = "") -> dict[str, Any]:
        """Of a stage, by default of all. Of a search, not what it varies: that is in the runs of its candidates."""
        stage = self.estimator if stage is None else stage
        found: dict[str, Any] = {}
        for name, value in own_params(stage).items():
            key = f"{prefix}{name}"
            if name == "estimatorParamMaps" and is_search(stage):
                continue
            inner = _inner_stages(name, value)
            found[key] = value if inner is None else self._named(value)
            if inner and not (name == "estimator" and is_search(stage)):
                for each in inner:
                    found |= self.params(each, f"{self.names[each.uid]}.")
        return found

    def hierarchy(self, stage: Any = None) -> dict[str, Any]:
        """Which estimators are in which."""
        stage = self.estimator if stage is None else stage
        found: dict[str, Any] = {"name": self.names[stage.uid]}
        inner = {name: each for name, value in own_params(stage).items() if (each := _inner_stages(name, value))}
        if is_search(stage):
            found["evaluator"] = self.hierarchy(stage.getEvaluator())
            found["tuned_estimator"] = self.hierarchy(stage.getEstimator())
        elif "stages" in inner:
            found["stages"] = [self.hierarchy(each) for each in inner["stages"]]
        elif type(stage).__name__ == "OneVsRest":
            found["classifier"] = self.hierarchy(stage.getClassifier())
        elif inner:
            found["params"] = {name: self.hierarchy(each[0]) for name, each in inner.items()}
        return found

    def candidates(self, search: Any) -> list[dict[str, Any]]:
        """What a search tries, by the names of the params."""
        return [
            {f"{self.names[param.parent]}.{param.name}": value for param, value in each.items()}
            for each in search.getEstimatorParamMaps()
        ]

    def _named(self, value: Any) -> Any:
        return [self.names[each.uid] for each in value] if isinstance(value, list) else self.names[value.uid]


def _inner_stages(name: str, value: Any) -> list[Any] | None:
    """The estimators that a param holds; None if it is a plain value."""
    from pyspark.ml.param import Params  # noqa: PLC0415

    if isinstance(value, Params):
        return [value]
    return value if name == "stages" and isinstance(value, list) else None


def _walk(stage: Any) -> Iterator[Any]:
    yield stage
    for name, value in own_params(stage).items():
        for each in _inner_stages(name, value) or ():
            yield from _walk(each)
