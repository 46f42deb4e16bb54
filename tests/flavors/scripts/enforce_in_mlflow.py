"""Prints, as JSON, which of MLflow's column types it lets each kind of pandas column become, and schemas it infers."""

import json
import sys
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from mlflow.models.utils import _enforce_schema
from mlflow.types import ColSpec, Schema

names: dict[str, Any] = {"pd": pd, "np": np}
columns, types, examples = (json.loads(text) for text in sys.argv[1:4])


def accepted(column: str, wanted: str) -> str | None:
    frame = pd.DataFrame({"a": eval(column, names)})
    try:
        return str(_enforce_schema(frame, Schema([ColSpec(wanted, "a")]))["a"].dtype)
    except (MlflowException, ValueError, TypeError):
        return None


found = {column: {wanted: accepted(column, wanted) for wanted in types} for column in columns}
schemas = {example: infer_signature(eval(example, names)).to_dict()["inputs"] for example in examples}
print(json.dumps([found, schemas]))
