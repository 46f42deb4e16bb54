"""What a filter lacks at a place, as far as it is written."""

import pytest
from hypothesis import given, strategies

from trackback.search import RUNS, Aggregate, Field, Kind, Wanted, parse_order_by, place_in, quoted, spelled


def at_end(text: str) -> tuple[Wanted, int, str]:
    place = place_in(text, len(text), RUNS)
    return place.wanted, place.start, place.typed


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("", ""),
        ("me", "me"),
        ("metrics.lo", "metrics.lo"),
        ("metrics.`val l", "metrics.`val l"),
        ("params.a = 'b' AND par", "par"),
        ("NOT (par", "par"),
        ("or", "or"),  # of `order`, for one
        ("min(metrics.lo", "metrics.lo"),
    ],
)
def test_a_field_is_wanted_at_the_beginning_and_after_and(text: str, typed: str) -> None:
    assert at_end(text) == (Wanted.FIELD, len(text) - len(typed), typed)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("metrics.loss ", Field(Kind.METRIC, "loss")),
        ("metrics.loss <", Field(Kind.METRIC, "loss")),
        ("params.`a b` ", Field(Kind.PARAM, "a b")),
        ("min(metrics.loss) ", Field(Kind.METRIC, "loss", Aggregate.MIN)),
        ("tags.x IS ", Field(Kind.TAG, "x")),
    ],
)
def test_an_operator_is_wanted_after_a_field(text: str, field: Field) -> None:
    place = place_in(text, len(text), RUNS)
    assert (place.wanted, place.field) == (Wanted.OPERATOR, field)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("params.lr = ", ""),
        ("params.lr = '0", "0"),
        ('params.lr = "0', "0"),
        ("params.lr LIKE 'a", "a"),
        ("params.lr IN ('a', 'b", "b"),
    ],
)
def test_a_value_is_wanted_after_an_operator(text: str, typed: str) -> None:
    place = place_in(text, len(text), RUNS)
    assert (place.wanted, place.typed, place.field) == (Wanted.VALUE, typed, Field(Kind.PARAM, "lr"))


@pytest.mark.parametrize(
    "text", ["metrics.loss < 0.1 ", "params.a = 'b' an", "params.lr IN ('a')", "tags.x IS NULL ", "(status = 'a') "]
)
def test_and_or_or_is_wanted_after_a_comparison(text: str) -> None:
    assert at_end(text)[0] is Wanted.CONNECTIVE


@pytest.mark.parametrize("text", ["nonsense.x = '", "a ; b", "loss < "])
def test_nothing_is_wanted_where_nothing_helps(text: str) -> None:
    assert at_end(text)[0] is Wanted.NOTHING


def test_only_what_is_before_the_place_counts() -> None:
    text = "params.lr = '0.1' AND metrics.loss < 1"
    assert place_in(text, 7, RUNS).typed == "params."


@given(strategies.text(alphabet="metrics.loss <>='`\"()ANDORINULL,%;\\ é", max_size=60), strategies.integers(0, 60))
def test_any_text_has_an_answer_that_lies_in_it(text: str, position: int) -> None:
    place = place_in(text, position, RUNS)
    assert 0 <= place.start <= max(position, 0)


@pytest.mark.parametrize("text", ["metrics.loss", "min(metrics.`val loss`)", "params.a/b", "tags.`x y`", "status"])
def test_a_field_is_spelled_as_it_is_read(text: str) -> None:
    (order,) = parse_order_by([text], RUNS)
    assert spelled(order.field) == text


def test_a_value_stands_in_quotes_that_it_does_not_have() -> None:
    assert [quoted(text) for text in ("a", "it's", 'a"b', 'it\'s "b"')] == ["'a'", '"it\'s"', "'a\"b'", None]
