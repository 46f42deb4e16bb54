"""Scoring a file of ten million rows, beside calling predict on all of them in memory.

What it costs to load the file into memory is not counted, while `trackback deliver score` reads it, starts its
processes, and writes predictions, ids and the stamp.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.connection import Connection
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.measures.scoring import COLUMNS, train
from benchmarks.processes import PeakMemory
from benchmarks.servers import Server

_ROWS_AT_ONCE = 1_000_000


def batch(context: Context, server: Server) -> Round:
    """Models of the breast-cancer data: a scaled linear one, for which to predict costs least, and boosted trees."""
    rows = context.sizes.scored_rows
    source = context.directory / "scored.parquet"
    _write(source, rows)
    models = {name: context.directory / f"batch-{name}" for name in ("linear", "trees")}
    for name, directory in models.items():
        train(directory, _trees() if name == "trees" else None)

    def run_round(connection: Connection) -> dict[str, float]:
        figures = {}
        for name, directory in models.items():
            in_memory = rows / _seconds(_predicting(source, directory))
            scored = rows / _seconds(partial(_score, source, directory, rows))
            figures[f"batch_{name}"] = scored
            figures[f"batch_{name}_share"] = scored / in_memory * 100
        return {**figures, "batch_memory": _peak_mb(source, models["linear"], rows)}

    return run_round


def _trees() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - only this measure needs it

    return HistGradientBoostingClassifier()


def _write(path: Path, rows: int) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only this measure needs it
    from pyarrow import parquet  # noqa: PLC0415

    with parquet.ParquetWriter(
        path, pa.schema([("id", pa.int64()), *((name, pa.float64()) for name in COLUMNS)])
    ) as to:
        for table in _tables(rows):
            to.write_table(table)


def _tables(rows: int) -> Iterator[Any]:
    """Patients of the data set, each a little different."""
    import numpy as np  # noqa: PLC0415 - only this measure needs it
    import pyarrow as pa  # noqa: PLC0415
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415

    features, _ = load_breast_cancer(return_X_y=True)
    random = np.random.default_rng(0)
    for begin in range(0, rows, _ROWS_AT_ONCE):
        count = min(_ROWS_AT_ONCE, rows - begin)
        some = features[random.integers(len(features), size=count)] * random.normal(1, 0.01, (count, 1))
        columns = {name: np.ascontiguousarray(some[:, place]) for place, name in enumerate(COLUMNS)}
        yield pa.table({"id": np.arange(begin, begin + count), **columns})


def _predicting(source: Path, directory: Path) -> Callable[[], object]:
    """What predicts for the whole file, which is in memory."""
    from pyarrow import parquet  # noqa: PLC0415 - only this measure needs it

    from trackback.flavors import load_model  # noqa: PLC0415

    frame = parquet.read_table(source, columns=COLUMNS).to_pandas(self_destruct=True, split_blocks=False)
    model = load_model(directory)
    return lambda: model.predict(frame)


def _score(source: Path, directory: Path, rows: int) -> None:
    from trackback.delivery.batch.plans import Loading, Stamp  # noqa: PLC0415 - only this measure needs it
    from trackback.delivery.batch.processes import Processes  # noqa: PLC0415
    from trackback.delivery.batch.scoring import Job, score  # noqa: PLC0415
    from trackback.scoring.files.predicting import Wanted  # noqa: PLC0415

    output = directory.with_suffix(".parquet")
    stamp = Stamp(version="models:/tumours/7", digest="0" * 64)
    job = Job(inputs=[str(source)], output=str(output), wanted=Wanted(), stamp=stamp)
    done = score(job, Loading(str(directory)), Processes())
    if done.rows != rows:
        raise ValueError(f"{done.rows} rows of {rows} were scored")
    output.unlink()


def _peak_mb(source: Path, directory: Path, rows: int) -> float:
    """The most memory that all processes of a job have together."""
    run = f"import sys; from {__name__} import score; score(*sys.argv[1:])"
    command = [sys.executable, "-c", run, str(source), str(directory), str(rows)]
    with subprocess.Popen(command) as job, PeakMemory(job.pid) as peak:
        if code := job.wait():
            raise ValueError(f"the job ended with {code}")
    return peak.mb


def score(source: str, directory: str, rows: str) -> None:
    """A job, as its own process runs it."""
    _score(Path(source), Path(directory), int(rows))


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


MEASURES = (
    Measure(
        "batch",
        (
            Figure("batch_linear", "10 million rows of a file scored, a linear model", "rows/s", "more"),
            Figure("batch_linear_share", "the same, of the rate of predict in memory", "%", "more"),
            Figure("batch_trees", "10 million rows of a file scored, boosted trees", "rows/s", "more"),
            Figure("batch_trees_share", "the same, of the rate of predict in memory", "%", "more"),
            Figure("batch_memory", "memory of all processes meanwhile, of 2.5 GB of doubles", "MB", "less"),
        ),
        batch,
        servers=("trackback",),
        at_most_rounds=3,
    ),
)
