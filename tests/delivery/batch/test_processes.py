"""Scoring with processes, as `trackback deliver score` does by default: real ones, that are ended by force."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from pyarrow import parquet

from tests import model_processes
from tests.delivery.batch.jobs import expected, flowers, job, rows_of, run, write_parquet
from tests.environments import ROOT
from trackback.delivery.batch import parquet_cuts
from trackback.delivery.batch.processes import Processes
from trackback.delivery.batch.scoring import Job
from trackback.errors import InvalidParameter, Unavailable, UntrustedModel

Odd = tuple[Path, tuple[str, ...]]

SCRIPT = """
import sys
from pathlib import Path
from tests.delivery.batch.jobs import job, run
from trackback.delivery.batch import parquet_cuts
from trackback.delivery.batch.processes import Processes
import resource
parquet_cuts.LEAST_ROWS, parquet_cuts.PARTITION_BYTES = int(sys.argv[5]), int(sys.argv[6])
done = run(Path(sys.argv[1]), job(sys.argv[2], sys.argv[3], rows=None), Processes(int(sys.argv[7])), (sys.argv[4],))
print(done.rows, done.partitions, done.resumed, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def command(model: Path, trusted: str, asked: Job, rows: int = 100, size: int = 1, workers: int = 2) -> list[str]:
    arguments = [*asked.inputs, asked.output, trusted, str(rows), str(size), str(workers)]
    return [str(model_processes.python_of_scripts()), "-c", SCRIPT, str(model), *arguments]


@pytest.mark.usefixtures("small")
def test_processes_predict_what_one_does(iris: tuple[Path, Any], tmp_path: Path) -> None:
    frame = flowers(times=8)
    asked = job(write_parquet(frame, tmp_path / "in.parquet"), tmp_path / "out.parquet")
    assert run(iris[0], asked, Processes(2)).partitions == 8
    assert rows_of(tmp_path / "out.parquet") == expected(frame, iris[1], "id", "country")


def test_processes_that_were_started_for_nothing_are_ended(iris: tuple[Path, Any], tmp_path: Path) -> None:
    """They are started by the size of the input, before it is known how it is cut, and whether it can be scored."""
    one = job(write_parquet(flowers(), tmp_path / "in.parquet", group_rows=600), tmp_path / "out.parquet")
    bad = job(write_parquet(flowers()[["id"]], tmp_path / "bad.parquet"), tmp_path / "out.parquet")
    before = psutil.Process().children(recursive=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_cuts, "PARTITION_BYTES", 1)
        patch.setattr(parquet_cuts, "LEAST_ROWS", 1000)
        assert run(iris[0], one, Processes(3)).partitions == 1
        with pytest.raises(InvalidParameter, match="which the model needs"):
            run(iris[0], bad, Processes(3))
    assert [each for each in psutil.Process().children(recursive=True) if each not in before] == []


def test_a_job_that_is_killed_and_run_again_predicts_no_partition_twice(odd: Odd, tmp_path: Path) -> None:
    words = [f"sleep{0.2 + number / 1000}" for number in range(10) for _ in range(100)]
    frame = pd.DataFrame({"word": words, "id": range(1000)})
    asked = job(write_parquet(frame, tmp_path / "in.parquet", group_rows=100), tmp_path / "out.parquet")
    parts = tmp_path / ".out.parquet.scoring" / "parts"
    with subprocess.Popen(command(odd[0], odd[1][0], asked), cwd=ROOT) as running:
        while len(list(parts.glob("part-*"))) < 3:
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out.parquet").exists()
    time.sleep(0.5)  # its processes end when they find that it is gone, or with their partition
    there = {each.name: each.stat().st_mtime_ns for each in parts.glob("part-*")}
    again = subprocess.run(command(odd[0], odd[1][0], asked), cwd=ROOT, capture_output=True, text=True, check=True)
    rows, partitions, resumed, _ = map(int, again.stdout.split())
    assert (rows, partitions) == (1000, 10)
    assert 3 <= resumed <= len(there)
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table["id"].to_pylist() == list(range(1000))
    assert table["prediction"].to_pylist() == words


def test_a_model_that_ends_its_process_ends_the_job_and_keeps_what_is_done(odd: Odd, tmp_path: Path) -> None:
    frame = pd.DataFrame({"word": ["a"] * 200 + ["exit"] * 100})
    asked = job(write_parquet(frame, tmp_path / "in.parquet", group_rows=100), tmp_path / "out.parquet", rows=None)
    ended = subprocess.run(
        command(odd[0], odd[1][0], asked, workers=1), cwd=ROOT, capture_output=True, text=True, env=os.environ
    )
    assert "exit code 3 while it predicted partition 2, 2 times" in ended.stderr
    assert Unavailable.__name__ in ended.stderr
    assert len(list((tmp_path / ".out.parquet.scoring" / "parts").glob("part-*"))) == 2
    assert not (tmp_path / "out.parquet").exists()


def test_a_pickle_that_nobody_vouches_for_is_not_loaded(odd: Odd, tmp_path: Path) -> None:
    source = write_parquet(pd.DataFrame({"word": ["a"]}), tmp_path / "in.parquet")
    with pytest.raises(UntrustedModel, match="--trust"):
        run(odd[0], job(source, tmp_path / "out.parquet"), Processes(1), ())
    assert [each.name for each in tmp_path.iterdir()] == ["in.parquet"]


def test_memory_does_not_grow_with_the_input(iris: tuple[Path, Any], tmp_path: Path) -> None:
    frame = flowers(times=1000)
    sizes = []
    for times in (1, 8):
        folder = tmp_path / f"in{times}"
        for number in range(times):
            write_parquet(frame, folder / f"{number}.parquet", group_rows=50_000)
        asked = job(folder, tmp_path / "out.parquet")
        python = [str(model_processes.PYTHON), *command(iris[0], "", asked, rows=50_000, size=1 << 20, workers=1)[1:]]
        ran = subprocess.run(python, cwd=ROOT, capture_output=True, check=True)
        rows, _, _, resident_kb = map(int, ran.stdout.split())
        assert rows == times * len(frame)
        sizes.append(resident_kb)
    assert sizes[1] < sizes[0] * 1.25, f"resident kB: {sizes}"
