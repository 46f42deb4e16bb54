"""Tables of compared runs: what differs, and how it is told."""

import math

import pytest

from trackback.server.ui.comparison.table import View, differs, fields, tabulate

Parts = dict[str, dict[str, dict[int, object]]]


@pytest.mark.parametrize(
    ("column", "count", "expected"),
    [
        ({0: "a", 1: "a"}, 2, False),
        ({0: "a", 1: "b"}, 2, True),
        ({0: "a"}, 2, True),
        ({0: math.nan, 1: math.nan}, 2, False),
        ({0: math.nan, 1: 1.0}, 2, True),
        ({0: ["x"], 1: ["x"]}, 2, False),
    ],
)
def test_runs_differ_where_values_do_or_one_has_none(column: dict[int, object], count: int, expected: bool) -> None:
    assert differs(column, count) is expected


def test_only_what_differs_is_shown_unless_all_is_asked_for() -> None:
    parts = {"params": {"depth": {0: "3", 1: "4"}, "solver": {0: "sag", 1: "sag"}}}
    (part,) = tabulate(parts, View(2))
    assert ([row.name for row in part.rows], part.equal) == (["depth"], 1)
    (whole,) = tabulate(parts, View(2, everything=True))
    assert [(row.name, row.differs) for row in whole.rows] == [("depth", True), ("solver", False)]


def test_cells_that_differ_from_the_first_run_are_marked_and_numbers_by_how_much() -> None:
    (part,) = tabulate({"metrics": {"loss": {0: 0.5, 1: 0.25, 2: 0.5, 3: 0.75}}}, View(4))
    cells = part.rows[0].cells
    assert [(cell.text, cell.differs, cell.change) for cell in cells] == [
        ("0.5", False, ""),
        ("0.25", True, "−0.25"),
        ("0.5", False, ""),
        ("0.75", True, "+0.25"),
    ]


def test_of_many_runs_a_window_has_columns_and_the_range_is_of_all() -> None:
    parts: Parts = {
        "metrics": {"loss": {n: n / 4 for n in range(20)}},
        "params": {"p": {n: str(n % 3) for n in range(19)}},
    }
    metrics, params = tabulate(parts, View(20, at=16))
    assert [cell.text for cell in metrics.rows[0].cells] == ["4", "4.25", "4.5", "4.75"]
    assert (metrics.rows[0].summary, params.rows[0].summary) == ("0 … 4.75", "3 values, 1 without")


def test_tags_of_mlflows_own_are_left_out_until_all_is_asked_for() -> None:
    parts = {"tags": {"mlflow.runName": {0: "a", 1: "b"}, "team": {0: "red", 1: "blue"}}}
    assert [row.name for row in tabulate(parts, View(2))[0].rows] == ["team"]
    assert len(tabulate(parts, View(2, everything=True))[0].rows) == 2


def test_rows_are_found_by_part_of_their_name_among_all() -> None:
    table = {f"layer{n}/rate": {0: "1", 1: "2"} for n in range(500)}
    (cut,) = tabulate({"params": table}, View(2))
    assert (len(cut.rows), cut.left_out) == (200, 300)
    (found,) = tabulate({"params": table}, View(2, find="LAYER499"))
    assert [row.name for row in found.rows] == ["layer499/rate"]


def test_what_differs_comes_first_among_what_can_be_drawn() -> None:
    parts: Parts = {"params": {"a": {0: "1", 1: "1"}, "b": {0: "1", 1: "2"}}, "metrics": {"loss": {0: 0.1, 1: 0.2}}}
    assert fields(parts, 2, ("params", "metrics")) == ["params.b", "metrics.loss", "params.a"]
