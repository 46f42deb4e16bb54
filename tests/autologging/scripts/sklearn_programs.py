"""Trains with scikit-learn under autolog of the client that is named, each program in an experiment of its own.

Few log their models: MLflow takes seconds for each.

sklearn_programs.py CLIENT EXPERIMENTS PROGRAM…, where CLIENT is mlflow or trackback, and EXPERIMENTS begins their names
"""

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import sklearn.metrics
import sklearn.model_selection
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).parents[3] / "src"))
name, experiments, *programs = sys.argv[1:]
mlflow: Any = importlib.import_module(name)


def classifier() -> None:
    mlflow.sklearn.autolog()
    features, kinds = load_breast_cancer(return_X_y=True, as_frame=True)
    with mlflow.start_run():
        make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(features, kinds)


def several_classes() -> None:
    mlflow.sklearn.autolog(log_input_examples=True)
    RandomForestClassifier(5, max_depth=3, random_state=0).fit(*load_iris(return_X_y=True))


def positive_label() -> None:
    mlflow.sklearn.autolog(log_models=False, pos_label=0, extra_tags={"team": "health"})
    SVC(kernel="linear", max_iter=1000).fit(*load_breast_cancer(return_X_y=True))


def regressor() -> None:
    mlflow.sklearn.autolog(log_models=False)
    features, target = load_diabetes(return_X_y=True, as_frame=True)
    Ridge(alpha=2.0).fit(features, target, sample_weight=range(1, len(target) + 1))


def clusters() -> None:
    mlflow.sklearn.autolog(log_models=False)
    features, _ = load_iris(return_X_y=True, as_frame=True)
    KMeans(3, n_init=2, random_state=0).fit_predict(features)
    PCA(2).fit_transform(features)


def meta_estimator() -> None:
    mlflow.sklearn.autolog(log_models=False)
    features, kinds = load_iris(return_X_y=True, as_frame=True)
    VotingClassifier([("bayes", GaussianNB()), ("ridge", LogisticRegression(max_iter=500))]).fit(features, kinds)


def grid_search() -> None:
    mlflow.sklearn.autolog(max_tuning_runs=3)
    features, kinds = load_iris(return_X_y=True, as_frame=True)
    with mlflow.start_run():
        GridSearchCV(SVC(), {"kernel": ("linear", "rbf"), "C": [1, 10]}, cv=3).fit(features, kinds)


def random_search() -> None:
    mlflow.sklearn.autolog(max_tuning_runs=None, log_models=False)
    features, kinds = load_iris(return_X_y=True, as_frame=True)
    pipeline = make_pipeline(StandardScaler(), SVC())
    scores = {"accuracy": "accuracy", "f1": "f1_macro"}
    choices = {"svc__C": [0.1, 1, 10, 100]}
    search = RandomizedSearchCV(pipeline, choices, n_iter=3, cv=3, scoring=scores, refit="accuracy", random_state=0)
    search.fit(features, kinds)


def evaluations() -> None:
    mlflow.sklearn.autolog(log_models=False)
    train_x, test_x, train_y, test_y = train_test_split(
        *load_breast_cancer(return_X_y=True, as_frame=True), random_state=0
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train_x, train_y)
    predicted = model.predict(test_x)
    sklearn.metrics.accuracy_score(test_y, predicted)
    sklearn.metrics.f1_score(test_y, predicted, average="macro")
    sklearn.metrics.f1_score(test_y, predicted, average="micro")
    sklearn.metrics.roc_auc_score(test_y, model.predict_proba(test_x)[:, 1])  # of a copy, which nobody knows
    train_predicted = model.predict(train_x)
    sklearn.metrics.accuracy_score(train_y, train_predicted)
    model.score(test_x, test_y)


def cross_validation() -> None:
    mlflow.sklearn.autolog(log_models=False)
    sklearn.model_selection.cross_val_score(LogisticRegression(max_iter=500), *load_iris(return_X_y=True), cv=3)
    StandardScaler().fit_transform(load_iris().data)


for program in programs:
    mlflow.set_experiment(f"{experiments} {program}")
    globals()[program]()
