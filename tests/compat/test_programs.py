"""Whole programs, each run in its client's own environment with an unmodified MLflow from PyPI."""

from pathlib import Path

import pytest

from tests.environments import Environment

SCRIPTS = Path(__file__).parent / "scripts"


def test_experiments_runs_params_metrics_and_tags_are_tracked(mlflow: Environment, tracking_uri: str) -> None:
    mlflow.run(SCRIPTS / "tracking.py", tracking_uri=tracking_uri)


def test_files_figures_images_and_tables_are_kept(mlflow: Environment, tracking_uri: str) -> None:
    mlflow.run(SCRIPTS / "artifacts.py", tracking_uri=tracking_uri)


def test_searches_find_what_mlflow_finds(mlflow: Environment, tracking_uri: str) -> None:
    mlflow.run(SCRIPTS / "search.py", tracking_uri=tracking_uri)


def test_refusals_carry_the_codes_and_messages_that_clients_match(mlflow: Environment, tracking_uri: str) -> None:
    mlflow.run(SCRIPTS / "refusals.py", tracking_uri=tracking_uri)


@pytest.mark.libraries
@pytest.mark.timeout(320)
def test_models_are_logged_loaded_and_evaluated(mlflow: Environment, tracking_uri: str) -> None:
    mlflow.run(SCRIPTS / "models.py", tracking_uri=tracking_uri, timeout_s=300)


def test_logged_models_of_mlflow_3_live_searched_and_loaded(tracking_uri: str) -> None:
    Environment("mlflow3").run(SCRIPTS / "logged_models.py", tracking_uri=tracking_uri)


@pytest.mark.timeout(320)
def test_models_are_registered_named_staged_copied_found_and_loaded(mlflow: Environment, tracking_uri: str) -> None:
    mlflow.run(SCRIPTS / "registry.py", tracking_uri=tracking_uri, timeout_s=300)


def test_webhooks_are_managed_by_mlflow_s_client_and_told_of_the_registry(tracking_uri: str) -> None:
    Environment("mlflow3").run(SCRIPTS / "webhooks.py", tracking_uri=tracking_uri)
