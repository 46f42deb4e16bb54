"""Trains a model of a library, saves and loads it, on one side or the other.

models.py SIDE FOLDER LIBRARY…, where SIDE is
  here     trackback, where MLflow can't be imported: trains, and saves into FOLDER/LIBRARY/here
  mlflow   MLflow, where trackback can't be: loads that; trains, and saves into FOLDER/LIBRARY/mlflow
  back     trackback again: loads what MLflow has saved
Prints what the models predict, as JSON, a line for each library.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes, load_wine

side, root, libraries = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
if side == "mlflow":
    sys.modules["trackback"] = None  # type: ignore[assignment]
else:
    sys.modules["mlflow"] = None  # type: ignore[assignment]
    sys.path.insert(0, str(Path(__file__).parents[3] / "src"))

WINE, KINDS = load_wine(return_X_y=True, as_frame=True)
DIABETES, PROGRESS = load_diabetes(return_X_y=True, as_frame=True)
WINE32 = ((WINE - WINE.mean()) / WINE.std()).to_numpy().astype("float32")


def docstrings() -> tuple[list[str], list[str]]:
    """What NumPy's and scikit-learn's functions say of themselves, and which of the two each is of."""
    import sklearn.metrics
    import sklearn.utils

    texts, labels = [], []
    for label, modules in (("numpy", (np, np.linalg)), ("sklearn", (sklearn.metrics, sklearn.utils))):
        for module in modules:
            for name in sorted(vars(module)):
                text = getattr(vars(module)[name], "__doc__", None)
                if callable(vars(module)[name]) and isinstance(text, str) and len(text) > 200:
                    texts.append(" ".join(text.split())[:500])
                    labels.append(label)
    return texts, labels


def xgboost(kind: str = "classifier") -> tuple[Any, Any]:
    import xgboost

    model = xgboost.XGBClassifier(n_estimators=10, n_jobs=1).fit(WINE, KINDS)
    return model if kind == "classifier" else model.get_booster(), WINE


def lightgbm(kind: str = "classifier") -> tuple[Any, Any]:
    import lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1).fit(WINE, KINDS)
    return model if kind == "classifier" else model.booster_, WINE


def onnx() -> tuple[Any, Any]:
    from skl2onnx import to_onnx
    from sklearn.linear_model import Ridge

    return to_onnx(Ridge().fit(DIABETES, PROGRESS), DIABETES.to_numpy()[:1].astype("float32")), DIABETES


def keras() -> tuple[Any, Any]:
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input([13]), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(WINE32, KINDS.to_numpy(), epochs=2, verbose=0)
    return model, WINE32


def fasttext() -> tuple[Any, Any]:
    import fasttext

    texts, labels = docstrings()
    training = root / "training.txt"
    lines = (f"__label__{label} {text}\n" for text, label in zip(texts, labels, strict=True))
    training.write_text("".join(lines))
    model = fasttext.train_supervised(str(training), epoch=10, dim=10, thread=1, verbose=0)
    return model, texts


def spark() -> tuple[Any, Any]:
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    frame = session.createDataFrame(pd.concat([DIABETES, PROGRESS.rename("label")], axis=1))
    stages = [VectorAssembler(inputCols=list(DIABETES.columns), outputCol="features"), LinearRegression(regParam=0.1)]
    return Pipeline(stages=stages).fit(frame), DIABETES


def torch(kind: str = "pickle") -> tuple[Any, Any]:
    import torch

    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(13, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(5):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.from_numpy(WINE32)), torch.tensor(KINDS.to_numpy()))
        loss.backward()
        optimizer.step()
    return model.eval(), WINE32


TRAINERS: dict[str, Callable[..., tuple[Any, Any]]] = {
    trainer.__name__: trainer for trainer in (xgboost, lightgbm, onnx, keras, fasttext, spark, torch)
}


def trained(library: str) -> tuple[Any, Any]:
    name, _, kind = library.partition("-")
    return TRAINERS[name](kind) if kind else TRAINERS[name]()


def plain(predictions: Any) -> Any:
    if isinstance(predictions, dict):
        return {name: plain(values) for name, values in predictions.items()}
    if isinstance(predictions, pd.DataFrame):
        return {str(name): plain(np.array(predictions[name].tolist())) for name in predictions.columns}
    return np.asarray(predictions).tolist()


def save_here(library: str, folder: Path) -> dict[str, Any]:
    from trackback.flavors import load_predictor, own_params, save_model

    model, data = trained(library)
    options = {"serialization_format": "pt2"} if library == "torch-pt2" else {}
    mlmodel = save_model(model, folder / "here", input_example=data[:3], **options)  # type: ignore[arg-type]
    predictor = load_predictor(folder / "here")
    return {
        "flavors": sorted(mlmodel.flavors),
        "predicted": plain(predictor.predict(data)),
        "requirements": (folder / "here" / "requirements.txt").read_text().split(),
        "native": type(predictor.model).__name__,
        "params": own_params(model),
    }


def load_in_mlflow(library: str, folder: Path) -> dict[str, Any]:
    import mlflow

    model, data = trained(library)
    predicted = mlflow.pyfunc.load_model(str(folder / "here")).predict(data)
    name = {"torch": "pytorch"}.get(library.partition("-")[0], library.partition("-")[0])
    flavor = getattr(mlflow, name, None)
    if flavor is None:
        return {"predicted": plain(predicted), "native": None, "saved": None}
    native = flavor.load_model(str(folder / "here"))
    options: dict[str, Any] = {"pip_requirements": ["mlflow"], "signature": mlflow.models.infer_signature(data)}
    if name == "pytorch":
        kind = library.partition("-")[2]
        options |= {"serialization_format": kind} | ({"input_example": data[:3]} if kind == "pt2" else {})
    flavor.save_model(model, str(folder / "mlflow"), **options)
    again = mlflow.pyfunc.load_model(str(folder / "mlflow")).predict(data)
    return {"predicted": plain(predicted), "native": type(native).__name__, "saved": plain(again)}


def load_back(library: str, folder: Path) -> dict[str, Any]:
    from trackback.flavors import load_predictor

    if not (folder / "mlflow").exists():
        return {"saved": None, "native": None}
    _, data = trained(library)
    predictor = load_predictor(folder / "mlflow")
    return {"saved": plain(predictor.predict(data)), "native": type(predictor.model).__name__}


for each in libraries:
    (root / each).mkdir(exist_ok=True)
    answer = {"here": save_here, "mlflow": load_in_mlflow, "back": load_back}[side](each, root / each)
    print(json.dumps(answer))
