"""The first rows of the data that a model is trained on, from which its signature is inferred."""

import copy
from collections.abc import Callable
from typing import Any, Literal

from trackback.autologging.failures import Failures
from trackback.flavors import ModelSignature, infer_signature

ROWS = 5  # MLflow's


class Example:
    """Copied before training, which may change its data. ``rows`` is None where there is nothing to copy from."""

    def __init__(self, data: Any, failures: Failures, predict: Callable[[Any, Any], Any] | None = None) -> None:
        self.rows: Any = None
        self._failures = failures
        self._predict = predict or (lambda model, rows: model.predict(rows))
        with failures.kept_from_training("an input example"):
            self.rows = None if data is None or isinstance(data, str) else copy.deepcopy(data[:ROWS])

    def signature(self, model: Any) -> ModelSignature | Literal[False]:
        """What the model takes and returns; False if that can't be found out."""
        if self.rows is not None:
            with self._failures.kept_from_training("the signature of the model"):
                return infer_signature(self.rows, self._predict(model, copy.deepcopy(self.rows)))
        return False
