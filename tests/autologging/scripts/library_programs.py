"""Trains with a heavy library under autolog of the client that is named, each program in an experiment of its own.

Few log their models: MLflow takes seconds for each.

library_programs.py CLIENT EXPERIMENTS PROGRAM…, where CLIENT is mlflow or trackback, and EXPERIMENTS begins their names
"""

import importlib
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import sklearn.metrics
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.model_selection import GridSearchCV, train_test_split

warnings.simplefilter("ignore")
name, experiments, *programs = sys.argv[1:]
os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", MPLBACKEND="agg", PYSPARK_PYTHON=sys.executable)
if name == "trackback":
    sys.modules["mlflow"] = None  # type: ignore[assignment]
    sys.path.insert(0, str(Path(__file__).parents[3] / "src"))
mlflow: Any = importlib.import_module(name)

TRAIN_X, TEST_X, TRAIN_Y, TEST_Y = train_test_split(
    *load_breast_cancer(return_X_y=True, as_frame=True), test_size=0.3, random_state=0
)


def xgboost_train() -> None:
    import xgboost

    mlflow.xgboost.autolog(importance_types=["weight", "gain"], log_input_examples=True)
    training = xgboost.DMatrix(TRAIN_X, TRAIN_Y)
    mine: list[Any] = []
    xgboost.train(
        {"objective": "binary:logistic", "eval_metric": ["logloss", "error@0.7"], "max_depth": 3, "nthread": 1},
        training,
        num_boost_round=30,
        evals=[(training, "train"), (xgboost.DMatrix(TEST_X, TEST_Y), "test")],
        early_stopping_rounds=3,
        verbose_eval=False,
        callbacks=mine,
    )
    if name == "trackback":
        assert mine == []


def xgboost_classifier() -> None:
    import xgboost

    mlflow.xgboost.autolog()
    model = xgboost.XGBClassifier(n_estimators=8, max_depth=2, n_jobs=1, eval_metric="logloss")
    with mlflow.start_run():
        model.fit(TRAIN_X, TRAIN_Y, eval_set=[(TEST_X, TEST_Y)], verbose=False)
        test_x = TEST_X
        predicted = model.predict(test_x)
        sklearn.metrics.accuracy_score(TEST_Y, predicted)
        model.score(test_x, TEST_Y)


def xgboost_in_a_search() -> None:
    import xgboost

    mlflow.sklearn.autolog(max_tuning_runs=2, log_models=False)
    mlflow.xgboost.autolog(log_models=False)
    model = xgboost.XGBClassifier(n_estimators=3, n_jobs=1)
    GridSearchCV(model, {"max_depth": [1, 2]}, cv=2).fit(TRAIN_X, TRAIN_Y)


def lightgbm_train() -> None:
    import lightgbm

    mlflow.lightgbm.autolog()
    training = lightgbm.Dataset(TRAIN_X, TRAIN_Y)
    lightgbm.train(
        {"objective": "binary", "metric": "binary_logloss", "num_leaves": 7, "num_threads": 1, "verbose": -1},
        training,
        num_boost_round=60,
        valid_sets=[lightgbm.Dataset(TEST_X, TEST_Y, reference=training)],
        valid_names=["test"],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
    )


def lightgbm_classifier() -> None:
    import lightgbm

    mlflow.lightgbm.autolog(log_models=False)
    model = lightgbm.LGBMClassifier(n_estimators=8, num_leaves=5, n_jobs=1, verbose=-1)
    with mlflow.start_run():
        model.fit(TRAIN_X, TRAIN_Y, eval_set=[(TEST_X, TEST_Y)])
        test_x = TEST_X
        model.score(test_x, TEST_Y)


def _network() -> Any:
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input([4]), keras.layers.Dense(8, "relu"), keras.layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def keras_epochs() -> None:
    mlflow.keras.autolog()
    features, kinds = load_iris(return_X_y=True)
    model = _network()
    model.fit(
        features.astype("float32")[::2],
        kinds[::2],
        batch_size=16,
        epochs=3,
        validation_data=(features.astype("float32")[1::2], kinds[1::2]),
        verbose=0,
        callbacks=[],
    )


def keras_steps() -> None:
    mlflow.keras.autolog(log_models=False, log_every_epoch=False, log_every_n_steps=2)
    features, kinds = load_iris(return_X_y=True)
    with mlflow.start_run():
        _network().fit(features.astype("float32"), kinds, batch_size=30, epochs=2, verbose=0)


def _spark() -> Any:
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    return session


def _iris() -> Any:
    bunch = load_iris(as_frame=True)
    frame = bunch.frame.rename(columns={name: name.split(" (")[0].replace(" ", "_") for name in bunch.frame})
    return _spark().createDataFrame(frame.astype({"target": "float64"}))


COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def spark_pipeline() -> None:
    from pyspark.ml import Pipeline
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.evaluation import MulticlassClassificationEvaluator
    from pyspark.ml.feature import StandardScaler, VectorAssembler

    mlflow.pyspark.ml.autolog()
    train, test = _iris().randomSplit([0.8, 0.2], seed=1)
    stages = [
        VectorAssembler(inputCols=COLUMNS, outputCol="raw"),
        StandardScaler(inputCol="raw", outputCol="features"),
        LogisticRegression(labelCol="target", maxIter=5),
    ]
    model = Pipeline(stages=stages).fit(train)
    predicted = model.transform(test)
    MulticlassClassificationEvaluator(labelCol="target").evaluate(predicted)
    MulticlassClassificationEvaluator(labelCol="target", metricName="accuracy").evaluate(predicted)


def spark_search() -> None:
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.evaluation import MulticlassClassificationEvaluator
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.tuning import CrossValidator, ParamGridBuilder

    mlflow.pyspark.ml.autolog(log_models=False)
    data = VectorAssembler(inputCols=COLUMNS, outputCol="features").transform(_iris()).select("features", "target")
    regression = LogisticRegression(labelCol="target", maxIter=3)
    grid = ParamGridBuilder().addGrid(regression.regParam, [0.01, 1.0]).build()
    evaluator = MulticlassClassificationEvaluator(labelCol="target")
    with mlflow.start_run():
        CrossValidator(
            estimator=regression, estimatorParamMaps=grid, evaluator=evaluator, numFolds=2, parallelism=2, seed=1
        ).fit(data)


for program in programs:
    mlflow.set_experiment(f"{experiments} {program}")
    globals()[program]()
