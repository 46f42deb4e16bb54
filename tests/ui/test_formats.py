import ast
import shlex

import pytest

from trackback.server.ui.frame import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1234567, "0.123457"),
        (3.0, "3"),
        (-0.5, "-0.5"),
        (123_456_789.0, "123456789"),
        (1e300, "1e+300"),
        (float("nan"), "NaN"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_have_six_significant_digits_or_are_whole(value: float, text: str) -> None:
    assert formats.number(value) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0ms"),
        (999, "999ms"),
        (1400, "1.4s"),
        (187_000, "3min 07s"),
        (7_500_000, "2h 05min"),
        (90_000_000, "1d 01h"),
        (-1, ""),
        (None, ""),
    ],
)
def test_durations_are_told_in_two_units(milliseconds: int | None, text: str) -> None:
    assert formats.duration(milliseconds) == text


def test_times_are_in_utc_and_none_is_too_far_off() -> None:
    assert formats.moment(1_700_000_000_000) == "2023-11-14 22:13:20"
    assert formats.moment(2**63 - 1) == "9223372036854775807 ms"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "now"),
        (5, "5 sec. ago"),
        (90, "1 min. ago"),
        (7200, "2 hr. ago"),
        (86_400, "yesterday"),
        (5 * 86_400, "5 days ago"),
        (31 * 86_400, "last mo."),
        (800 * 86_400, "2 yr. ago"),
        (-300, "in 5 min."),
        (-90_000, "in 1 day"),
    ],
)
def test_how_long_ago_is_told_in_the_largest_unit(seconds: float, text: str) -> None:
    now_ms = 1_700_000_000_000
    assert formats.since(int(now_ms - 1000 * seconds), now_ms) == text


@pytest.mark.parametrize(
    ("byte_count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5 * 10**9, "5.0 GB"), (None, "")]
)
def test_sizes_are_in_steps_of_a_thousand(byte_count: int | None, text: str) -> None:
    assert formats.size(byte_count) == text


@pytest.mark.parametrize(
    "name", ["churn", 'a "quoted" one', "it's; rm -rf ~", "$(reboot)", "two\nlines", "\u202eolleh", "é"]
)
def test_names_in_code_that_is_copied_are_nothing_but_names(name: str) -> None:
    assert ast.literal_eval(formats.python_text(name)) == name
    assert shlex.split(formats.shell_word(name)) == [name]
    assert formats.python_text(name).isprintable()
