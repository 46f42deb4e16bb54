"""How an estimator is told of in tags and params."""

from collections.abc import Mapping
from typing import Any


def class_tags(estimator: Any) -> dict[str, str]:
    """MLflow's."""
    kind = type(estimator)
    return {"estimator_name": kind.__name__, "estimator_class": f"{kind.__module__}.{kind.__name__}"}


def texts(params: Mapping[str, Any]) -> dict[str, str]:
    """Params as a logged model takes them."""
    return {name: str(value) for name, value in params.items()}
