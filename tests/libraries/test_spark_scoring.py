"""`trackback deliver score --engine spark` on a real Spark: the same output as without it, and as safe."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.environments import ROOT, Environment
from tests.needs import need

pytestmark = [pytest.mark.libraries, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "scripts" / "score_with_spark.py"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Any:
    need(shutil.which("java"), "no java: install it (on Debian: apt install default-jre-headless)")
    found = Environment("libraries").run(
        SCRIPT,
        str(tmp_path_factory.mktemp("spark")),
        tracking_uri="http://127.0.0.1:1",
        env={"PYTHONPATH": str(ROOT / "src")},
        timeout_s=580,
    )
    return json.loads(found.splitlines()[-1])


def test_executors_predict_what_processes_do(scored: Any) -> None:
    assert scored["same"]
    assert (scored["rows"], scored["partitions"]) == (600, 4)


def test_a_driver_that_ends_leaves_what_is_done_to_the_next_one(scored: Any) -> None:
    assert scored["ended"]
    assert 1 <= scored["resumed"] <= 4
    assert scored["ids"]


def test_rows_that_the_model_does_not_take_are_named(scored: Any) -> None:
    kind, message = scored["refused"]
    assert kind == "InvalidParameter"
    assert "row group 0 of" in message
    assert "sepal length (cm)" in message
    assert "bad_out.parquet" not in scored["left"]
