"""Whatever can't be read is refused with one error, which points at the place."""

import pytest
from hypothesis import example, given, strategies as st

from trackback.errors import InvalidParameter
from trackback.search import EXPERIMENTS, LOGGED_MODELS, RUNS, InvalidSearch, Target, parse_filter
from trackback.search.domains import PATTERN_LENGTH
from trackback.search.lexer import MAX_LENGTH, MAX_TOKENS
from trackback.search.parser import MAX_DEPTH, MAX_TERMS, MAX_VALUES

_FRAGMENTS = [
    *"()<>=!,;.`'\"\\%+-~ \0\ud800",
    *["AND ", "OR ", "NOT ", "IN ", "IS ", "NULL ", "LIKE ", "ILIKE ", "min(", "max("],
    *["metrics.", "params.x", "tags.`a b`", "status", "run_id", "datasets.name", "experiment_id", "name", "foo"],
    *[" = ", " != ", " 'a' ", ' "b" ', " 1 ", " -1e-3 ", " 1e999 ", " nan ", "é", "\n"],
]


def refusal_of(text: str, target: Target) -> InvalidSearch | None:
    try:
        parse_filter(text, target)
    except InvalidSearch as error:
        return error
    return None


def problem_with(text: str) -> InvalidSearch:
    refusal = refusal_of(text, RUNS)
    assert refusal is not None
    return refusal


@given(
    st.text(st.characters()) | st.lists(st.sampled_from(_FRAGMENTS), max_size=25).map("".join),
    st.sampled_from([RUNS, EXPERIMENTS, LOGGED_MODELS]),
)
@example("min(", RUNS)
@example("`a`.", RUNS)
@example("experiment_id = '99999999999999999999'", EXPERIMENTS)
def test_any_text_is_read_or_refused_with_a_message_that_can_be_sent(text: str, target: Target) -> None:
    if refusal := refusal_of(text, target):
        assert 0 <= refusal.position <= len(text)
        assert refusal.message.encode()


def test_the_error_is_a_bad_parameter_to_clients() -> None:
    assert issubclass(InvalidSearch, InvalidParameter)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("metrics.a > 1 AND metrcs.b > 2", "metrcs"),
        ("metrics.a > 1 AND duration > 2", "duration"),
        ("metrics.a > 1 AND min(params.b) > 2", "min"),
        ("metrics.a > 1 AND min(metrcs.b) > 2", "metrcs"),
        ("metrics.a > 1 AND metrics.b == 2", "== 2"),
        ("metrics.a > 1 AND params.a b = 'c'", "b ="),
        ("metrics.a > 1 AND params.b NOT = 'c'", "NOT ="),
        ("metrics.a > 1 AND metrics.b > 'c'", "'c'"),
        ("metrics.a IN (1, 2, 'c')", "'c'"),
        ("metrics.a IN (1 2)", "2)"),
        ("metrics.a IN 1", "1"),
        ("metrics.a > 1 metrics.b > 2", "metrics.b"),
        ("metrics.a > 1 OR", ""),
        ("metrics.a > 1 AND OR", "OR"),
        ("(metrics.a > 1", ""),
        ("metrics.a > 1)", ")"),
        ("()", ")"),
        ("AND", ""),
        ("params. x = 'a'", "x ="),
        ("tags.`a`.b = 'c'", ".b"),
        ("tags.`` = 'c'", "tags"),
        ("params.x = 'it''s", "'it"),
        ("params.x = 'a' # b", "#"),
        ("params.x = null", "null"),
        ("params.x = 'a\0b'", "\0"),
        ("params.x = 'a\ud800'", "\ud800"),
    ],
)
def test_the_position_is_where_the_text_goes_wrong(text: str, place: str) -> None:
    assert problem_with(text).position == (text.rindex(place) if place else len(text))


def test_the_message_says_what_was_found_and_marks_the_place() -> None:
    assert problem_with("metrcs.acc > 0.9 AND\n  status = 'FINISHED'").message == (
        "Invalid entity type 'metrcs' (did you mean 'metrics'?). "
        "Valid values are attribute, dataset, metric, param, tag (at character 1)\n"
        "  metrcs.acc > 0.9 AND   status = 'FINISHED'\n"
        "  ^"
    )


def test_the_message_shows_a_long_text_around_the_place_only() -> None:
    message = problem_with(f"params.x = '{'a' * 1000}' AND foo = 1 AND params.y = '{'b' * 1000}'").message
    _, shown, pointer = message.splitlines()
    assert shown[pointer.index("^") :].startswith("foo = 1 AND")
    assert shown.startswith("  …aaa")
    assert shown.endswith("bbb…")
    assert len(shown) < 130


def test_a_hint_says_how_it_is_written() -> None:
    assert "which is written =" in problem_with("metrics.a == 1").message
    assert "asked for with IS NULL" in problem_with("params.a = NULL").message
    assert "leave them out" in problem_with("metrics.a > '1'").message
    assert "quotes of the other kind" in problem_with("params.a = 'it's'").message


def terms(count: int) -> str:
    return " OR ".join(["metrics.a > 1"] * count)


def values(count: int) -> str:
    return f"params.a IN ({', '.join(['0'] * count)})".replace("0", "'x'")


@pytest.mark.parametrize(
    ("allowed", "refused", "problem"),
    [
        (terms(MAX_TERMS), terms(MAX_TERMS + 3), "has 403 terms; at most 400"),
        (
            "(" * MAX_DEPTH + "metrics.a > 1" + ")" * MAX_DEPTH,
            "(" * (MAX_DEPTH + 1) + "metrics.a > 1" + ")" * (MAX_DEPTH + 1),
            "more than 50 deep",
        ),
        (
            values(MAX_VALUES),
            f"{values(1)} OR {values(MAX_VALUES)}",
            "10001 values",
        ),
        (
            f"params.a LIKE '{'%' * PATTERN_LENGTH}'",
            f"params.a LIKE '{'%' * (PATTERN_LENGTH + 1)}'",
            "10001 characters",
        ),
        ("NOT " * 1000 + "metrics.a > 1", "NOT " * MAX_TOKENS + "metrics.a > 1", "words and signs"),
        (f"params.a = '{'x' * 400_000}'", f"params.a = '{'x' * MAX_LENGTH}'", "at most 500000"),
    ],
    ids=["terms", "depth", "values", "pattern", "tokens", "length"],
)
def test_a_filter_has_its_limits(allowed: str, refused: str, problem: str) -> None:
    parse_filter(allowed, RUNS)
    assert problem in problem_with(refused).message
