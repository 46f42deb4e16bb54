"""How requests are read: MLflow's JSON, with the liberties that its clients take."""

import json
import math
from enum import StrEnum
from typing import Any

import msgspec
import pytest

from trackback.entities import Metric
from trackback.errors import InvalidParameter
from trackback.server.mlflow.protojson import Decoder, Int64, Message, NonEmpty, encode, encode_as_it_is


class Colour(StrEnum):
    RED = "RED"
    GREEN = "GREEN"


class Point(Message, frozen=True):
    key: NonEmpty
    value: float
    step: Int64 = 0
    dataset_name: str = ""


class Log(Message, frozen=True):
    run_id: NonEmpty
    metrics: tuple[Point, ...] = ()
    labels: tuple[str, ...] = ()
    colour: Colour | None = None
    max_results: Int64 = 1000
    note: str | None = None
    dry_run: bool = False


class Report(Message, frozen=True):
    report: dict[str, Any] | None = None


class Set(Message, frozen=True):
    key: str
    value: str


def shortened(value: object) -> str:
    return repr(value)[:30]


LOG = Decoder(Log)
SET = Decoder(Set)


def read(**fields: Any) -> Log:
    return LOG.body(json.dumps({"run_id": "r"} | fields).encode(), {})


def refusal(**fields: Any) -> str:
    with pytest.raises(InvalidParameter) as caught:
        read(**fields)
    return caught.value.message


def refusal_of(body: bytes) -> str:
    with pytest.raises(InvalidParameter) as caught:
        LOG.body(body, {})
    return caught.value.message


def test_camel_case_and_snake_case_name_the_same_field() -> None:
    body = b'{"runId": "r", "maxResults": 5, "metrics": [{"key": "k", "value": 1, "datasetName": "d"}]}'

    assert LOG.body(body, {}) == Log("r", max_results=5, metrics=(Point("k", 1.0, dataset_name="d"),))


def test_both_spellings_of_a_field_are_refused() -> None:
    assert refusal(max_results=1, maxResults=1) == (
        "Invalid value 1 for parameter 'max_results' supplied: 'maxResults' and 'max_results' are the same field."
    )


def test_unknown_fields_are_ignored_at_every_depth() -> None:
    assert read(new=[1], metrics=[{"key": "k", "value": 1, "new": {}}]) == Log("r", metrics=(Point("k", 1.0),))


def test_null_is_unset() -> None:
    assert read(max_results=None, metrics=None, note=None) == Log("r")


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [("5", 5), ("-5", -5), (5.0, 5), ("9223372036854775807", 2**63 - 1), (-(2**63), -(2**63))],
    ids=repr,
)
def test_integers_come_as_numbers_or_strings(sent: object, read_as: int) -> None:
    assert read(max_results=sent).max_results == read_as


@pytest.mark.parametrize(
    "sent", [2**63, "9223372036854775808", -(2**63) - 1, 1.5, "1.0", "", " 1", "1_0", True, [], "x"], ids=repr
)
def test_what_is_no_64_bit_integer_is_refused_with_its_place(sent: object) -> None:
    assert refusal(max_results=sent) == (
        f"Invalid value {json.dumps(sent)} for parameter 'max_results' supplied: it must be a 64-bit integer."
    )


@pytest.mark.parametrize(
    ("sent", "read_as"),
    [
        ("0.5", 0.5),
        ("1e-05", 1e-5),
        (3, 3.0),
        (True, 1.0),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        (math.inf, math.inf),
        (2**64, 2.0**64),
    ],
    ids=repr,
)
def test_doubles_come_as_numbers_strings_or_true(sent: object, read_as: float) -> None:
    assert read(metrics=[{"key": "k", "value": sent}]).metrics[0].value == read_as


@pytest.mark.parametrize("body", ['{"key": "k", "value": NaN}', '{"key": "k", "value": "NaN"}'])
def test_nan_comes_as_a_token_or_a_string(body: str) -> None:
    assert math.isnan(LOG.body(b'{"run_id": "r", "metrics": [%b]}' % body.encode(), {}).metrics[0].value)


