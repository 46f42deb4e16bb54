"""The digest of data in memory: the same for the same values, whatever holds them, and what the page says it is."""

import datetime as dt
import decimal
import hashlib
import json
import math
import struct
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import datasets as bunches

from trackback.errors import InvalidParameter
from trackback.provenance import describe_dataset

ROWS = 40_000  # more than one chunk
NUMBERS = np.arange(ROWS)


def digest(data: Any, **options: Any) -> str:
    found = describe_dataset(data, **options).sha256
    assert found
    return found


def mixed() -> pd.DataFrame:
    """A column of each type that pandas, polars and Arrow all have, with missing values where they can."""
    moments = pd.date_range("1969-12-31 23:59:59.5", periods=ROWS, freq="7min")
    return pd.DataFrame(
        {
            "int64": NUMBERS,
            "uint8": NUMBERS.astype("u1"),
            "int32 missing": pd.array([None if i % 11 == 0 else i for i in range(ROWS)], dtype="Int32"),
            "float64": np.where(NUMBERS % 7 == 0, np.nan, NUMBERS / 3),
            "float32": (NUMBERS / 7).astype("f4"),
            "bool": NUMBERS % 2 == 0,
            "bool missing": pd.array([None if i % 5 == 0 else i % 2 == 0 for i in range(ROWS)], dtype="boolean"),
            "text": [None if i > ROWS - 9 else f"Größe {i % 9}" for i in range(ROWS)],
            "bytes": pd.Series([b"\x00\xff" * (i % 3) for i in range(ROWS)], dtype=object),
            "category": pd.Categorical([f"c{i % 3}" for i in range(ROWS)]),
            "moment": moments,
            "zoned": moments.tz_localize("Europe/Berlin", ambiguous=False, nonexistent="shift_forward"),
            "duration": pd.to_timedelta(np.where(NUMBERS % 13 == 0, -1, NUMBERS), unit="ms"),
        }
    )


def test_the_same_values_have_the_same_digest_in_pandas_polars_and_arrow() -> None:
    frame = mixed()
    table = pa.Table.from_pandas(frame)

    assert digest(frame) == digest(table) == digest(pl.from_pandas(frame)) == digest(pl.from_arrow(table))


def test_how_a_library_stores_values_makes_no_difference() -> None:
    frame = mixed()
    table = pa.Table.from_pandas(frame)
    in_pieces = pa.concat_tables([table.slice(0, 3), table.slice(3, 30_001), table.slice(30_004)])
    by_arrow = table.to_pandas(types_mapper=pd.ArrowDtype)

    expected = digest(frame)
    assert digest(in_pieces) == expected
    assert digest(by_arrow) == expected
    assert digest(frame.astype({"text": object, "category": str})) == expected
    assert digest(pl.from_pandas(frame).with_columns(pl.col("category").cast(pl.String))) == expected
    assert digest(pd.concat([frame.iloc[:7], frame.iloc[7:]]).reset_index(drop=True)) == expected


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_of_moments_makes_no_difference(unit: str) -> None:
    moments = pd.Series(pd.date_range("1960-01-01", periods=50, freq="D")).astype(f"datetime64[{unit}]")

    assert digest(moments.to_frame("t")) == digest(pa.table({"t": pa.array(moments).cast(pa.timestamp("ns"))}))


def test_one_changed_value_changes_the_digest() -> None:
    frame = mixed()
    for column in frame.columns:
        other = frame.copy()
        other[column] = frame[column].iloc[::-1].to_numpy() if column != "category" else frame[column].iloc[::-1].values
        assert digest(other) != digest(frame), column


def test_names_types_and_the_order_of_columns_and_rows_count() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    others = [
        frame.rename(columns={"a": "A"}),
        frame.astype("int32"),
        frame[["b", "a"]],
        frame.iloc[::-1],
        frame.iloc[:1],
    ]

    assert len({digest(each) for each in [frame, *others]}) == 6


