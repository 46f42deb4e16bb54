"""Programs that run under MLflow's autolog and trackback's, and what both have logged."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.autologging.runs import Runs, metrics, params, tags
from tests.environments import Environment
from trackback.client.models import fetch_model
from trackback.entities import Run
from trackback.flavors import ModelSignature
from trackback.flavors.mlmodel import read_mlmodel

OWN_TAGS = ("mlflow.user", "mlflow.source", "mlflow.runName", "mlflow.log-model", "mlflow.parentRunId", "trackback.")


class Pair(NamedTuple):
    mlflow: Runs
    here: Runs


def run_both(
    script: Path, programs: Sequence[str], mlflow: Environment, here: Path, uri: str, folder: Path, timeout_s: float
) -> tuple[str, str]:
    """How the names of the experiments of both begin, in which all programs have run. ``here`` is Python for ours."""
    theirs, ours = f"mlflow {uuid4().hex}", f"trackback {uuid4().hex}"
    mlflow.run(script, "mlflow", theirs, *programs, tracking_uri=uri, timeout_s=timeout_s)
    env = {
        **os.environ,
        "TRACKBACK_TRACKING_URI": uri,
        "TRACKBACK_SPOOL_DIR": str(folder / "spool"),
        "XDG_STATE_HOME": str(folder),
        "TRACKBACK_CAPTURE": "0",
        "TRACKBACK_SYSTEM_METRICS": "0",
    }
    command = [str(here), str(script), "trackback", ours, *programs]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, done.stderr
    assert "is not logged" not in done.stderr, done.stderr
    return theirs, ours


@contextmanager
def logged(uri: str, prefixes: tuple[str, str], program: str) -> Iterator[Pair]:
    pair = Pair(*(Runs(uri, f"{prefix} {program}") for prefix in prefixes))
    try:
        yield pair
    finally:
        for each in pair:
            each.close()


def assert_same(one: Run, two: Run) -> None:
    assert params(two) == params(one)
    theirs, ours = metrics(one), metrics(two)
    assert set(ours) == set(theirs)
    timed = {key for key in theirs if "time" in key}
    assert {key: ours[key] for key in ours if key not in timed} == pytest.approx(
        {key: theirs[key] for key in theirs if key not in timed}
    )


def named(run: Run) -> dict[str, str]:
    return {key: value for key, value in tags(run).items() if not key.startswith(OWN_TAGS)}


def contexts(run: Run) -> set[str]:
    return {tag.value for each in run.inputs.dataset_inputs for tag in each.tags}


def rank(run: Run) -> tuple[float, str]:
    values = metrics(run)
    first = next((values[key] for key in values if key.startswith("rank_test_")), 0.0)
    return first, str(sorted(params(run).items()))


def models(runs: Runs, run: Run, folder: Path) -> list[tuple[str, ModelSignature | None, bool]]:
    found = []
    for output in run.outputs.model_outputs if run.outputs else ():
        model = runs.client.get_logged_model(output.model_id)
        mlmodel = read_mlmodel(fetch_model(runs.client, f"models:/{output.model_id}", folder / output.model_id).path)
        signature = ModelSignature.from_text(mlmodel.signature) if mlmodel.signature else None
        found.append((model.info.name, signature, mlmodel.saved_input_example_info is not None))
    return sorted(found, key=lambda each: each[0])


def last_metrics(runs: Runs, run: Run) -> dict[str, float]:
    """Those of the run's logged models, by key."""
    ids = [each.model_id for each in run.outputs.model_outputs] if run.outputs else []
    points = [point for each in ids for point in runs.client.get_logged_model(each).data.metrics]
    return {point.key: point.value for point in sorted(points, key=lambda each: (each.step, each.timestamp))}
