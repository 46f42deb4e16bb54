"""`trackback deliver score`: each row once, in its order, with its ids and what predicted it, whatever happens."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv, parquet

from tests.delivery.batch.jobs import (
    STAMP,
    HereEngine,
    Interrupted,
    expected,
    flowers,
    job,
    leftovers,
    rows_of,
    run,
    write_parquet,
)
from tests.scoring.models import COLUMNS
from trackback.delivery.batch import planning
from trackback.delivery.batch.places import place_at
from trackback.delivery.batch.plans import Loading
from trackback.delivery.batch.scoring import score
from trackback.delivery.batch.work import Work
from trackback.errors import AlreadyExists, BadRequest, Conflict, InvalidParameter, NotFound, TrackbackError
from trackback.scoring.files.predicting import Progress

pytestmark = pytest.mark.usefixtures("small")

Iris = tuple[Path, Any]
Odd = tuple[Path, tuple[str, ...]]


def test_each_row_is_there_once_in_its_order_with_what_predicted_it(iris: Iris, tmp_path: Path) -> None:
    frame = flowers()
    source = write_parquet(frame, tmp_path / "in.parquet")
    with leftovers(tmp_path) as left:
        done = run(iris[0], job(source, tmp_path / "out.parquet"))
    assert (done.rows, done.partitions, done.resumed) == (600, 4, 0)
    assert rows_of(tmp_path / "out.parquet") == expected(frame, iris[1], "id", "country")
    assert left == ["out.parquet"]


def test_what_is_kept_can_be_chosen(iris: Iris, tmp_path: Path) -> None:
    frame = flowers()
    source = write_parquet(frame, tmp_path / "in.parquet")
    run(iris[0], job(source, tmp_path / "out.parquet", ids=["country"]))
    assert rows_of(tmp_path / "out.parquet") == expected(frame, iris[1], "country")
    run(iris[0], job(source, tmp_path / "out.parquet", keep_all=True))
    assert rows_of(tmp_path / "out.parquet") == expected(frame, iris[1], *COLUMNS, "id", "country")


def test_columns_in_another_order_go_to_the_model_by_their_names(iris: Iris, tmp_path: Path) -> None:
    frame = flowers()[["id", *reversed(COLUMNS)]]
    run(iris[0], job(write_parquet(frame, tmp_path / "in.parquet"), tmp_path / "out.parquet"))
    assert rows_of(tmp_path / "out.parquet") == expected(frame, iris[1], "id")


def test_a_row_group_that_is_larger_than_partitions_is_cut_too(iris: Iris, tmp_path: Path) -> None:
    frame = flowers(times=7)
    source = write_parquet(frame, tmp_path / "in.parquet", group_rows=10_000)
    assert run(iris[0], job(source, tmp_path / "out.parquet", rows=64)).partitions == 7
    assert rows_of(tmp_path / "out.parquet") == expected(frame, iris[1], "id", "country")


def test_rows_of_csv_may_have_line_ends_in_their_values(iris: Iris, tmp_path: Path) -> None:
    frame = flowers().assign(country=[f'"{number}"\nand, more' for number in range(600)])
    frame.to_csv(tmp_path / "in.csv", index=False)
    done = run(iris[0], job(tmp_path / "in.csv", tmp_path / "out.parquet"))
    assert done.partitions > 3
    assert rows_of(tmp_path / "out.parquet") == expected(
        frame.assign(id=frame["id"].astype(str)), iris[1], "id", "country"
    )


def test_a_csv_file_that_ends_in_the_middle_of_a_row_is_named(iris: Iris, tmp_path: Path) -> None:
    flowers(times=1).to_csv(tmp_path / "in.csv", index=False)
    whole = (tmp_path / "in.csv").read_text()
    (tmp_path / "in.csv").write_text(whole[: whole.rindex(",")])
    with leftovers(tmp_path) as left, pytest.raises(BadRequest, match=r"In the part of .*in\.csv that begins at byte"):
        run(iris[0], job(tmp_path / "in.csv", tmp_path / "out.parquet"))
    assert left == []


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_the_output_has_the_format_of_its_name(iris: Iris, ending: str, tmp_path: Path) -> None:
    frame = flowers()
    output = tmp_path / f"out{ending}"
    run(iris[0], job(write_parquet(frame, tmp_path / "in.parquet"), output))
    read = pd.read_csv(output, keep_default_na=False) if ending == ".csv" else pd.read_json(output, lines=True)
    assert read.to_dict("records") == expected(frame, iris[1], "id", "country")


def test_folders_tell_columns_and_have_files_that_are_no_data(iris: Iris, tmp_path: Path) -> None:
    frame = flowers()
    for number, month in enumerate(("month=2026-10", "month=__HIVE_DEFAULT_PARTITION__")):
        write_parquet(frame[number * 300 : number * 300 + 300], tmp_path / "in" / month / "part.parquet")
    (tmp_path / "in" / "_SUCCESS").write_text("")
    (tmp_path / "in" / ".part.crc").write_text("x")
    run(iris[0], job(tmp_path / "in", tmp_path / "out.parquet", ids=["id", "month"]))
    months = ["2026-10"] * 300 + [None] * 300
    assert [row["month"] for row in rows_of(tmp_path / "out.parquet")] == months
    assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == list(range(600))


def test_a_model_may_take_what_a_folder_tells(iris: Iris, tmp_path: Path) -> None:
    frame = flowers(times=1)
    write_parquet(frame.drop(columns="petal_width"), tmp_path / "in" / "petal_width=0.2" / "part.parquet")
    run(iris[0], job(tmp_path / "in", tmp_path / "out.parquet", ids=["id"]))
    assert rows_of(tmp_path / "out.parquet") == expected(frame.assign(petal_width=0.2), iris[1], "id")


def test_the_output_can_be_a_folder_of_parquet(iris: Iris, tmp_path: Path) -> None:
    frame = flowers()
    asked = job(write_parquet(frame, tmp_path / "in.parquet"), f"{tmp_path}/out/")
    with leftovers(tmp_path) as left:
        run(iris[0], asked)
    assert len(list((tmp_path / "out").glob("part-*.parquet"))) == 4
    assert rows_of(tmp_path / "out") == expected(frame, iris[1], "id", "country")
    assert left == ["out"]


def test_a_job_whose_folder_is_there_is_done_and_another_is_refused(iris: Iris, tmp_path: Path) -> None:
    source = write_parquet(flowers(), tmp_path / "in.parquet")
    run(iris[0], job(source, f"{tmp_path}/out/"))
    engine = HereEngine()
    assert run(iris[0], job(source, f"{tmp_path}/out/"), engine).rows == 600
    assert engine.seen == []
    with pytest.raises(AlreadyExists, match="Remove them, or name another folder"):
        run(iris[0], job(source, f"{tmp_path}/out/", ids=["id"]))


@pytest.mark.parametrize("output", ["out.parquet", "out.csv", "out/"])
@pytest.mark.parametrize("given", ["in.parquet", "in.csv"])
def test_files_without_rows_give_an_output_with_the_same_columns_and_no_rows(
    iris: Iris, given: str, output: str, tmp_path: Path
) -> None:
    def columns(frame: pd.DataFrame) -> list[tuple[str, str]]:
        target, source = tmp_path / str(len(frame)) / output, tmp_path / str(len(frame)) / given
        source.parent.mkdir()
        frame.to_csv(source, index=False) if given == "in.csv" else write_parquet(frame, source)
        assert run(iris[0], job(source, str(target) + ("/" if output == "out/" else ""))).rows == len(frame)
        if output == "out.csv":
            return [(name, "") for name in target.read_text().splitlines()[0].split(",")]
        return [(field.name, str(field.type)) for field in parquet.read_table(target).schema]

    assert columns(flowers().head(0)) == columns(flowers())


# --- what is ended on the way


@pytest.mark.parametrize("output", ["out.parquet", "out.csv", "out/"])
def test_a_job_that_was_ended_goes_on_with_what_is_left(iris: Iris, output: str, tmp_path: Path) -> None:
    frame = flowers()
    asked = job(write_parquet(frame, tmp_path / "in.parquet"), f"{tmp_path}/{output}")
    with pytest.raises(Interrupted):
        run(iris[0], asked, HereEngine(most=3))
    assert not (tmp_path / output).exists()
    engine = HereEngine()
    done = run(iris[0], asked, engine)
    assert engine.seen == [3]
    assert (done.rows, done.partitions, done.resumed) == (600, 4, 3)
    read = parquet.read_table if output != "out.csv" else arrow_csv.read_csv
    assert read(tmp_path / output)["id"].to_pylist() == list(range(600))


def test_a_job_that_wants_something_else_begins_anew(iris: Iris, tmp_path: Path) -> None:
    source = write_parquet(flowers(), tmp_path / "in.parquet")
    with pytest.raises(Interrupted):
        run(iris[0], job(source, tmp_path / "out.parquet"), HereEngine(most=2))
    engine = HereEngine()
    assert run(iris[0], job(source, tmp_path / "out.parquet", column="species"), engine).resumed == 0
    assert engine.seen == [0, 1, 2, 3]


def test_a_job_begins_anew_if_its_input_was_changed(iris: Iris, tmp_path: Path) -> None:
    source = write_parquet(flowers(), tmp_path / "in.parquet")
    with pytest.raises(Interrupted):
        run(iris[0], job(source, tmp_path / "out.parquet"), HereEngine(most=2))
    write_parquet(flowers(times=5), source)
    assert run(iris[0], job(source, tmp_path / "out.parquet")).resumed == 0
    assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == list(range(750))


def test_an_input_that_is_changed_meanwhile_gives_no_output(iris: Iris, tmp_path: Path) -> None:
    source = write_parquet(flowers(), tmp_path / "in.parquet")
    engine = HereEngine(before_each=lambda number: os.utime(source, ns=(number, number)))
    with pytest.raises(Conflict, match="was changed while it was scored: "):
        run(iris[0], job(source, tmp_path / "out.parquet"), engine)
    assert not (tmp_path / "out.parquet").exists()


def test_two_jobs_do_not_write_one_output(iris: Iris, tmp_path: Path) -> None:
    source = write_parquet(flowers(), tmp_path / "in.parquet")
    with Work.beside(place_at(f"{tmp_path}/out.parquet")).held(), pytest.raises(Conflict, match="Another job"):
        run(iris[0], job(source, tmp_path / "out.parquet"))


def test_the_plan_of_a_job_is_the_same_on_any_machine(iris: Iris, tmp_path: Path) -> None:
    source = write_parquet(flowers(), tmp_path / "in.parquet")
    output = place_at(str(tmp_path / "out.parquet"))
    asked = job(source, tmp_path / "out.parquet")
    given = [planning.look([place_at(str(source))], output) for _ in range(2)]
    digests = {planning.digest_of(each, asked.wanted, STAMP, 50, ".arrow") for each in given}
    assert len(digests) == 1


# --- what is not as it should be


def test_rows_that_the_model_does_not_take_are_named_and_leave_the_output(odd: Odd, tmp_path: Path) -> None:
    frame = pd.DataFrame({"word": ["a"] * 150 + ["raise"] * 50 + ["a"] * 100})
    source = write_parquet(frame, tmp_path / "in.parquet", group_rows=100)
    (tmp_path / "out.parquet").write_text("before")
    with pytest.raises(BadRequest, match=r"In rows 50 to 99 of row group 1 of .*in\.parquet: .*RuntimeError"):
        run(odd[0], job(source, tmp_path / "out.parquet", rows=50), trusted=odd[1])
    assert (tmp_path / "out.parquet").read_text() == "before"


def test_a_column_that_is_missing_in_one_file_is_told_before_anything_is_predicted(iris: Iris, tmp_path: Path) -> None:
    write_parquet(flowers(), tmp_path / "in" / "a.parquet")
    write_parquet(flowers().drop(columns="petal_width"), tmp_path / "in" / "b.parquet")
    engine = HereEngine()
    with leftovers(tmp_path) as left, pytest.raises(InvalidParameter, match=r"b\.parquet has no column 'petal_width'"):
        run(iris[0], job(tmp_path / "in", tmp_path / "out.parquet"), engine)
    assert engine.seen == []
    assert left == []


def test_types_that_differ_between_files_become_one_that_fits_all(iris: Iris, tmp_path: Path) -> None:
    frame = flowers(times=1)
    write_parquet(frame.assign(id=frame["id"].astype("int32")), tmp_path / "in" / "a.parquet")
    write_parquet(frame.assign(id=frame["id"] + 0.5), tmp_path / "in" / "b.parquet")
    for output in ("out.parquet", "out/"):
        run(iris[0], job(tmp_path / "in", f"{tmp_path}/{output}", ids=["id"]))
        table = parquet.read_table(tmp_path / output)
        assert table.schema.field("id").type == pa.float64()
        assert table["id"].to_pylist() == [*map(float, range(150)), *(number + 0.5 for number in range(150))]


def test_types_that_do_not_go_together_are_refused(iris: Iris, tmp_path: Path) -> None:
    frame = flowers(times=1)
    write_parquet(frame, tmp_path / "in" / "a.parquet")
    write_parquet(frame.assign(id="x"), tmp_path / "in" / "b.parquet")
    with pytest.raises(BadRequest, match="do not go together"):
        run(iris[0], job(tmp_path / "in", tmp_path / "out.parquet", ids=["id"]))


REFUSED: dict[str, tuple[str, str, type[TrackbackError], str]] = {
    "nothing there": ("none.parquet", "out.parquet", NotFound, "no file at"),
    "an empty folder": ("empty", "out.parquet", NotFound, "none below it"),
    "another format": ("in.txt", "out.parquet", InvalidParameter, r"end with \.parquet or \.csv"),
    "two formats": (".", "../out.parquet", InvalidParameter, "of one format"),
    "an output in the input": ("empty", "empty/out.parquet", InvalidParameter, "lies in the input"),
    "an output of no format": ("in.csv", "out", InvalidParameter, "or with / for a folder"),
    "a place that nobody reads": ("ftp://host/in.csv", "out.csv", InvalidParameter, "s3://"),
    "no CSV": ("blank.csv", "out.csv", BadRequest, "names of columns"),
    "no Parquet": ("bad.parquet", "out.csv", BadRequest, "no Parquet"),
}


@pytest.mark.parametrize(("source", "output", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_can_not_be_is_refused(
    source: str, output: str, error: type[TrackbackError], message: str, iris: Iris, tmp_path: Path
) -> None:
    folder = tmp_path / "given"
    (folder / "empty").mkdir(parents=True)
    for name in ("in.txt", "in.csv", "bad.parquet"):
        (folder / name).write_text("no data")
    (folder / "blank.csv").write_text("\n")
    if source == "empty" and "lies" in message:
        write_parquet(flowers(), folder / "empty" / "in.parquet")
    given = source if "://" in source else str(folder / source)
    with pytest.raises(error, match=message):
        run(iris[0], job(given, str(folder / output)))


def test_columns_of_the_stamp_must_not_be_there_already(iris: Iris, tmp_path: Path) -> None:
    source = write_parquet(flowers().assign(model_version=1), tmp_path / "in.parquet")
    with pytest.raises(InvalidParameter, match="--version-column"):
        run(iris[0], job(source, tmp_path / "out.parquet"))


def test_progress_counts_what_was_there_already(iris: Iris, tmp_path: Path) -> None:
    asked = job(write_parquet(flowers(), tmp_path / "in.parquet"), tmp_path / "out.parquet", rows=150)
    with pytest.raises(Interrupted):
        run(iris[0], asked, HereEngine(most=2))
    seen: list[Progress] = []
    score(asked, Loading(str(iris[0])), HereEngine(), seen.append)
    assert [(each.done, each.total, each.unit) for each in seen] == [(450, 600, "rows"), (600, 600, "rows")]
