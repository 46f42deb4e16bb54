"""A session against a server that knows who asks, signed in as the environment says: as a token, or by password.

Arguments: the experiment that the user may write, the one that it may not see, and that one's run.
"""

import os
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

MINE, THEIRS, THEIR_RUN = sys.argv[1:]
client = mlflow.MlflowClient()


def refused(code: str, action: object, *arguments: object, **named: object) -> str:
    try:
        action(*arguments, **named)  # type: ignore[operator]
    except MlflowException as error:
        assert error.error_code == code, (error.error_code, str(error))
        return str(error)
    raise AssertionError(f"{action} went through")


def what_one_has_a_role_for_works() -> None:
    mlflow.set_experiment(experiment_id=MINE)
    with mlflow.start_run() as run:
        mlflow.log_param("alpha", 0.5)
        mlflow.log_metric("loss", 0.25)
        mlflow.log_text("hello", "notes/hello.txt")
    found = mlflow.search_runs([MINE], output_format="list")
    assert run.info.run_id in [each.info.run_id for each in found]
    with tempfile.TemporaryDirectory() as folder:
        path = mlflow.artifacts.download_artifacts(
            run_id=run.info.run_id, artifact_path="notes/hello.txt", dst_path=folder
        )
        assert Path(path).read_text() == "hello"


def the_rest_is_not_there() -> None:
    refused("RESOURCE_DOES_NOT_EXIST", client.get_run, THEIR_RUN)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, THEIRS)
    assert client.get_experiment_by_name("theirs") is None
    assert THEIRS not in [each.experiment_id for each in client.search_experiments()]
    assert mlflow.search_runs([MINE, THEIRS], filter_string="tags.whose = 'theirs'", output_format="list") == []


def what_one_has_no_role_for_is_refused_with_a_reason() -> None:
    message = refused("PERMISSION_DENIED", client.create_experiment, "new")
    assert "lacks the permission 'write'" in message, message


def wrong_credentials_are_refused_with_a_reason() -> None:
    for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD"):
        if name in os.environ:
            os.environ[name] += "x"
    message = refused("UNAUTHENTICATED", client.search_experiments)
    assert "not valid any more" in message, message


what_one_has_a_role_for_works()
the_rest_is_not_there()
what_one_has_no_role_for_is_refused_with_a_reason()
wrong_credentials_are_refused_with_a_reason()
