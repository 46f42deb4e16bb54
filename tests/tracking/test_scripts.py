"""Ordinary MLflow scripts run with `import trackback as mlflow`, and what they log is MLflow's client's to use."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.environments import Environment
from tests.servers.trackback import TrackbackServer
from trackback.client.api import Client
from trackback.entities import RunStatus

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture
def trained(tracking_server: TrackbackServer, spool_root: Path) -> tuple[str, str, float]:
    """The run, the version and a prediction of the script's model."""
    env = {**os.environ, "TRACKBACK_TRACKING_URI": tracking_server.url, "TRACKBACK_SPOOL_DIR": str(spool_root)}
    command = [sys.executable, str(SCRIPTS / "sklearn_elasticnet.py")]
    script = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=110)
    assert script.returncode == 0, script.stderr
    run_id, version, prediction = script.stdout.split()
    return run_id, version, float(prediction)


def test_a_script_of_scikit_learn(tracking_server: TrackbackServer, trained: tuple[str, str, float]) -> None:
    run_id, version, prediction = trained
    with Client(tracking_server.url) as client:
        run = client.get_run(run_id)
        registered = client.get_model_version("elastic-net", version)
        files = {each.path for each in client.list_artifacts(run_id, "trackback")}
        assert registered.model_id
        params = {each.key: each.value for each in client.get_logged_model(registered.model_id).data.params}
    assert run.info.status is RunStatus.FINISHED
    assert {param.key for param in run.data.params} == {"alpha", "l1_ratio"}
    assert (params["alpha"], params["max_iter"]) == ("0.5", "1000")  # those of the estimator, too
    assert {"rmse", "r2", "mae"} <= {metric.key for metric in run.data.metrics}
    assert run.inputs.dataset_inputs[0].dataset.name == "diabetes"
    assert run.outputs is not None
    assert (registered.run_id, registered.model_id) == (run_id, run.outputs.model_outputs[0].model_id)
    assert {"trackback/provenance.json", "trackback/requirements.lock"} <= files
    loaded = Environment("mlflow3").run(
        SCRIPTS / "load_with_mlflow.py",
        f"models:/elastic-net/{version}",
        tracking_uri=tracking_server.url,
    )
    assert float(loaded.split()[-1]) == pytest.approx(prediction)


def test_the_trace_of_its_version_leads_to_the_data(
    tracking_server: TrackbackServer, trained: tuple[str, str, float]
) -> None:
    _, version, _ = trained
    with Client(tracking_server.url) as client:
        trace = msgspec.to_builtins(client.trace(f"models:/elastic-net/{version}"))
    text = msgspec.json.encode(trace).decode()
    assert '"name":"diabetes"' in text
    assert "scikit-learn" in text
    assert "l1_ratio" in text
