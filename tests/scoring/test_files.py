"""`trackback models predict`: from rows in a file to predictions in another."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.linear_model import LogisticRegression

from tests import model_processes
from tests.scoring import models
from tests.scoring.models import COLUMNS
from trackback.errors import BadRequest, InvalidParameter, NotFound, TrackbackError
from trackback.scoring.files.predicting import Job, Progress, predict_file
from trackback.scoring.predictors import Model, load


@pytest.fixture(scope="module")
def native(iris_model: Path) -> LogisticRegression:
    return models.save_iris(iris_model.with_name("again"))


@pytest.fixture(scope="module")
def iris(iris_model: Path) -> Model:
    return load(str(iris_model), ())


@pytest.fixture(scope="module")
def odd(odd_model: tuple[Path, str]) -> Model:
    return load(str(odd_model[0]), (odd_model[1],))


def flowers() -> pd.DataFrame:
    """The data set with two columns that the model does not know."""
    features, _ = models.iris()
    return features.assign(id=[f"{number:03}" for number in range(len(features))], country="NA")


def write(frame: pd.DataFrame, path: Path) -> Path:
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        case ".json":
            frame.to_json(path, orient="records", indent=2)
        case _:
            frame.to_parquet(path)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


@pytest.mark.parametrize("target", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("source", [".csv", ".json", ".jsonl", ".parquet"])
def test_every_row_gets_its_prediction_beside_what_the_model_does_not_know(
    source: str, target: str, iris: Model, native: LogisticRegression, tmp_path: Path
) -> None:
    frame = flowers()
    job = Job(input=write(frame, tmp_path / f"in{source}"), output=tmp_path / f"out{target}", rows_at_once=40)
    assert predict_file(iris, job) == len(frame)
    predictions = native.predict(frame[COLUMNS]).tolist()
    assert read(job.output) == [
        {"id": name, "country": "NA", "prediction": str(species) if target == ".csv" else species}
        for name, species in zip(frame["id"], predictions, strict=True)
    ]


def test_a_body_of_the_protocol_is_a_file_of_rows_too(iris: Model, tmp_path: Path) -> None:
    body = {"dataframe_split": {"columns": COLUMNS, "data": [[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]]}}
    (tmp_path / "in.json").write_text(json.dumps(body))
    job = Job(input=tmp_path / "in.json", output=tmp_path / "out.jsonl", rows_at_once=1)
    assert predict_file(iris, job) == 2
    assert read(job.output) == [{"prediction": 0}, {"prediction": 2}]


def test_columns_to_keep_can_be_named_or_be_all(iris: Model, tmp_path: Path) -> None:
    source = write(flowers().head(3), tmp_path / "in.csv")
    predict_file(iris, Job(input=source, output=tmp_path / "named.csv", ids=["id"], column="species"))
    assert list(read(tmp_path / "named.csv")[0]) == ["id", "species"]
    predict_file(iris, Job(input=source, output=tmp_path / "all.csv", keep_all=True))
    assert list(read(tmp_path / "all.csv")[0]) == [*COLUMNS, "id", "country", "prediction"]
    with pytest.raises(InvalidParameter, match=r"no column 'name'"):
        predict_file(iris, Job(input=source, output=tmp_path / "none.csv", ids=["name"]))
    with pytest.raises(InvalidParameter, match=r"both called 'id'"):
        predict_file(iris, Job(input=source, output=tmp_path / "none.csv", column="id"))


def test_a_model_without_names_does_not_see_the_ids(array_model: Path, tmp_path: Path) -> None:
    job = Job(
        input=write(flowers().drop(columns="country"), tmp_path / "in.csv"), output=tmp_path / "out.csv", ids=["id"]
    )
    assert predict_file(load(str(array_model), ()), job) == 150
    assert list(read(job.output)[0]) == ["id", "prediction"]


def test_every_type_of_column_is_read_from_csv(mixed_model: Path, tmp_path: Path) -> None:
    job = Job(input=write(models.mixed(), tmp_path / "in.csv"), output=tmp_path / "out.csv")
    assert predict_file(load(str(mixed_model), ()), job) == 20
    assert {row["prediction"] for row in read(job.output)} == {"true", "false"}


def test_a_frame_of_predictions_is_columns_and_an_array_too(odd: Model, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"word": "frame"}\n{"word": "x"}\n')
    job = Job(input=tmp_path / "in.jsonl", output=tmp_path / "out.jsonl")
    predict_file(odd, job)
    assert read(job.output) == [{"a": 1, "b": "2020-01-31T00:00:00"}] * 2


def test_what_is_no_number_is_null_in_lines_of_json(odd: Model, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"word": "nan"}\n')
    predict_file(odd, Job(input=tmp_path / "in.jsonl", output=tmp_path / "out.jsonl"))
    assert read(tmp_path / "out.jsonl") == [{"prediction": None}]


FAULTY: dict[str, tuple[str, bytes, type[TrackbackError], str]] = {
    "a value of another type": (".csv", b"word\na\nfewer\n", BadRequest, "rows 1 to 1 .* 0 predictions for 1 rows"),
    "a model that raises": (".csv", b"word\na\nraise\n", BadRequest, "rows 1 to 1 .*RuntimeError: 'no idea'"),
    "one answer for all": (".csv", b"word\nscalar\n", BadRequest, "one int for 1 rows"),
    "a missing column": (".csv", b"wort\na\n", InvalidParameter, "'word'"),
    "no JSON": (".json", b'[{"word": "a"}, {"word":', BadRequest, "Record 1"),
    "no list": (".json", b'[{"word": "a"} {"word": "b"}]', BadRequest, "After record 0"),
    "more after the list": (".json", b'[{"word": "a"}] 5', BadRequest, "goes on after the end"),
    "no objects": (".jsonl", b"1\n2\n", BadRequest, "Record 0 is 1"),
    "no UTF-8": (".jsonl", b'{"word": "\xff"}', BadRequest, "not UTF-8"),
    "no UTF-8 in CSV": (".csv", b"word\n\xff\xfe\n", BadRequest, "not UTF-8"),
    "no Parquet": (".parquet", b"word", BadRequest, "Parquet"),
    "lines of different lengths": (".csv", b"word,x\na,1\nb\n", BadRequest, "Expected 2 columns"),
    "an empty file of CSV": (".csv", b"", BadRequest, "Empty CSV"),
}


@pytest.mark.parametrize(("suffix", "content", "error", "message"), FAULTY.values(), ids=FAULTY)
def test_a_fault_is_told_with_its_rows_and_leaves_the_output_as_it_was(
    suffix: str, content: bytes, error: type[TrackbackError], message: str, odd: Model, tmp_path: Path
) -> None:
    source, output = tmp_path / f"in{suffix}", tmp_path / "out.csv"
    source.write_bytes(content)
    output.write_text("before")
    with pytest.raises(error, match=message):
        predict_file(odd, Job(input=source, output=output, rows_at_once=1))
    assert output.read_text() == "before"
    assert {each.name for each in tmp_path.iterdir()} == {source.name, "out.csv"}


def test_files_that_can_not_be_are_refused(iris: Model, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file .*in\.csv"):
        predict_file(iris, Job(input=tmp_path / "in.csv", output=tmp_path / "out.csv"))
    source = write(flowers(), tmp_path / "in.csv")
    with pytest.raises(InvalidParameter, match=r"is to end with"):
        predict_file(iris, Job(input=source, output=tmp_path / "out.xlsx"))
    with pytest.raises(InvalidParameter, match=r"is to end with"):
        predict_file(iris, Job(input=tmp_path / "in.txt", output=tmp_path / "out.csv"))
    with pytest.raises(InvalidParameter, match=r"can't be written"):
        predict_file(iris, Job(input=source, output=tmp_path / "missing" / "out.csv"))


def test_a_file_without_rows_gives_one_without_rows(iris: Model, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_text("[]")
    assert predict_file(iris, Job(input=tmp_path / "in.json", output=tmp_path / "out.jsonl")) == 0
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_progress_reaches_the_end(iris: Model, tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet"):
        seen: list[Progress] = []
        source = write(flowers(), tmp_path / f"in{suffix}")
        predict_file(iris, Job(input=source, output=tmp_path / "out.csv", rows_at_once=50), seen.append)
        assert [each.rows for each in seen] == [50, 100, 150]
        assert seen[-1].done == seen[-1].total


def test_memory_does_not_grow_with_the_file(iris_model: Path, tmp_path: Path) -> None:
    features, _ = models.iris()
    sizes = []
    for times in (100, 3000):
        source = tmp_path / f"in{times}.parquet"
        table = pa.Table.from_pandas(features)
        with parquet.ParquetWriter(source, table.schema) as writer:
            for _ in range(times):
                writer.write_table(table)
        usage = _run(iris_model, source, tmp_path / "out.parquet", measure=True)
        sizes.append(int(usage.stdout.split()[-1]))
        assert parquet.read_metadata(tmp_path / "out.parquet").num_rows == times * len(features)
    assert sizes[1] < sizes[0] * 1.25, f"resident kB: {sizes}"


def test_the_command_says_what_it_did_and_ends_with_1_for_bad_rows(iris_model: Path, tmp_path: Path) -> None:
    source = write(flowers(), tmp_path / "in.csv")
    done = _run(iris_model, source, tmp_path / "out.csv")
    assert (done.returncode, done.stderr) == (0, f"150 rows predicted: {tmp_path / 'out.csv'}\n")
    source.write_text("sepal_length\nwide\n")
    failed = _run(iris_model, source, tmp_path / "out.csv")
    assert failed.returncode == 1
    assert failed.stderr.startswith("trackback: ")
    assert len(read(tmp_path / "out.csv")) == 150


def test_a_command_that_is_ended_leaves_no_half_file(odd_model: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"word": "sleep60"}\n')
    command = _command(odd_model[0], tmp_path / "in.jsonl", tmp_path / "out.csv")
    with subprocess.Popen([*command, "--trust", odd_model[1]]) as running:
        while not list(tmp_path.glob(".out.csv.*.partial")):
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 128 + signal.SIGTERM
    assert [each.name for each in tmp_path.iterdir()] == ["in.jsonl"]


def _command(model: Path, source: Path, output: Path) -> list[str]:
    files = ["--input", str(source), "--output", str(output)]
    python = model_processes.programs() / "python"
    return [str(python), "-m", "trackback", "models", "predict", "-m", str(model), *files]


MEASURED = """
import resource, sys
from trackback.cli import main
sys.argv = sys.argv[1:]
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _run(model: Path, source: Path, output: Path, measure: bool = False) -> subprocess.CompletedProcess[str]:
    command = _command(model, source, output)
    if measure:
        command = [sys.executable, "-c", MEASURED, "trackback", *command[3:]]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, check=measure)
