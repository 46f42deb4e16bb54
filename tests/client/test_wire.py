import math
from collections.abc import Sequence

import msgspec
import pytest

from trackback.client.wire import Nothing, decode, encode, query
from trackback.entities import FileInfo, Metric, Param, ViewType


class LogBatch(msgspec.Struct):
    run_id: str
    metrics: Sequence[Metric] = ()
    params: Sequence[Param] = ()


def point(value: float) -> Metric:
    return Metric("loss", value, timestamp=1, step=0)


def test_what_is_no_finite_number_is_sent_as_a_string() -> None:
    body = encode(LogBatch("r", [point(math.nan), point(math.inf), point(-math.inf), point(0.5)]))
    assert [metric["value"] for metric in msgspec.json.decode(body)["metrics"]] == ["NaN", "Infinity", "-Infinity", 0.5]


def test_a_null_that_is_text_or_nothing_stays_what_it_is() -> None:
    body = encode({"note": "null", "end_time": None, "value": math.nan})
    assert msgspec.json.decode(body) == {"note": "null", "end_time": None, "value": "NaN"}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ('"NaN"', math.nan),
        ('"Infinity"', math.inf),
        ("NaN", math.nan),
        ("-Infinity", -math.inf),
        ('"0.5"', 0.5),
        ("3", 3.0),
    ],
)
def test_values_are_read_as_floats_however_they_are_written(sent: str, read: float) -> None:
    metric = decode(f'{{"key":"loss","value":{sent},"timestamp":"12","step":0}}'.encode(), Metric)
    assert metric.value == pytest.approx(read, nan_ok=True)
    assert metric.timestamp == 12


def test_unknown_fields_are_skipped_and_missing_ones_take_their_default() -> None:
    assert decode(b'{"path":"a","is_dir":true,"colour":{"of":"it"}}', FileInfo) == FileInfo("a", is_dir=True)


def test_an_empty_body_is_an_empty_answer() -> None:
    assert decode(b"", Nothing) == Nothing()


def test_a_query_repeats_lists_and_leaves_out_what_is_none() -> None:
    fields = {"run_ids": ["a", "b&c"], "view": ViewType.ALL, "token": None, "deep": True}
    assert query(fields) == "run_ids=a&run_ids=b%26c&view=ALL&deep=true"