def test_texts_run_together_are_other_texts() -> None:
    assert digest(pa.table({"s": ["ab", "c"]})) != digest(pa.table({"s": ["a", "bc"]}))
    assert digest(pa.table({"s": ["", None]})) != digest(pa.table({"s": [None, ""]}))


def test_nan_is_what_is_missing_whatever_its_bits() -> None:
    odd = np.frombuffer(struct.pack("<QQ", 0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000), "<f8")

    assert digest(odd) == digest(np.array([math.nan, math.nan]))
    assert digest(pa.table({"data": pa.array([None, math.nan], pa.float64())})) == digest(odd)
    assert digest(np.array([0.0])) != digest(np.array([-0.0]))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(60_000, dtype=">i4").reshape(300, 200),
        np.asfortranarray(np.arange(60_000).reshape(300, 200)),
        np.arange(120_000).reshape(600, 200)[::2],
    ],
    ids=["big-endian", "by columns", "strided"],
)
def test_how_an_array_lies_in_memory_makes_no_difference(array: np.ndarray[Any, Any]) -> None:
    assert digest(array) == digest(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))))


def test_the_shape_of_an_array_counts() -> None:
    assert digest(np.zeros((2, 3))) != digest(np.zeros((3, 2)))
    assert digest(np.zeros((2, 3))) != digest(np.zeros((2, 3, 1)))


def test_an_array_is_the_frame_of_one_column_and_a_dict_of_arrays_one_of_several() -> None:
    a, b = np.arange(5), np.linspace(0, 1, 5)

    assert digest(a) == digest(pd.DataFrame({"data": a}))
    assert digest({"a": a, "b": b}) == digest(pl.DataFrame({"a": a, "b": b}))
    assert digest(np.array(list(zip(a, b, strict=True)), [("a", "i8"), ("b", "f8")])) == digest(
        pd.DataFrame({"a": a, "b": b})
    )
    assert digest(pd.Series(a)) == digest(a)
    assert digest(pd.Series(a, name="a")) == digest(pd.DataFrame({"a": a}))


def test_a_bunch_is_the_frame_that_it_may_have() -> None:
    plain, framed = bunches.load_diabetes(), bunches.load_diabetes(as_frame=True)

    assert digest(plain) == digest(framed) == digest(framed.frame)


def test_targets_apart_are_a_column_of_the_data() -> None:
    x = pd.DataFrame({"a": [1.0, 2.0]})

    assert digest(x, targets=np.array([0, 1])) == digest(x.assign(targets=[0, 1]))
    assert digest(x, targets=pd.Series([0, 1], name="y")) == digest(x.assign(y=[0, 1]))
    assert describe_dataset(x.assign(y=[0, 1]), targets="y").schema["targets"] == ["y"]


def test_named_levels_of_an_index_are_columns_and_row_numbers_are_not() -> None:
    frame = pd.DataFrame({"id": [7, 8], "a": [1.0, 2.0]})

    assert digest(frame.set_index("id")) == digest(frame)
    assert digest(frame.set_axis([5, 9])) == digest(frame)


def test_sparse_matrices_are_their_rows_in_whatever_form() -> None:
    matrix = sparse.random(50, 20, density=0.2, format="coo", random_state=0)

    assert digest(matrix) == digest(matrix.tocsr()) == digest(matrix.tocsc())
    assert digest(matrix) != digest(matrix.T.tocsr())


def test_lists_structs_dates_times_and_decimals_have_digests() -> None:
    rows = [
        {
            "l": [1, 2],
            "s": {"x": 1, "y": "a"},
            "d": dt.date(2024, 1, 2),
            "t": dt.time(3, 4),
            "n": decimal.Decimal("1.25"),
        },
        {"l": [], "s": {"x": None, "y": "b"}, "d": None, "t": None, "n": None},
        {"l": None, "s": {"x": 3, "y": None}, "d": dt.date(1950, 1, 2), "t": dt.time(5), "n": decimal.Decimal("-7.50")},
    ]
    table = pa.Table.from_pylist(rows)

    assert digest(pl.from_arrow(table)) == digest(table)
    assert digest(table.slice(1)) == digest(pa.Table.from_pylist(rows[1:], schema=table.schema))
    assert digest(table.slice(1)) != digest(table)


