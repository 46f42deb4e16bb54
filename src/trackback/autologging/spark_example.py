"""The columns of a Spark frame that a model reads: its signature, for which nothing is computed, and its first rows."""

from dataclasses import replace
from typing import Any, Literal

from trackback.autologging.examples import ROWS, Example
from trackback.autologging.failures import Failures
from trackback.errors import InvalidParameter
from trackback.flavors import ModelSignature, infer_signature
from trackback.flavors.schema import Schema

PREDICTION = "prediction"
MOST_COLUMNS = 300
"""Spark is asked about each of them."""


class SparkExample(Example):
    def __init__(self, model: Any, data: Any, failures: Failures, *, with_rows: bool) -> None:
        super().__init__(None, failures)
        self._frame: Any = None
        with failures.kept_from_training("an input example"):
            self._frame = data.select([f"`{name.replace('`', '``')}`" for name in _read_columns(model, data)])
            self.rows = _table(self._frame.limit(ROWS)) if with_rows else None

    def signature(self, model: Any) -> ModelSignature | Literal[False]:
        if self._frame is None:
            return False
        with self._failures.kept_from_training("the signature of the model"):
            transformed = model.transform(self._frame)
            if PREDICTION not in transformed.columns:
                return infer_signature(self._frame)
            found = infer_signature(self._frame, transformed.select(PREDICTION))
            assert found.outputs is not None
            unnamed = Schema(tuple(replace(each, name=None) for each in found.outputs.columns))  # as MLflow has it
            return replace(found, outputs=unnamed)
        return False


def _table(frame: Any) -> Any:
    """Rows as pandas has them, with vectors as lists."""
    from pyspark.ml.functions import vector_to_array  # noqa: PLC0415 - whoever trains with it has it

    for field in frame.schema.fields:
        if type(field.dataType).__name__ == "VectorUDT":
            frame = frame.withColumn(field.name, vector_to_array(field.name))
    return frame.toPandas()


def _read_columns(model: Any, data: Any) -> list[str]:
    """Those that the model can't transform data without, which Spark says without reading any."""
    if len(data.columns) > MOST_COLUMNS:
        raise InvalidParameter(
            f"Spark is asked about {MOST_COLUMNS} columns at most, and there are {len(data.columns)}"
        )
    return [name for name in data.columns if not _can_do_without(model, data, name)]


def _can_do_without(model: Any, data: Any, column: str) -> bool:
    from py4j.protocol import Py4JError  # noqa: PLC0415 - Spark's own
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        model.transform(data.drop(column))
    except (PySparkException, Py4JError):
        return False
    return True
