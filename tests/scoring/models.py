"""Models that the tests train, on data that scikit-learn ships."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from trackback.flavors import ModelSignature, infer_signature, save_model

COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def iris() -> tuple[pd.DataFrame, "pd.Series[int]"]:
    features, species = load_iris(return_X_y=True, as_frame=True)
    return features.set_axis(COLUMNS, axis=1), species


def save_iris(directory: Path, strength: float = 1.0) -> LogisticRegression:
    """A classifier whose four columns are doubles; the model itself, to compare with."""
    features, species = iris()
    model = LogisticRegression(C=strength, max_iter=500).fit(features, species)
    save_model(model, directory, signature=infer_signature(features, model.predict(features)))
    return model


def save_array(directory: Path) -> LogisticRegression:
    """A classifier that takes one array without names."""
    features, species = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(features, species)
    save_model(model, directory, signature=infer_signature(features, model.predict(features)))
    return model


def mixed() -> pd.DataFrame:
    """A column of each type that rows usually have."""
    return pd.DataFrame(
        {
            "age": np.array([31, 47, 22, 63] * 5, dtype="int64"),
            "balance": np.array([10.5, -3.25, 0.0, 99.5] * 5),
            "city": ["Basel", "Genf", "Basel", "Bern"] * 5,
            "member": np.array([True, False, True, True] * 5),
            "since": pd.to_datetime(["2020-01-31", "2021-06-01", "2019-12-24", "2022-02-28"] * 5),
        }
    )


def save_mixed(directory: Path) -> Any:
    """A pipeline that takes numbers and text, and ignores dates."""
    features = mixed()
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), ("passthrough", ["age", "balance", "member"])
    )
    model = make_pipeline(encode, LogisticRegression(max_iter=1000)).fit(features, features["age"] > 40)
    save_model(model, directory, signature=infer_signature(features, model.predict(features)))
    return model


class Odd(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Does what its first column says, with whatever rows it is given."""

    def fit(self, features: Any, targets: Any = None) -> "Odd":
        return self

    def predict(self, features: pd.DataFrame) -> Any:
        word = features["word"].iloc[0]
        if "exit" in features["word"].to_list():
            os._exit(3)
        match word:
            case "raise":
                raise RuntimeError("no idea")
            case "scalar":
                return 7
            case "fewer":
                return features["word"].to_numpy()[:-1]
            case "frame":
                return pd.DataFrame({"a": [1] * len(features), "b": pd.to_datetime(["2020-01-31"] * len(features))})
            case "nan":
                return np.array([float("nan")] * len(features))
            case "object":
                return object()
            case str() if word.startswith("sleep"):
                time.sleep(float(word.removeprefix("sleep")))
        return features["word"].to_numpy(dtype=object)


def save_odd(directory: Path) -> str:
    """A pickle; its digest."""
    signature = infer_signature(pd.DataFrame({"word": ["a", "b"]}), np.array(["a", "b"]))
    assert isinstance(signature, ModelSignature)
    save_model(Odd(), directory, signature=signature, serialization_format="cloudpickle")
    return hashlib.sha256((directory / "model.pkl").read_bytes()).hexdigest()


def save_constant(directory: Path, word: str) -> None:
    """A classifier that knows one answer."""
    features = pd.DataFrame({"word": ["a", "b"]})
    model = DummyClassifier(strategy="constant", constant=word).fit(features, [word, "other"])
    save_model(model, directory, signature=infer_signature(features, model.predict(features)))