@pytest.mark.parametrize("sent", ["nan", "inf", "", "0x1", "1_0", [], {}, "1 "])
def test_what_is_no_double_is_refused_with_its_place(sent: object) -> None:
    points = [{"key": "k", "value": 1}] * 3 + [{"key": "k", "value": sent}]

    assert refusal(metrics=points) == (
        f"Invalid value {json.dumps(sent)} for parameter 'metrics[3].value' supplied: "
        'it must be a number, "NaN", "Infinity" or "-Infinity".'
    )


def test_an_integer_too_large_for_a_double_is_refused() -> None:
    assert "for parameter 'metrics[0].value'" in refusal(metrics=[{"key": "k", "value": 10**400}])


@pytest.mark.parametrize("sent", [1, 1.5, True, [], {}])
def test_a_string_is_not_made_of_anything_else(sent: object) -> None:
    assert refusal(note=sent) == (
        f"Invalid value {json.dumps(sent)} for parameter 'note' supplied: it must be a string."
    )


@pytest.mark.parametrize("sent", ["true", "FALSE", 0, 1])
def test_a_bool_in_a_body_is_true_or_false_only(sent: object) -> None:
    assert "for parameter 'dry_run' supplied: it must be true or false." in refusal(dry_run=sent)


@pytest.mark.parametrize("sent", ["GREEN", 2, "2"], ids=repr)
def test_an_enum_comes_by_name_or_by_its_number(sent: object) -> None:
    assert read(colour=sent).colour is Colour.GREEN


@pytest.mark.parametrize("sent", ["BLUE", 7, "", "green", [], True])
def test_an_unknown_enum_value_is_unset(sent: object) -> None:
    assert read(colour=sent).colour is None


@pytest.mark.parametrize("sent", ["r", {}, 1])
def test_a_list_must_be_an_array(sent: object) -> None:
    assert "for parameter 'labels' supplied: it must be an array." in refusal(labels=sent)


def test_null_in_an_array_is_refused() -> None:
    assert "for parameter 'labels[1]' supplied" in refusal(labels=["a", None])


@pytest.mark.parametrize("fields", [{}, {"run_id": ""}, {"run_id": None}])
def test_a_required_field_must_be_there_and_not_empty(fields: dict[str, object]) -> None:
    assert refusal_of(json.dumps(fields).encode()) == (
        "Missing value for required parameter 'run_id'. See the API docs for more information about request parameters."
    )


def test_a_missing_field_inside_is_named_with_its_place() -> None:
    points = [{"key": "k", "value": 1}, {"key": "k"}]

    assert refusal(metrics=points).startswith("Missing value for required parameter 'metrics[1].value'.")


def test_a_required_string_may_be_empty_if_the_request_says_so() -> None:
    assert SET.body(b'{"key": "k", "value": ""}', {}) == Set("k", "")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"nonsense", "The request's body is not JSON: Expecting value: line 1 column 1 (char 0)."),
        (b'{"run_id": "r"', "The request's body is not JSON:"),
        (b'{"run_id": "r"} x', "The request's body is not JSON:"),
        (b"[]", "The request's body is not a JSON object."),
        (b'["run_id"]', "The request's body is not a JSON object."),
        (b"1", "The request's body is not a JSON object."),
        (b"null", "The request's body is not a JSON object."),
        (b'"text"', "The request's body is not JSON:"),
        (b'{"run_id": "\xff"}', "it is not UTF-8"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a":' * 100_000, "it is nested too deeply"),
        (b'{"run_id": "r", "max_results": ' + b"9" * 5000 + b"}", "a number in it is far too long"),
    ],
    ids=shortened,
)
def test_a_body_that_is_no_object_counts_as_empty_and_the_message_says_why(body: bytes, fault: str) -> None:
    message = refusal_of(body)

    assert message.startswith("Missing value for required parameter 'run_id'.")
    assert fault in message


class Anything(Message, frozen=True):
    note: str = ""


def test_a_malformed_body_is_refused_even_if_nothing_is_required() -> None:
    with pytest.raises(InvalidParameter, match="The request's body is not JSON"):
        Decoder(Anything).body(b"{", {})


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}"])
def test_no_body_is_an_empty_object(body: bytes) -> None:
    assert Decoder(Anything).body(body, {}) == Anything()


