"""Data that is kept on a server, fetched by its digest, and verified."""

import hashlib
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import datasets as bunches

from tests.server.test_command_line import trackback
from tests.server.wire import post
from tests.servers.trackback import TrackbackServer
from trackback.client.transport import Transport
from trackback.errors import DataLoss, InvalidParameter, NotFound
from trackback.provenance import describe_dataset
from trackback.provenance.datasets import fetch, keep
from trackback.provenance.datasets.stored import root_of_run

DATA = {
    "pandas": pd.DataFrame(
        {"a": [1, 2, 3], "s": ["x", None, "z"], "t": pd.date_range("2024", periods=3, tz="Europe/Berlin")}
    ),
    "categories": pd.DataFrame({"c": pd.Categorical(["a", "b", "a"]), "f": [1.5, np.nan, 2]}),
    "polars": pl.DataFrame({"a": [1, None], "l": [[1, 2], []], "u": pl.Series([1, 2], dtype=pl.UInt16)}),
    "arrow": pa.table({"a": pa.array([1, 2], pa.int8()), "d": pa.array([1, None], pa.date32())}),
    "array": np.arange(24.0).reshape(2, 3, 4),
    "arrays": {"x": np.arange(6, dtype="f4").reshape(2, 3), "y": np.array([0, 1])},
    "bunch": bunches.load_iris(),
    "frame of a bunch": bunches.load_iris(as_frame=True),
    "sparse": sparse.random(20, 10, density=0.3, format="csr", random_state=0),
    "texts": np.array(["a", "bc"], dtype=object),
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA.keys())
def test_data_is_fetched_and_has_the_digest_that_it_was_kept_by(
    data: Any, server: TrackbackServer, tmp_path: Path
) -> None:
    described = describe_dataset(data)
    assert described.sha256
    with Transport(server.url) as transport:
        keep(transport, described)
        path = fetch(transport, described.sha256, tmp_path / "fetched" / "data")

    assert path.stat().st_size
    assert sorted(each.name for each in path.parent.iterdir()) == ["data"]


def test_a_frame_comes_back_as_it_was(server: TrackbackServer, tmp_path: Path) -> None:
    frame = DATA["pandas"]
    described = describe_dataset(frame)
    assert described.sha256
    with Transport(server.url) as transport:
        keep(transport, described)
        path = fetch(transport, described.sha256, tmp_path / "data.parquet")

    pd.testing.assert_frame_equal(pd.read_parquet(path), frame)


def test_the_same_data_is_uploaded_once(server: TrackbackServer) -> None:
    described = describe_dataset(DATA["pandas"])
    with Transport(server.url) as transport:
        folder = keep(transport, described)
        before = modified(server, f"{folder}/data.parquet")

        assert keep(transport, describe_dataset(pa.Table.from_pandas(DATA["pandas"]))) == folder
    assert modified(server, f"{folder}/data.parquet") == before


def modified(server: TrackbackServer, path: str) -> str:
    url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{path}"
    return httpx.head(url, trust_env=False).headers["last-modified"]


def test_a_file_and_a_folder_come_back_by_the_command(server: TrackbackServer, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "1.csv").write_text("x\n1\n")
    (folder / "SHA256SUMS").write_text("a file of that name")
    file = describe_dataset(folder / "a" / "1.csv")
    with Transport(server.url) as transport:
        keep(transport, file)
        keep(transport, describe_dataset(folder))

    there = tmp_path / "there"
    there.mkdir()
    code, printed = trackback("data", "get", f"sha256:{file.sha256}", "--server", server.url, folder=there)
    assert (code, printed) == (0, "1.csv")
    assert (there / "1.csv").read_text() == "x\n1\n"
    whole = describe_dataset(folder).sha256
    assert whole
    code, printed = trackback("data", "get", whole, "-o", "copy", "--server", server.url, folder=there)
    assert (code, printed) == (0, "copy")
    assert (there / "copy" / "a" / "1.csv").read_text() == "x\n1\n"
    assert (there / "copy" / "SHA256SUMS").read_text() == "a file of that name"
    code, printed = trackback("data", "get", whole, "-o", "copy", "--server", server.url, folder=there)
    assert (code, "is there already" in printed) == (1, True)


def test_data_may_be_kept_among_the_files_of_a_run(server: TrackbackServer, tmp_path: Path) -> None:
    run_id = post(server.port, "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    described = describe_dataset(np.arange(3))
    assert described.sha256
    with Transport(server.url) as transport:
        folder = keep(transport, described, root_of_run(transport, run_id))

    assert f"{run_id}/artifacts/trackback/datasets/{described.sha256}" in folder
    get = ("data", "get", described.sha256, "-o", str(tmp_path / "x.npy"), "--server", server.url)
    assert trackback(*get)[0] == 1
    assert trackback(*get, "--run", run_id)[0] == 0
    assert np.load(tmp_path / "x.npy").tolist() == [0, 1, 2]


def test_data_that_is_not_what_its_digest_says_is_not_kept(server: TrackbackServer, tmp_path: Path) -> None:
    described = describe_dataset(np.arange(5))
    assert described.sha256
    with Transport(server.url) as transport:
        folder = keep(transport, described)
        other = tmp_path / "other.npy"
        np.save(other, np.arange(4))
        transport.upload(f"{folder}/data.npy", other)
        with pytest.raises(DataLoss, match=f"should have {described.sha256}"):
            fetch(transport, described.sha256, tmp_path / "x.npy")

    assert not (tmp_path / "x.npy").exists()


def test_a_list_of_files_that_leads_elsewhere_is_refused(server: TrackbackServer, tmp_path: Path) -> None:
    sums = f"{'0' * 64}  ../../evil\n".encode()
    digest = hashlib.sha256(sums).hexdigest()
    with Transport(server.url) as transport:
        transport.upload(f"datasets/{digest}/SHA256SUMS", sums)
        with pytest.raises(DataLoss, match="leads elsewhere"):
            fetch(transport, digest, tmp_path / "x")

    assert not (tmp_path / "x").exists()


def test_data_that_is_not_there_says_where_to_look(server: TrackbackServer, tmp_path: Path) -> None:
    with Transport(server.url) as transport:
        with pytest.raises(NotFound, match=f"trackback trace datasets/{'0' * 64}"):
            fetch(transport, "0" * 64, tmp_path / "x")
        with pytest.raises(InvalidParameter, match="64 hex digits"):
            fetch(transport, "abc", tmp_path / "x")


def test_what_can_not_be_kept_says_so(server: TrackbackServer) -> None:
    unread = describe_dataset("http://127.0.0.1:1/x.csv", read=False)
    mixed = describe_dataset(pd.DataFrame({"s": ["a"]}), targets=np.zeros((1, 2)))
    with Transport(server.url) as transport:
        with pytest.raises(InvalidParameter, match="read=False"):
            keep(transport, unread)
        with pytest.raises(InvalidParameter, match="file of your own"):
            keep(transport, mixed)