def test_no_rows_and_no_chunks_are_the_same() -> None:
    schema = pa.schema({"a": pa.int64(), "s": pa.string()})

    assert digest(schema.empty_table()) == digest(
        pd.DataFrame({"a": np.array([], "i8"), "s": pd.Series([], dtype="str")})
    )
    assert digest(schema.empty_table()) == digest(
        pa.table({"a": pa.chunked_array([], pa.int64()), "s": pa.chunked_array([], pa.string())})
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pd.DataFrame({"a": [object(), object()]}), "'a'"),
        (pd.DataFrame({"mixed": [1, "x"]}), "'mixed'"),
        (np.array([object()]), "objects have no digest"),
        (np.ma.masked_array([1, 2], [True, False]), "masked array"),
        (np.array([1.0], np.longdouble), "has no digest"),
        (pl.DataFrame({"o": [object()]}), "'o'"),
        (pa.table({"m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))}), "'m'"),
        ({"x": {1, 2}}, "'x'"),
        (42, "no data set"),
    ],
    ids=["objects", "mixed", "array of objects", "masked", "long double", "polars", "map", "set", "number"],
)
def test_what_has_no_digest_is_refused_by_name(data: Any, said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        describe_dataset(data)


def test_the_digest_can_be_computed_by_what_the_page_says() -> None:
    """As docs/reference/capture.md has it, without this code: numbers, texts, and what is missing of both."""
    table = pa.table(
        {"age": pa.array([41, 7], pa.int64()), "name": ["Ada", None], "x": pa.array([1, None], pa.int16())}
    )

    def sha(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    lines = [
        {"name": "age", "type": "int64", "rows": 2, "parts": {"values": sha(struct.pack("<qq", 41, 7))}},
        {
            "name": "name",
            "type": "string",
            "rows": 2,
            "parts": {"lengths": sha(struct.pack("<qq", 3, 0)), "bytes": sha(b"Ada"), "valid": sha(b"\1\0")},
        },
        {
            "name": "x",
            "type": "int16",
            "rows": 2,
            "parts": {"values": sha(struct.pack("<hh", 1, 0)), "valid": sha(b"\1\0")},
        },
    ]
    manifest = "trackback-dataset-1\n" + "".join(
        json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines
    )

    assert digest(table) == sha(manifest.encode())


# Written down once: they may not change with a version of any library, nor of this one.
KNOWN = {
    "ints": (np.arange(10), "e8d570ef62b88b1493a9641b8b188b7cc8d2a71e33ff762cc6dbbc389d3f508a"),
    "floats": (np.array([1.5, np.nan, -0.0]), "172697d23191042b56bc00f370885388e67f372039e39e67572706af410f246c"),
    "frame": (
        pd.DataFrame({"a": [1, 2], "s": ["x", None]}),
        "ff20e70e0bb05c8fe5d13b96f38311b9de630595664c8990e8ff220e6fbf1f52",
    ),
    "moments": (
        pd.DataFrame({"t": pd.to_datetime(["2024-02-29 12:00", None])}),
        "6206033eaa2e43b735862b208e2d2dc252698638952ff69c8d0c4c0894933bc1",
    ),
    "iris": (bunches.load_iris(), "b5c1aa4165ea3814d1681eed73851f0e6bd13aeadb54881db0fcbe451033b976"),
}


@pytest.mark.parametrize(("data", "known"), KNOWN.values(), ids=KNOWN.keys())
def test_digests_are_those_that_were_given_before(data: Any, known: str) -> None:
    assert digest(data) == known
