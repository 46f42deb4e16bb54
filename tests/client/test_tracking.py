"""Calls as a tracking client makes them, to trackback's own server."""

import math

import msgspec
import pytest

from trackback.client.transport import Transport
from trackback.client.wire import Nothing
from trackback.entities import Experiment, FileInfo, Metric, Param, Run, RunStatus, Tag
from trackback.errors import AlreadyExists, InvalidParameter, NotFound, UnknownEndpoint

API = "/api/2.0/mlflow"


class Created(msgspec.Struct):
    experiment_id: str


class OneExperiment(msgspec.Struct):
    experiment: Experiment


class OneRun(msgspec.Struct):
    run: Run


class Runs(msgspec.Struct):
    runs: tuple[Run, ...] = ()


class History(msgspec.Struct):
    metrics: tuple[Metric, ...] = ()


class Files(msgspec.Struct):
    files: tuple[FileInfo, ...] = ()


class Batch(msgspec.Struct):
    run_id: str
    metrics: tuple[Metric, ...] = ()
    params: tuple[Param, ...] = ()
    tags: tuple[Tag, ...] = ()


def create_experiment(transport: Transport, name: str) -> str:
    path = f"{API}/experiments/create"
    return transport.call("POST", path, {"name": name}, Created, idempotent=False).experiment_id


def create_run(transport: Transport, experiment_id: str = "0") -> Run:
    request = {"experiment_id": experiment_id, "run_name": "first", "start_time": 1}
    return transport.call("POST", f"{API}/runs/create", request, OneRun, idempotent=False).run


def get_run(transport: Transport, run_id: str) -> Run:
    return transport.call("GET", f"{API}/runs/get", {"run_id": run_id}, OneRun).run


def test_an_experiment_is_read_back_as_an_entity(transport: Transport) -> None:
    request = {"experiment_id": create_experiment(transport, "Blumen & Bäume")}
    experiment = transport.call("GET", f"{API}/experiments/get", request, OneExperiment).experiment
    assert (experiment.name, experiment.tags) == ("Blumen & Bäume", ())


def test_a_run_is_read_back_with_all_that_was_logged(transport: Transport) -> None:
    run_id = create_run(transport).info.run_id
    points = tuple(Metric("loss", value, timestamp=step, step=step) for step, value in enumerate((0.5, math.nan)))
    batch = Batch(run_id, points, (Param("depth", "null"),), (Tag("author", "Ada"),))
    transport.call("POST", f"{API}/runs/log-batch", batch, Nothing)
    finished = {"run_id": run_id, "status": RunStatus.FINISHED, "end_time": 2}
    transport.call("POST", f"{API}/runs/update", finished, Nothing)

    run = get_run(transport, run_id)
    assert (run.info.status, run.info.end_time) == (RunStatus.FINISHED, 2)
    assert run.data.params == (Param("depth", "null"),)
    assert Tag("author", "Ada") in run.data.tags
    assert math.isnan(run.data.metrics[0].value)

    request = {"run_id": run_id, "metric_key": "loss"}
    history = transport.call("GET", f"{API}/metrics/get-history", request, History).metrics
    assert [point.value for point in history] == pytest.approx([0.5, math.nan], nan_ok=True)


def test_runs_are_found_by_a_filter(transport: Transport) -> None:
    experiment_id = create_experiment(transport, "searched")
    runs = [create_run(transport, experiment_id) for _ in range(2)]
    for run, depth in zip(runs, "12", strict=True):
        transport.call(
            "POST", f"{API}/runs/log-batch", Batch(run.info.run_id, params=(Param("depth", depth),)), Nothing
        )
    request = {"experiment_ids": [experiment_id], "filter": "params.depth = '2'"}
    found = transport.call("POST", f"{API}/runs/search", request, Runs).runs
    assert [run.info.run_id for run in found] == [runs[1].info.run_id]


def test_artifacts_are_listed_and_deleted(transport: Transport) -> None:
    transport.upload("notes/today.txt", b"fine weather")
    listing = transport.call("GET", "/api/2.0/mlflow-artifacts/artifacts", {"path": "notes"}, Files)
    assert listing.files == (FileInfo("today.txt", is_dir=False, file_size=12),)
    transport.call("DELETE", "/api/2.0/mlflow-artifacts/artifacts/notes", {}, Nothing)
    assert transport.call("GET", "/api/2.0/mlflow-artifacts/artifacts", {"path": "notes"}, Files) == Files()


def test_errors_of_the_server_are_raised_as_the_class_they_were_there(transport: Transport) -> None:
    create_experiment(transport, "taken")
    with pytest.raises(AlreadyExists, match="taken"):
        create_experiment(transport, "taken")
    with pytest.raises(NotFound, match="0123456789abcdef0123456789abcdef"):
        get_run(transport, "0123456789abcdef0123456789abcdef")
    with pytest.raises(InvalidParameter, match="Invalid experiment name"):
        create_experiment(transport, " ")
    with pytest.raises(UnknownEndpoint, match="no-such-thing"):
        transport.call("GET", f"{API}/no-such-thing", {}, Nothing)