def test_a_string_that_holds_an_object_is_decoded_again() -> None:
    assert LOG.body(json.dumps(json.dumps({"runId": "r"})).encode(), {}) == Log("r")


def test_half_a_surrogate_pair_is_refused() -> None:
    assert refusal_of(b'{"run_id": "r", "note": "\\ud800"}') == (
        r"""Invalid value "\ud800" for parameter 'note' supplied: it is not valid Unicode."""
    )


def test_a_long_value_is_quoted_in_part() -> None:
    assert len(refusal(max_results="x" * 10_000)) < 400


def test_the_path_decides_over_the_body() -> None:
    assert LOG.body(b'{"run_id": "body", "max_results": 3}', {"run_id": "path"}) == Log("path", max_results=3)


def test_a_query_repeats_the_names_of_lists() -> None:
    request = LOG.query(b"run_id=r&labels=a&labels=b%20c&max_results=7&dry_run=TRUE&colour=2&note=", {})

    assert request == Log("r", labels=("a", "b c"), max_results=7, dry_run=True, colour=Colour.GREEN, note="")


def test_a_query_knows_no_camel_case() -> None:
    with pytest.raises(InvalidParameter, match="Missing value for required parameter 'run_id'"):
        LOG.query(b"runId=r", {})


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        (b"run_id=r&max_results=x", "Invalid value \"x\" for parameter 'max_results'"),
        (b"run_id=r&dry_run=1", "Invalid value \"1\" for parameter 'dry_run'"),
        (b"run_id=r&metrics=1", "Invalid value \"1\" for parameter 'metrics[0]'"),
        (b"run_id=%FF", "The query string is not valid"),
        (b"run_id=\xff", "The query string is not valid"),
        (b"run_id=r" + b"&labels=a" * 20_000, "The query string is not valid"),
    ],
    ids=shortened,
)
def test_a_query_with_wrong_values_is_refused(query: bytes, fault: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        LOG.query(query, {})

    assert fault in caught.value.message


class Careless(msgspec.Struct):
    run_id: str


class Unbounded(Message, frozen=True):
    step: int


@pytest.mark.parametrize("request_type", [Careless, Unbounded])
def test_a_struct_that_msgspec_would_read_otherwise_than_the_readers_is_a_mistake(
    request_type: type[msgspec.Struct],
) -> None:
    with pytest.raises(TypeError):
        _ = Decoder(request_type).read_body


class History(msgspec.Struct):
    metrics: tuple[Metric, ...]


def test_nan_is_written_as_a_string_and_no_text_is_touched() -> None:
    metrics = (Metric('"value":null', math.nan, 1, 2), Metric("k", 0.5, 1, 2))

    assert json.loads(encode(History(metrics))) == {
        "metrics": [
            {"key": '"value":null', "value": "NaN", "timestamp": 1, "step": 2},
            {"key": "k", "value": 0.5, "timestamp": 1, "step": 2},
        ]
    }


def test_nothing_is_an_empty_object() -> None:
    assert encode(None) == b"{}"


class TestObjectsOfOthers:
    @pytest.mark.parametrize(
        "report", [{}, {"camelCase": [1, 2.5, {"x": None}], "\u00fc\0": "1", "big": 10**30}, None], ids=shortened
    )
    def test_they_are_taken_as_they_are(self, report: dict[str, Any] | None) -> None:
        body = json.dumps({"report": report}).encode()
        assert Decoder(Report).body(body, {}) == Decoder(Report).body(body, {"unknown": "x"}) == Report(report)

    @pytest.mark.parametrize("report", ["[]", "1", '"{}"', r'{"a": "\ud800"}', r'{"\ud800": 1}'])
    def test_what_is_none_or_could_not_be_written_again_is_refused(self, report: str) -> None:
        with pytest.raises(InvalidParameter, match="for parameter 'report' supplied"):
            Decoder(Report).body(f'{{"report": {report}}}'.encode(), {})

    def test_null_in_them_stays_null(self) -> None:
        assert encode_as_it_is(Report({"value": None})) == b'{"report":{"value":null}}'
