"""In what two runs differ, by the command, from a real server."""

import json
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from tests.server.test_command_line import trackback
from tests.server.wire import post
from tests.servers.trackback import TrackbackServer
from trackback.client.transport import Transport
from trackback.entities import (
    PROVENANCE_PATH,
    PROVENANCE_VERSION,
    CodeRecord,
    EnvironmentRecord,
    FileRecord,
    HardwareRecord,
    ProvenanceRecord,
)
from trackback.provenance import DescribedDataset, describe_dataset
from trackback.provenance.differences import compare, read_run


def log_run(
    server: TrackbackServer, params: dict[str, str], loss: float, record: ProvenanceRecord | None = None, **more: Any
) -> str:
    """A run with these params, a metric, and a provenance record if one is given."""
    info = post(server.port, "runs/create", {"experiment_id": "0", "tags": more.get("tags", [])})["run"]["info"]
    metric = {"key": "loss", "value": loss, "timestamp": 1, "step": 1}
    logged = {"params": [{"key": key, "value": value} for key, value in params.items()], "metrics": [metric]}
    post(server.port, "runs/log-batch", {"run_id": info["run_id"], **logged})
    if record:
        path = f"{info['artifact_uri'].removeprefix('mlflow-artifacts:/')}/{PROVENANCE_PATH}"
        with Transport(server.url) as transport:
            transport.upload(path, msgspec.json.encode(record))
    return str(info["run_id"])


def record(commit: str, numpy: str, data: DescribedDataset, cores: int = 8, **variables: str) -> ProvenanceRecord:
    assert data.record
    return ProvenanceRecord(
        schema_version=PROVENANCE_VERSION,
        code=CodeRecord(commit=commit, dirty=True, diff=FileRecord("trackback/diff.patch", commit * 2)),
        environment=EnvironmentRecord(
            python="3.11.7",
            packages={"numpy": numpy, "scipy": "1.15.0"},
            hardware=HardwareRecord(cpu_count=cores),
            variables=variables,
        ),
        datasets=(data.record,),
    )


def data(ages: list[int]) -> DescribedDataset:
    frame = pd.DataFrame({"age": ages, "name": ["a", "b"]})
    return describe_dataset(frame, name="customers", context="training")


@pytest.fixture(scope="module")
def runs(server: TrackbackServer) -> tuple[str, str]:
    a = record("4f1c2e9a7b3d5f60718293a4b5c6d7e8", "1.26.0", data([1, 2]), OMP_NUM_THREADS="2")
    b = record("0f1c2e9a7b3d5f60718293a4b5c6d7e8", "2.0.0", data([1, 3]), cores=4)
    return (
        log_run(server, {"depth": "6", "rate": "0.1"}, 0.5, a, tags=[{"key": "team", "value": "risk"}]),
        log_run(server, {"depth": "7", "rate": "0.1", "new": "1"}, 0.25, b),
    )


def differences(server: TrackbackServer, *runs: str) -> dict[tuple[str, str], tuple[Any, Any]]:
    code, printed = trackback("diff", *runs, "--json", "--server", server.url)
    assert code == 0, printed
    return {(each["part"], each["name"]): (each.get("a"), each.get("b")) for each in json.loads(printed)["differences"]}


def test_all_that_differs_is_told_and_nothing_else(server: TrackbackServer, runs: tuple[str, str]) -> None:
    found = differences(server, *runs)

    assert {key: value for key, value in found.items() if key[0] not in ("code", "data")} == {
        ("param", "depth"): ("6", "7"),
        ("param", "new"): (None, "1"),
        ("metric", "loss"): (0.5, 0.25),
        ("tag", "team"): ("risk", None),
        ("package", "numpy"): ("1.26.0", "2.0.0"),
        ("environment", "hardware cpu_count"): (8, 4),
        ("environment", "variable OMP_NUM_THREADS"): ("2", None),
    }
    assert {name for part, name in found if part == "code"} == {"commit", "diff"}


def test_of_data_it_is_told_which_columns_differ(server: TrackbackServer, runs: tuple[str, str]) -> None:
    found = differences(server, *runs)

    assert {name for part, name in found if part == "data"} == {
        "customers (training)",
        "customers (training): column age",
    }
    assert found["data", "customers (training)"] == (data([1, 2]).sha256, data([1, 3]).sha256)


def test_for_people_it_is_a_table(server: TrackbackServer, runs: tuple[str, str]) -> None:
    code, printed = trackback("diff", f"runs:/{runs[0]}", runs[1], "--server", server.url)
    lines = [line.split() for line in printed.splitlines()]

    assert code == 0
    assert lines[0] == ["What", "Name", f"runs:/{runs[0]}", runs[1]]
    assert ["param", "depth", "6", "7"] in lines
    assert ["package", "numpy", "1.26.0", "2.0.0"] in lines


def test_a_run_does_not_differ_from_itself(server: TrackbackServer, runs: tuple[str, str]) -> None:
    nan = log_run(server, {}, float("inf"))

    assert trackback("diff", runs[0], runs[0], "--server", server.url) == (
        0,
        "They do not differ in anything that is known.",
    )
    with Transport(server.url) as transport:
        assert compare(read_run(transport, nan), read_run(transport, nan)) == []


def test_runs_of_mlflows_clients_are_compared_by_what_they_logged(server: TrackbackServer) -> None:
    ids = []
    for digest in ("aaaa", "bbbb"):
        run_id = log_run(server, {}, 1.0)
        dataset = {"name": "customers", "digest": digest, "source_type": "local", "source": "{}"}
        tags = [{"key": "mlflow.data.context", "value": "training"}]
        post(server.port, "runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": tags}]})
        ids.append(run_id)

    assert differences(server, *ids) == {("data", "customers (training)"): ("aaaa", "bbbb")}


def test_a_run_that_is_not_there_is_said_so(server: TrackbackServer, runs: tuple[str, str]) -> None:
    code, printed = trackback("diff", runs[0], "0" * 32, "--server", server.url)

    assert code == 1
    assert "0" * 32 in printed


def test_arrays_are_compared_too(server: TrackbackServer) -> None:
    a, b = (
        log_run(server, {}, 1.0, record("4f1c2e9a7b3d5f60718293a4b5c6d7e8", "1", describe_dataset(np.arange(n))))
        for n in (3, 4)
    )

    assert differences(server, a, b)["data", "dataset: rows"] == (3, 4)
