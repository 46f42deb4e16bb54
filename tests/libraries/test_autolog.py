"""Unmodified MLflow autologs heavy libraries to trackback, and gets all of it back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.environments import Environment
from tests.servers.trackback import TrackbackServer

pytestmark = [pytest.mark.libraries, pytest.mark.timeout(300)]

SCRIPT = Path(__file__).parent / "scripts" / "autolog_booster.py"


@pytest.mark.parametrize(
    ("library", "params", "artifact"),
    [
        ("xgboost", {"max_depth": "3", "num_boost_round": "30"}, "feature_importance_weight.json"),
        ("lightgbm", {"num_leaves": "7", "num_boost_round": "30"}, "feature_importance_gain.json"),
    ],
    ids=["xgboost", "lightgbm"],
)
def test_a_boosters_run_and_model_come_back_as_they_were(
    server: TrackbackServer, library: str, params: dict[str, str], artifact: str
) -> None:
    output = Environment("libraries").run(SCRIPT, library, tracking_uri=server.url, timeout_s=280)
    read_back: dict[str, Any] = json.loads(output.splitlines()[-1])
    assert read_back["status"] == "FINISHED"
    assert read_back["params"].items() >= params.items()
    assert read_back["steps_of_the_loss"] == list(range(30))
    assert artifact in read_back["artifacts"]
    assert read_back["largest_difference"] == 0
