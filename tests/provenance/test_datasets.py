"""Data sets as runs record them: files, folders and URIs; schemas, profiles and sources."""

import functools
import hashlib
import json
import math
import subprocess
import threading
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from obstore.store import from_url
from sklearn import datasets as bunches

from tests.servers.s3 import S3
from trackback.entities import DatasetInput, Tag
from trackback.errors import InvalidParameter, Unavailable
from trackback.provenance import DescribedDataset, describe_dataset


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server's URL, and the folder that it serves."""
    folder = tmp_path / "web"
    folder.mkdir()
    server = HTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_files_digest_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"\x00\x01" * 1_500_000)
    found = describe_dataset(path)

    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (found.name, found.source, found.source_type) == ("data.bin", str(path), "local")
    assert describe_dataset(path.as_uri()).record == describe_dataset(str(path)).record == found.record


def test_a_parquet_file_tells_its_schema_rows_and_extremes(tmp_path: Path) -> None:
    path = tmp_path / "churn.parquet"
    table = pa.table({"age": [41, None, 7], "name": ["Ada", "Bob", "Eve"], "x": [0.5, math.nan, 1.0]})
    pq.write_table(table, path, row_group_size=2)
    found = describe_dataset(path)

    assert found.rows == 3
    assert [column["type"] for column in found.schema["columns"]] == ["int64", "string", "double"]
    assert found.profile["columns"][0] == {"name": "age", "missing": 1, "min": 7, "max": 41}
    assert found.profile["columns"][1] == {"name": "name", "missing": 0}


def test_a_csv_file_tells_its_columns_and_rows_also_with_line_ends_in_quotes(tmp_path: Path) -> None:
    path = tmp_path / "churn.csv"
    path.write_text('name,age,score\n"Ada\nLovelace",41,0.5\n"a ""b""\n",7,1\nEve,,2')
    found = describe_dataset(path)

    assert found.rows == 3
    assert found.schema["columns"] == [
        {"name": "name", "type": "string"},
        {"name": "age", "type": "int64"},
        {"name": "score", "type": "float64"},
    ]


def test_a_folders_digest_is_that_of_what_sha256sum_says_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name in ("b.txt", "a/1.csv", "a b.txt", "a/é.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    command = "find * -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    printed = subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True, text=True).stdout
    found = describe_dataset(folder)

    assert found.sha256 == printed.split()[0]
    assert found.profile == {"bytes": 27, "files": 4, "endings": {".csv": 2, ".txt": 2}}
    assert found.name == "data"


@pytest.mark.parametrize("kind", ["missing", "empty folder"])
def test_what_is_not_there_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "missing" if kind == "missing" else tmp_path
    with pytest.raises(InvalidParameter, match="No such file" if kind == "missing" else "no files"):
        describe_dataset(path)


def test_what_the_web_has_is_read_and_its_version_told(web: tuple[str, Path]) -> None:
    url, folder = web
    (folder / "churn.csv").write_text("a\n1\n")
    found = describe_dataset(f"{url}/churn.csv?token=hunter2")

    assert found.sha256 == hashlib.sha256(b"a\n1\n").hexdigest()
    assert (found.name, found.source_type) == ("churn.csv", "http")
    assert found.source == f"{url}/churn.csv?token=[secret]"
    assert found.profile["bytes"] == 4
    assert found.profile["modified"].endswith("GMT")


def test_what_is_not_read_has_no_digest_but_its_version(web: tuple[str, Path]) -> None:
    url, folder = web
    (folder / "churn.csv").write_text("a\n1\n")
    found = describe_dataset(f"{url}/churn.csv", read=False)

    assert (found.sha256, found.record) == (None, None)
    assert len(found.input.dataset.digest) == 8
    assert found.profile["modified"]


def test_an_address_without_an_answer_or_a_file_is_an_error(web: tuple[str, Path]) -> None:
    url, _ = web
    with pytest.raises(InvalidParameter, match="HTTP 404"):
        describe_dataset(f"{url}/missing.csv")
    with pytest.raises(Unavailable, match="No answer"):
        describe_dataset("http://127.0.0.1:1/x.csv")
    with pytest.raises(InvalidParameter, match="Nothing that is installed reads 'gopher://x/y'"):
        describe_dataset("gopher://x/y")


