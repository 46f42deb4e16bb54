"""scikit-learn: which format a model takes, and what it predicts when it comes back."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import SVC

from trackback.errors import InvalidParameter
from trackback.flavors import Trust, load_model, load_predictor, read_mlmodel, save_model

MODELS = [
    LogisticRegression(max_iter=500),
    RandomForestClassifier(5, random_state=0),
    GradientBoostingClassifier(n_estimators=3),
    HistGradientBoostingClassifier(max_iter=3),
    KNeighborsClassifier(),
    KNeighborsClassifier(metric="manhattan", algorithm="ball_tree"),
    SVC(),
    GaussianProcessClassifier(),
    SGDClassifier(),
    MLPClassifier(max_iter=20),
    CalibratedClassifierCV(LogisticRegression(max_iter=500)),
    CalibratedClassifierCV(LogisticRegression(max_iter=500), method="isotonic"),
    GridSearchCV(SVC(), {"C": [1, 10]}, scoring="accuracy"),
    VotingClassifier([("a", LogisticRegression(max_iter=500)), ("b", SVC())]),
    StackingClassifier([("a", RandomForestClassifier(3)), ("b", SVC())]),
    make_pipeline(SelectKBest(chi2, k=2), LogisticRegression()),
    make_pipeline(FunctionTransformer(numpy.log1p), LogisticRegression(max_iter=500)),
    make_pipeline(
        ColumnTransformer([("one", OneHotEncoder(handle_unknown="ignore"), [0])], remainder="passthrough"), SVC()
    ),
]


def one_line(model: Any) -> str:
    """The model in words, but without addresses: each process would know the test by another name."""
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(str(model).split()))


@pytest.mark.parametrize("model", MODELS, ids=one_line)
def test_usual_models_are_written_as_skops_and_need_no_trust(model: Any, iris: tuple[Any, Any], tmp_path: Path) -> None:
    features, kinds = iris
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(features, kinds)
    save_model(model, tmp_path / "model")

    assert read_mlmodel(tmp_path / "model").flavors["sklearn"]["serialization_format"] == "skops"
    assert load_model(tmp_path / "model").predict(features).tolist() == model.predict(features).tolist()


def test_a_classifier_of_texts_takes_a_list(tmp_path: Path) -> None:
    texts = ["the cat sat", "the dog ran", "a cat slept", "a dog barked"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["cat", "dog", "cat", "dog"])
    save_model(model, tmp_path / "model")

    assert load_predictor(tmp_path / "model").predict(["cat"]).tolist() == ["cat"]


def test_what_skops_can_not_hold_is_pickled(iris: tuple[Any, Any], tmp_path: Path) -> None:
    features, kinds = iris
    model = make_pipeline(FunctionTransformer(lambda data: data * 2), LogisticRegression(max_iter=500))
    save_model(model.fit(features, kinds), tmp_path / "model")

    assert read_mlmodel(tmp_path / "model").flavors["sklearn"]["serialization_format"] == "cloudpickle"
    loaded = load_model(tmp_path / "model", trust=Trust(everything=True))
    assert loaded.predict(features).tolist() == model.predict(features).tolist()


def test_skops_is_refused_with_the_types_where_it_is_asked_for_and_can_not_be(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(test_a_classifier_of_texts_takes_a_list), LogisticRegression())

    with pytest.raises(InvalidParameter, match=r"can't be saved as skops.*test_a_classifier_of_texts_takes_a_list"):
        save_model(model, tmp_path / "model", serialization_format="skops")


def test_probabilities_can_be_what_it_predicts(iris: tuple[Any, Any], tmp_path: Path) -> None:
    features, kinds = iris
    model = LogisticRegression(max_iter=500).fit(features, kinds)
    save_model(model, tmp_path / "model", predict_fn="predict_proba", input_example=features.head(2))

    predictor = load_predictor(tmp_path / "model")
    numpy.testing.assert_array_equal(predictor.predict(features), model.predict_proba(features))
    assert predictor.signature is not None
    assert predictor.signature.outputs is not None
    assert [spec.shape for spec in predictor.signature.outputs.tensors] == [(-1, 3)]
