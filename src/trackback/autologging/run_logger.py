"""What integrations log to a run: what is bounded in length is cut, what can't be named is left out."""

import json
from collections.abc import Mapping
from numbers import Number
from typing import Any

from msgspec.structs import replace

from trackback.autologging.examples import Example
from trackback.autologging.failures import Failures
from trackback.autologging.settings import Settings
from trackback.entities import Metric
from trackback.limits import PARAM_VALUE_LENGTH, is_key
from trackback.provenance.datasets import DescribedDataset
from trackback.tracking.datasets import log_input_to
from trackback.tracking.fluent import session
from trackback.tracking.models import ModelInfo, log_model
from trackback.tracking.run import ActiveRun, now_ms

DEFAULT_NAME = "model"


class RunLogger:
    """Of one call that trains. ``data`` is what it trains on, once that is described; ``last_points`` are those of the
    metrics that were logged before there was a model, by key.
    """

    def __init__(self, run: ActiveRun, settings: Settings, failures: Failures) -> None:
        self.run = run
        self.settings = settings
        self.data: DescribedDataset | None = None
        self.last_points: dict[str, Metric] = {}
        self._failures = failures

    def params(self, params: Mapping[str, Any]) -> None:
        """Log params. One that the run has with another value keeps it: it is of an earlier training, perhaps."""
        for key, value in params.items():
            text = _short(str(value))
            if not is_key(key):
                self._failures.tell(f"the param {key!r}", "it has no name that a param may have")
            elif (known := self.run.params.get(key)) is None:
                self.run.log_param(key, text)
            elif known != text:
                self._failures.tell(f"the param {key}={text}", f"the run has it already, as {known}")

    def metrics(self, metrics: Mapping[str, Any], step: int = 0, model_id: str | None = None) -> None:
        """Log a point of each metric; of the training data and of a logged model, if it is one's."""
        at = now_ms()
        for key, value in metrics.items():
            if not is_key(key):
                self._failures.tell(f"the metric {key!r}", "it has no name that a metric may have")
            elif model_id is None:
                self.run.log_metric(key, float(value), at, step)
                self.last_points[key] = Metric(key, float(value), at, step)
            else:
                self.run.log_point(_point(key, float(value), at, step, model_id, self.data))

    def link(self, model_id: str | None) -> None:
        """Have the last point of each metric, which the run has already, be of the model that came out in the end."""
        if model_id:
            for point in self.last_points.values():
                self.run.log_point(replace(point, model_id=model_id))

    def tags(self, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self.run.set_tag(key, value)

    def text(self, text: str, path: str) -> None:
        self.run.upload(path, text.encode())

    def document(self, value: Any, path: str) -> None:
        """Log what JSON can say."""
        self.text(json.dumps(value, indent=2, default=str), path)

    def dataset(self, data: Any, context: str, targets: Any = None, name: str | None = None) -> None:
        """Log data as an input of the run."""
        if self.settings.log_datasets and data is not None:
            described = log_input_to(self.run, _array(data), context=context, targets=_array(targets), name=name)
            if context == TRAINING:
                self.data = described

    def model(
        self, model: Any, example: Example, name: str = DEFAULT_NAME, *, registers: bool = True, **options: Any
    ) -> ModelInfo:
        """Log a model that was trained, with its signature."""
        registered = self.settings.registered_model_name if registers else None
        with session.deferring():
            return log_model(
                model,
                name,
                signature=example.signature(model) if self.settings.log_model_signatures else False,
                input_example=example.rows if self.settings.log_input_examples else None,
                registered_model_name=registered,
                **options,
            )


TRAINING = "train"
"""MLflow's word for the context of training data; ``EVALUATION`` is that for data that a model is judged by."""
EVALUATION = "eval"


def is_number(value: Any) -> bool:
    """Whether it may be a metric's value."""
    return isinstance(value, Number) and not isinstance(value, bool | complex) and hasattr(value, "__float__")


def _point(key: str, value: float, at: int, step: int, model_id: str, data: DescribedDataset | None) -> Metric:
    dataset = data.input.dataset if data else None
    return Metric(
        key=key,
        value=value,
        timestamp=at,
        step=step,
        model_id=model_id,
        dataset_name=dataset.name if dataset else None,
        dataset_digest=dataset.digest if dataset else None,
    )


def _array(data: Any) -> Any:
    """A list as the array that the libraries make of it."""
    if not isinstance(data, list | tuple):
        return data
    import numpy  # noqa: PLC0415 - whoever trains has it

    return numpy.asarray(data)


def _short(text: str) -> str:
    return text if len(text) <= PARAM_VALUE_LENGTH else f"{text[: PARAM_VALUE_LENGTH - 3]}..."
