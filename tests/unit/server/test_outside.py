"""What clients are told of the parts of MLflow that are not served here."""

import pytest

from trackback.server.mlflow import outside


@pytest.mark.parametrize(
    "path",
    [
        "/api/3.0/mlflow/traces/search",
        "/ajax-api/2.0/mlflow/traces",
        "/api/3.0/mlflow/scorers/list",
        "/api/3.0/mlflow/gateway/endpoints/create",
        "/ajax-api/3.0/mlflow/gateway/supported-models",
        "/api/3.0/mlflow/datasets/create",
        "/api/3.0/mlflow/issues/search",
        "/api/3.0/mlflow/label-schemas/list",
        "/api/3.0/mlflow/review-queues/items/add",
        "/api/3.0/mlflow/prompt-optimization/jobs",
        "/api/3.0/mlflow/workspaces",
        "/api/3.0/mlflow/server-info",
        "/ajax-api/3.0/mlflow/jobs/1",
        "/ajax-api/3.0/jobs/search",
        "/graphql",
        "/v1/traces",
        "/gateway/chat/invocations",
        "/api/2.0/mlflow/users/create",
        "/signup",
    ],
)
def test_what_is_left_out_is_said_to_be(path: str) -> None:
    assert outside.explain(path).startswith("trackback leaves this part of MLflow out: ")


@pytest.mark.parametrize("path", ["/api/2.0/mlflow/runs/nonsense", "/api/2.0/mlflow/", "/api/9.0/mlflow/traces", "/x"])
def test_of_a_path_that_mlflow_does_not_know_either_nothing_is_said(path: str) -> None:
    assert outside.explain(path) == ""
