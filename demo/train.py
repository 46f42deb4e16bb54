"""Trains a classifier of wines with an unmodified MLflow client, promotes the best run, and uses its model.

The data set is the chemical analysis of 178 wines from three growers, which scikit-learn ships. The part of it that is
tested with is written to the CSV file that the command line names. Nothing here knows of trackback: MLFLOW_TRACKING_URI
says where the server is.
"""

import sys

import mlflow
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

EXPERIMENT = "wine"
INVERSE_REGULARIZATION = (0.0001, 0.001, 1.0)


def main() -> None:
    experiment = mlflow.set_experiment(EXPERIMENT)
    features, grower = load_wine(return_X_y=True, as_frame=True)
    train_x, test_x, train_y, test_y = train_test_split(features, grower, test_size=0.3, random_state=1)

    test_x.assign(grower=test_y).to_csv(sys.argv[1], index=False)

    # autolog notes hyperparameters, training metrics, plots and the data set of each fit.
    mlflow.sklearn.autolog(log_models=False)
    for c in INVERSE_REGULARIZATION:
        with mlflow.start_run() as run:
            classifier = make_pipeline(StandardScaler(), LogisticRegression(C=c)).fit(train_x, train_y)
            accuracy = float((classifier.predict(test_x) == test_y).mean())
            mlflow.log_metric("test_accuracy", accuracy)
            mlflow.sklearn.log_model(
                classifier, name="classifier", input_example=train_x.head(2), pip_requirements=["scikit-learn"]
            )
        print(f"trained   {run.info.run_name:<24} C = {c:<8g} {accuracy:.0%} of the test wines right")

    best = mlflow.search_runs(
        [experiment.experiment_id],
        "metrics.test_accuracy > 0.5",
        order_by=["metrics.test_accuracy DESC"],
        max_results=1,
        output_format="list",
    )[0]
    mlflow.MlflowClient().set_tag(best.info.run_id, "promote", "true")
    print(f"promoted  {best.info.run_name}: the tag promote=true is set on it")

    # From here on as a second program would, which knows no more than the tag.
    promoted = mlflow.search_runs(
        [experiment.experiment_id], "tags.promote = 'true'", max_results=1, output_format="list"
    )[0]
    model = mlflow.pyfunc.load_model(f"runs:/{promoted.info.run_id}/classifier")
    predictions = model.predict(test_x)
    print(f"loaded    the model of {promoted.info.run_name}, found by its tag")
    print(f"predicted growers of the first test wines: {list(map(int, predictions[:10]))}")
    print(f"          who it really was:               {list(map(int, test_y[:10]))}")
    assert (predictions == test_y).mean() == promoted.data.metrics["test_accuracy"], "not the model that was logged"

    server = mlflow.get_tracking_uri()
    print("\nLook at")
    print(f"  the runs side by side  {server}/experiments/{experiment.experiment_id}")
    print(f"  the promoted run       {server}/runs/{promoted.info.run_id}")


if __name__ == "__main__":
    main()
