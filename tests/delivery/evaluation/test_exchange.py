"""Tables arrive in another Python as they were sent."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from trackback.delivery.evaluation.exchange import read_table, write_table

DAY = datetime.datetime(2026, 11, 27, 17, 15)


@pytest.mark.parametrize(
    ("sent", "arrived"),
    [
        ([1, 2], [1, 2]),
        (np.array([1.5, np.nan]), np.array([1.5, np.nan])),
        (np.array([1, 2], dtype="int32"), np.array([1, 2], dtype="int32")),
        ([True, False], [True, False]),
        (["a", None], ["a", None]),
        ([b"\x00\xff", None], pd.Series([b"\x00\xff", None], dtype=object)),
        ([DAY, None], np.array([DAY, "NaT"], dtype="datetime64[ns]")),
        (pd.Series(["a", "b"], dtype="category"), ["a", "b"]),
        (pd.array([1, None], dtype="Int64"), [1.0, np.nan]),
        (pd.array([1, 2], dtype="Int64"), [1, 2]),
        ([[1, 2], [3]], pd.Series([[1, 2], [3]], dtype=object)),
        ([{"a": np.float64(1)}, None], pd.Series([{"a": 1.0}, None], dtype=object)),
    ],
)
def test_a_column_arrives(tmp_path: Path, sent: Any, arrived: Any) -> None:
    write_table(pd.DataFrame({"x": sent}), tmp_path, "table")
    found = read_table(tmp_path, "table")
    pd.testing.assert_frame_equal(found, pd.DataFrame({"x": arrived}), check_column_type=False)


def test_a_table_without_columns_keeps_its_rows(tmp_path: Path) -> None:
    write_table(pd.DataFrame(index=range(3)), tmp_path, "table")
    assert len(read_table(tmp_path, "table")) == 3


def test_columns_keep_their_names_and_their_order(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"b": [1], "a": ["x"], "ü": [2.0]}), tmp_path, "table")
    assert list(read_table(tmp_path, "table").columns) == ["b", "a", "ü"]
