"""Jobs of the tests, and an engine that predicts in the tests' own process: the same work, without the time that
processes take to start.
"""

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from tests.scoring import models
from trackback.delivery.batch.partitions import Report, score_partition
from trackback.delivery.batch.plans import Loading, Plan, Stamp
from trackback.delivery.batch.scoring import Done, Job, Predict, score
from trackback.delivery.batch.work import Work
from trackback.scoring.files.predicting import Wanted
from trackback.scoring.predictors import load

STAMP = Stamp(version="models:/iris/7", digest="d" * 64)


class Interrupted(Exception):
    """The machine has gone."""


class HereEngine:
    """``most``: how many partitions are done before it is interrupted. ``seen``: those that it was asked for."""

    def __init__(self, most: int = sys.maxsize, before_each: Callable[[int], None] = lambda number: None) -> None:
        self._most = most
        self._before_each = before_each
        self.seen: list[int] = []

    @contextmanager
    def started(self, work: Work, loading: Loading, partitions: int) -> Iterator[Predict]:
        yield partial(self._predict, work, loading)

    def _predict(
        self, work: Work, loading: Loading, plan: Plan, numbers: Sequence[int], report: Report
    ) -> Generator[int, None, None]:
        model = load(loading.directory, loading.trusted)
        for count, number in enumerate(numbers):
            if count == self._most:
                raise Interrupted
            self._before_each(number)
            self.seen.append(number)
            score_partition(model, plan, number, work, report)
            yield number


def job(inputs: Path | str | Sequence[str], output: Path | str, rows: int | None = 50, **wanted: Any) -> Job:
    places = [str(inputs)] if isinstance(inputs, Path | str) else list(inputs)
    return Job(inputs=places, output=str(output), wanted=Wanted(**wanted), stamp=STAMP, rows_at_once=rows)


def run(model: Path, asked: Job, engine: Any = None, trusted: tuple[str, ...] | None = ()) -> Done:
    return score(asked, Loading(str(model), trusted), engine or HereEngine())


def flowers(times: int = 4) -> pd.DataFrame:
    """The data set so many times over, with an id for each row, and a column that the model does not know."""
    features, _ = models.iris()
    many = pd.concat([features] * times, ignore_index=True)
    return many.assign(id=range(len(many)), country="NA")


def write_parquet(frame: pd.DataFrame, path: Path, group_rows: int = 150) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, row_group_size=group_rows)
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def expected(frame: pd.DataFrame, native: Any, *kept: str) -> list[dict[str, Any]]:
    found = frame[list(kept)].assign(prediction=native.predict(frame[models.COLUMNS]))
    stamped = found.assign(model_version=STAMP.version, model_digest=STAMP.digest)
    return [dict(zip(stamped.columns, row, strict=True)) for row in stamped.itertuples(index=False)]


@contextmanager
def leftovers(folder: Path) -> Iterator[list[str]]:
    """What is in the folder at the end that was not there at the beginning."""
    before = {each.name for each in folder.iterdir()}
    found: list[str] = []
    yield found
    found += sorted(each.name for each in folder.iterdir() if each.name not in before)
