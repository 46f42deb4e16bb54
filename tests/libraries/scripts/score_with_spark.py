"""Scores with Spark in local mode: two executors' threads, each with its own Python, which get the model shipped.

Prints as JSON what tests/libraries/test_spark_scoring.py looks at.
"""

import json
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from trackback.delivery.batch import parquet_cuts
from trackback.delivery.batch.partitions import Report
from trackback.delivery.batch.plans import Loading, Plan, Stamp
from trackback.delivery.batch.processes import Processes
from trackback.delivery.batch.scoring import Done, Engine, Job, Predict, score
from trackback.delivery.batch.spark import Spark
from trackback.delivery.batch.work import Work
from trackback.errors import TrackbackError
from trackback.flavors import infer_signature, save_model
from trackback.scoring.files.predicting import Wanted

folder = Path(sys.argv[1])
parquet_cuts.PARTITION_BYTES, parquet_cuts.LEAST_ROWS = 1, 150
features, kinds = load_iris(return_X_y=True, as_frame=True)
forest = LogisticRegression(max_iter=500).fit(features, kinds)
save_model(forest, folder / "model", signature=infer_signature(features, forest.predict(features)))
many = pd.concat([features] * 4, ignore_index=True).assign(id=range(600))
parquet.write_table(pa.Table.from_pandas(many), folder / "in.parquet", row_group_size=150)
parquet.write_table(pa.Table.from_pandas(many.assign(**{features.columns[0]: "wide"})), folder / "bad.parquet")


class Ended(Exception):
    """The driver has gone."""


class ThenGone(Spark):
    """Ends after the first partition."""

    @contextmanager
    def started(self, work: Work, loading: Loading, partitions: int) -> Iterator[Predict]:
        with super().started(work, loading, partitions) as predict:

            def one(plan: Plan, numbers: Sequence[int], report: Report) -> Generator[int, None, None]:
                predicted = predict(plan, numbers, report)
                yield next(predicted)
                predicted.close()
                raise Ended

            yield one


def run(source: str, output: str, engine: Engine) -> Done:
    job = Job(
        inputs=[str(folder / source)],
        output=str(folder / output),
        wanted=Wanted(ids=["id"]),
        stamp=Stamp(version="models:/iris/7", digest="d" * 64),
    )
    return score(job, Loading(str(folder / "model")), engine)


found: dict[str, Any] = {}
run("in.parquet", "here.parquet", Processes(1))
done = run("in.parquet", "there.parquet", Spark("local[2]", {"spark.sql.shuffle.partitions": "2"}))
found["rows"], found["partitions"] = done.rows, done.partitions
found["same"] = parquet.read_table(folder / "here.parquet").equals(parquet.read_table(folder / "there.parquet"))
try:
    run("in.parquet", "resumed.parquet", ThenGone("local[1]"))
except Ended:
    found["ended"] = not (folder / "resumed.parquet").exists()
done = run("in.parquet", "resumed.parquet", Spark("local[2]"))
found["resumed"] = done.resumed
found["ids"] = parquet.read_table(folder / "resumed.parquet")["id"].to_pylist() == list(range(600))
try:
    run("bad.parquet", "bad_out.parquet", Spark("local[2]"))
except TrackbackError as error:
    found["refused"] = [type(error).__name__, error.message]
found["left"] = sorted(each.name for each in folder.iterdir())
print(json.dumps(found))
