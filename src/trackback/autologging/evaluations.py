"""Metrics that a program computes of models after they were trained, logged to the runs that they are of.

Keys are MLflow's: ``<metric>[-<call>]_<data>``, where the data is called as the program's variable of it, and the file
``metric_info.json`` has what was called.
"""

import json
import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from trackback.autologging.callers import variable_name
from trackback.autologging.failures import Failures
from trackback.autologging.identities import IdentityMap, weakly
from trackback.autologging.interface import Integration
from trackback.autologging.reopened import reopened_runs
from trackback.autologging.run_logger import EVALUATION, RunLogger, is_number
from trackback.tracking.run import ActiveRun

INFO_FILE = "metric_info.json"
UNKNOWN = "unknown_dataset"  # MLflow's
MOST_METRICS = 1000
"""Of a run. A loop that measures without end is no evaluation."""


class EvaluatedRun:
    """What was evaluated of the models of one run."""

    def __init__(self, run: ActiveRun) -> None:
        self.run = run
        self.info: dict[str, Any] = {}
        self._calls: Counter[str] = Counter()
        self._named: Counter[str] = Counter()
        self._names: IdentityMap[str] = IdentityMap()
        self._described: IdentityMap[bool] = IdentityMap()

    def name_of(self, data: Any) -> str:
        """What the program calls data; other data by the same name is numbered."""
        known = self._names.get(data)
        if known is None:
            name = variable_name(data, UNKNOWN)
            known = _numbered(name, self._named[name])
            self._named[name] += 1
            self._names.put(data, known)
        return known

    def key_of(self, metric: str, data: str, info: Any) -> str:
        """The key of one more call of a metric's function."""
        key = f"{_numbered(metric, self._calls[metric])}_{data}"
        self._calls[metric] += 1
        self.info[key] = info
        return key

    def is_new(self, data: Any) -> bool:
        """Whether data was not logged yet; from now on it was."""
        is_new = self._described.get(data) is None
        self._described.put(data, True)
        return is_new


class Model(NamedTuple):
    integration: Integration
    run: EvaluatedRun
    model_id: str | None


class Prediction(NamedTuple):
    """``data`` is what it was made for, while that is there."""

    model: Model
    name: str
    data: Any


class Evaluations:
    """Of the models that were logged in this process."""

    def __init__(self) -> None:
        self._unlock()
        os.register_at_fork(after_in_child=self._unlock)
        self._runs: weakref.WeakValueDictionary[str, EvaluatedRun] = weakref.WeakValueDictionary()
        self._models: IdentityMap[Model] = IdentityMap()
        self._predictions: IdentityMap[Prediction] = IdentityMap()

    @property
    def has_predictions(self) -> bool:
        """Whether there are any that metrics could be computed from."""
        return len(self._predictions) > 0

    def trained(self, model: Any, integration: Integration, run: ActiveRun, model_id: str | None) -> None:
        """A model came out of a run: metrics of it are logged there from now on."""
        if getattr(integration.settings, "log_post_training_metrics", True):
            with self._lock:
                evaluated = self._runs.setdefault(run.run_id, EvaluatedRun(run))
            self._models.put(model, Model(integration, evaluated, model_id))

    def watches(self, model: Any) -> bool:
        """Whether what is computed of a model is logged."""
        known = self._models.get(model)
        return known is not None and known.integration.is_on

    def predicted(self, model: Any, data: Any, prediction: Any) -> None:
        """A model has predicted: what is computed from the prediction is a metric of it."""
        known = self._models.get(model)
        if known and prediction is not None:
            with _failures(known).kept_from_training("which model a prediction is of"), self._lock:
                self._predictions.put(prediction, Prediction(known, known.run.name_of(data), weakly(data)))

    def measured(self, metric: str, value: Any, arguments: Iterable[Any], info: Callable[[], Any]) -> None:
        """A function of a metric has returned a value for arguments, one of which may be a prediction.

        info: says how it was called.
        """
        if is_number(value):
            found = next((each for each in map(self._predictions.get, arguments) if each), None)
            if found and found.model.integration.is_on:
                self._log(found.model, metric, value, found.name, found.data(), info)

    def scored(self, model: Any, metric: str, value: Any, data: Any, info: Callable[[], Any]) -> None:
        """A model's own function of a metric has returned a value for data."""
        known = self._models.get(model)
        if known and is_number(value):
            with _failures(known).kept_from_training("the name of the data"):
                with self._lock:
                    name = known.run.name_of(data)
                self._log(known, metric, value, name, data, info)

    def _log(self, model: Model, metric: str, value: Any, name: str, data: Any, info: Callable[[], Any]) -> None:
        failures = _failures(model)
        with failures.kept_from_training("a metric that was computed after training"), self._lock:
            if len(model.run.info) >= MOST_METRICS:
                failures.tell("another metric of a model", f"its run has {MOST_METRICS} of them")
                return
            log = RunLogger(reopened_runs.of(model.run.run), model.integration.settings, failures)
            with failures.kept_from_training("the data of an evaluation"):
                if data is not None and model.run.is_new(data):
                    log.dataset(data, EVALUATION, name=name)
            log.metrics({model.run.key_of(metric, name, info()): value}, model_id=model.model_id)
            log.text(json.dumps(dict(sorted(model.run.info.items())), indent=2, default=str), INFO_FILE)

    def _unlock(self) -> None:
        """A forked process must not wait for a thread that it does not have."""
        self._lock = threading.Lock()


def _failures(model: Model) -> Failures:
    return Failures(model.integration.name, model.integration.settings.silent)


def _numbered(name: str, earlier: int) -> str:
    """MLflow's way; the dash is in no name of a variable."""
    return name if earlier == 0 else f"{name}-{earlier + 1}"


evaluations = Evaluations()
