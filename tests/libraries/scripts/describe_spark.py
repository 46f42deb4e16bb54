"""Describes Spark frames; prints what tests/libraries/test_spark_data.py compares, as JSON."""

import json
import os
import sys

import pyarrow as pa
from pyspark.sql import SparkSession

from trackback.provenance.datasets import describe_dataset
from trackback.provenance.datasets.spark import row_digester

folder = sys.argv[1]
os.environ["PYSPARK_PYTHON"] = sys.executable
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
rows = [(i, None if i % 7 == 0 else i / 3, None if i % 5 == 0 else f"x{i % 9}", i % 2 == 0) for i in range(5000)]
frame = spark.createDataFrame(rows, "id long, score double, name string, `odd.name` boolean")
found = describe_dataset(frame, name="rows", context="training")

table = pa.Table.from_pylist(
    [dict(zip(("id", "score", "name", "odd.name"), row, strict=True)) for row in rows],
    schema=pa.schema([("id", pa.int64()), ("score", pa.float64()), ("name", pa.string()), ("odd.name", pa.bool_())]),
)
digests = [value for batch in row_digester()(iter(table.to_batches())) for value in batch.column(0).to_pylist()]
frame.write.parquet(f"{folder}/rows.parquet")
read_back = describe_dataset(spark.read.parquet(f"{folder}/rows.parquet"))
print(
    json.dumps(
        {
            "digest": found.sha256,
            "digests": [digest.hex() for digest in digests],
            "shuffled": describe_dataset(frame.repartition(7, "name")).sha256,
            "doubled": describe_dataset(frame.union(frame)).sha256,
            "fewer": describe_dataset(frame.where("id > 0")).sha256,
            "read back": read_back.sha256,
            "source": read_back.source,
            "rows": found.rows,
            "schema": found.schema,
            "profile": found.profile,
            "input": found.input.dataset.source_type,
        }
    )
)
spark.stop()
