"""Loads models by MLflow, and prints what they predict, as JSON, a line for each.

Its argument has the models: a list of {"model": directory, "data": …, "params": …, "native": flavor or null}.
Data is a dict {"table": …}, {"array": …} or {"value": …}.
"""

import json
import sys
from typing import Any

import mlflow
import numpy as np
import pandas as pd


def given(data: dict[str, Any]) -> Any:
    ((kind, content),) = data.items()
    if kind == "table":
        return pd.DataFrame(content["data"], columns=content["columns"])
    return np.array(content["data"], dtype=content["dtype"]) if kind == "array" else content


def plain(predictions: Any) -> Any:
    if isinstance(predictions, pd.DataFrame):
        return predictions.to_dict("list")
    return np.asarray(predictions).tolist()


for task in json.loads(sys.argv[1]):
    data, params = given(task["data"]), task.get("params")
    uniform = mlflow.pyfunc.load_model(task["model"])
    answer = {"pyfunc": plain(uniform.predict(data, params) if params else uniform.predict(data))}
    if native := task.get("native"):
        answer["native"] = plain(getattr(mlflow, native).load_model(task["model"]).predict(data))
    info = mlflow.models.get_model_info(task["model"])
    answer["signature"] = None if info.signature is None else info.signature.to_dict()
    print(json.dumps(answer))