def test_an_object_in_a_bucket_is_read_and_its_etag_told(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = s3.make_bucket("data-sets")
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    store = from_url(bucket)
    obstore.put(store, "2024/churn.csv", b"a\n1\n")
    found = describe_dataset(f"{bucket}/2024/churn.csv")

    assert found.sha256 == hashlib.sha256(b"a\n1\n").hexdigest()
    assert (found.name, found.source, found.source_type) == ("churn.csv", f"{bucket}/2024/churn.csv", "s3")
    assert found.profile["etag"] == obstore.head(store, "2024/churn.csv")["e_tag"]
    with pytest.raises(InvalidParameter, match="There is nothing at"):
        describe_dataset(f"{bucket}/missing.csv")


def test_the_profile_of_numbers_is_what_numpy_and_pandas_say() -> None:
    values = np.random.default_rng(0).normal(1e6, 2, 100_000)
    values[::10] = np.nan
    (column,) = describe_dataset(pd.DataFrame({"x": values})).profile["columns"]
    series = pd.Series(values)

    assert column["missing"] == 10_000
    assert (column["min"], column["max"]) == (series.min(), series.max())
    assert column["mean"] == pytest.approx(series.mean(), rel=1e-12)
    assert column["std"] == pytest.approx(series.std(ddof=0), rel=1e-6)
    assert column["quantiles"]["0.5"] == pytest.approx(series.median(), abs=0.2)


def test_the_profile_of_texts_tells_frequent_ones_and_no_secrets() -> None:
    texts = ["red"] * 5 + ["blue"] * 3 + ["https://ada:hunter2@x.example"] * 2 + ["once", None]
    (column,) = describe_dataset(pl.DataFrame({"color": texts})).profile["columns"]

    assert column == {
        "name": "color",
        "missing": 1,
        "distinct": 4,
        "top": [["red", 5], ["blue", 3], ["https://[secret]@x.example", 2]],
    }


def test_the_profile_of_moments_tells_the_first_and_the_last() -> None:
    (column,) = describe_dataset(pd.DataFrame({"t": pd.date_range("2024-01-01", periods=3)})).profile["columns"]

    assert (column["min"][:10], column["max"][:10]) == ("2024-01-01", "2024-01-03")


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1.7e308])
def test_numbers_that_json_cannot_have_are_left_out_of_the_profile(value: float) -> None:
    found = describe_dataset(np.array([value, value, 1.0]))

    json.dumps(found.profile, allow_nan=False)
    assert found.record


def test_a_data_set_is_recorded_with_all_that_was_said_of_it(tmp_path: Path) -> None:
    raw = describe_dataset(np.arange(3), name="raw")
    found = describe_dataset(
        bunches.load_iris(),
        name="iris",
        source="https://ada:hunter2@data.example/iris.csv",
        context="training",
        derived_from=[raw, "AB" * 32],
    )
    assert raw.sha256
    assert found.record

    assert (found.record.name, found.record.context, found.record.rows) == ("iris", "training", 150)
    assert (found.record.source, found.record.source_type) == ("https://data.example/iris.csv", "http")
    assert found.record.derived_from == (raw.sha256, "ab" * 32)
    assert describe_dataset(np.arange(3), source=tmp_path / "x").source == str(tmp_path / "x")


def test_mlflow_is_told_in_its_own_words() -> None:
    found: DatasetInput = describe_dataset(
        pd.DataFrame({"a": [1, 2], "t": pd.to_datetime(["2024", "2025"])}), context="test"
    ).input

    assert found.tags == (Tag("mlflow.data.context", "test"),)
    assert found.dataset.schema
    assert json.loads(found.dataset.schema) == {
        "mlflow_colspec": [
            {"type": "long", "name": "a", "required": True},
            {"type": "datetime", "name": "t", "required": True},
        ]
    }
    assert found.dataset.profile
    assert json.loads(found.dataset.profile)["num_rows"] == 2
    assert len(found.dataset.digest) == 36


def test_a_wide_data_set_is_recorded_without_a_schema_that_no_server_takes() -> None:
    found = describe_dataset({f"column {i}": np.zeros(1) for i in range(8000)})

    assert found.record
    assert found.record.sha256
    assert found.record.schema is None
    assert found.input.dataset.schema is None or len(found.input.dataset.schema) < 1_048_576


@pytest.mark.parametrize("parent", ["abc", DescribedDataset("unread", None)])
def test_what_is_no_digest_is_no_origin(parent: Any) -> None:
    with pytest.raises(InvalidParameter, match="derived_from"):
        describe_dataset(np.arange(3), derived_from=[parent])
