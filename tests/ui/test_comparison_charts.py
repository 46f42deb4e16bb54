"""What is drawn of compared runs."""

import math
from typing import Any

import pytest

from trackback.entities import LifecycleStage, RunInfo, RunStatus
from trackback.errors import InvalidParameter
from trackback.server.ui.comparison.charts import AxisKind, boxes, parallel, scatter
from trackback.services.comparisons import Comparison


def compared(count: int, **parts: dict[str, dict[int, Any]]) -> Comparison:
    runs = [
        RunInfo(f"id{n}", f"id{n}", f"run {n}", "1", "", RunStatus.FINISHED, n * 1000, "x", LifecycleStage.ACTIVE)
        for n in range(count)
    ]
    return Comparison(runs, (), False, {"params": {}, "metrics": {}, **parts})


def test_params_that_are_all_numbers_are_drawn_as_numbers_and_others_as_texts() -> None:
    found = scatter(
        compared(3, params={"depth": {0: "3", 1: "10", 2: "4"}, "solver": {0: "sag", 1: "adam", 2: "sag"}}),
        "params.depth",
        "params.solver",
    )
    assert (found.x.kind, found.y.kind, found.y.values) == (AxisKind.NUMBER, AxisKind.CATEGORY, ("adam", "sag"))
    assert [(point.x, point.y) for point in found.points] == [(3.0, 1), (10.0, 0), (4.0, 1)]


def test_runs_without_a_value_are_left_out_and_counted() -> None:
    metrics = {"loss": {0: 0.1, 1: math.nan}, "auc": {0: 0.9, 1: 0.8, 2: 0.7}}
    found = scatter(compared(3, metrics=metrics), "metrics.loss", "metrics.auc")
    assert ([point.run for point in found.points], found.left_out) == (["id0"], 2)


def test_categories_are_in_order_of_numbers_where_some_are() -> None:
    found = scatter(compared(4, params={"k": {0: "10", 1: "auto", 2: "9", 3: "9"}}), "params.k", "params.k")
    assert found.x.values == ("9", "10", "auto")


@pytest.mark.parametrize("field", ["", "loss", "tags.team", "params"])
def test_what_is_no_field_is_said_with_what_is(field: str) -> None:
    with pytest.raises(InvalidParameter, match=r"as params\.depth or metrics\.loss"):
        scatter(compared(1), field, field)


def test_a_line_of_parallel_coordinates_has_a_gap_where_a_run_has_no_value() -> None:
    found = parallel(
        compared(2, params={"a": {0: "1"}}, metrics={"loss": {0: 0.5, 1: 0.25}}), ["params.a", "metrics.loss"]
    )
    assert [line.values for line in found.lines] == [(1.0, 0.5), (None, 0.25)]


def test_a_box_has_quartiles_and_outliers_are_drawn_by_themselves() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 100.0]
    params = {"depth": dict.fromkeys(range(5), "3")}
    found = boxes(compared(5, params=params, metrics={"loss": dict(enumerate(values))}), "metrics.loss", "params.depth")
    (box,) = found.groups
    assert (box.name, box.count, box.box) == ("3", 5, (1.0, 2.0, 3.0, 4.0, 4.0))
    assert [(each.run, each.value) for each in box.outliers] == [("id4", 100.0)]


def test_boxes_stand_in_the_order_of_the_param_and_runs_without_it_come_last() -> None:
    params = {"depth": {0: "10", 1: "9", 2: "9"}}
    metrics = {"loss": {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0}}
    found = boxes(compared(5, params=params, metrics=metrics), "metrics.loss", "params.depth")
    assert [(box.name, box.count) for box in found.groups] == [("9", 2), ("10", 1), ("(none)", 1)]
    assert found.left_out == 1
