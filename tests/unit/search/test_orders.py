"""order_by: a field, and ASC or DESC."""

import contextlib

import pytest
from hypothesis import given, strategies as st

from tests.unit.search import trees
from trackback.search import (
    EXPERIMENTS,
    LOGGED_MODELS,
    RUNS,
    Aggregate,
    Field,
    InvalidSearch,
    Kind,
    Order,
    Target,
    parse_order_by,
    parse_order_field,
)
from trackback.search.order import MAX_ORDERS


@pytest.mark.parametrize(
    ("clause", "kind", "key", "descending"),
    [
        ("metrics.acc", Kind.METRIC, "acc", False),
        ("metric.acc ASC", Kind.METRIC, "acc", False),
        ("metrics.acc desc", Kind.METRIC, "acc", True),
        ("metrics.desc", Kind.METRIC, "desc", False),
        ("metrics.asc DESC", Kind.METRIC, "asc", True),
        ("  params.x   DESC ", Kind.PARAM, "x", True),
        ("params.order DESC", Kind.PARAM, "order", True),
        ("tags.`a b` DESC", Kind.TAG, "a b", True),
        ('tags."a b"', Kind.TAG, "a b", False),
        ("metrics.val/acc DESC", Kind.METRIC, "val/acc", True),
        ("start_time DESC", Kind.ATTRIBUTE, "start_time", True),
        ("attributes.start_time", Kind.ATTRIBUTE, "start_time", False),
        ("attribute.Created", Kind.ATTRIBUTE, "start_time", False),
        ("`run name`", Kind.ATTRIBUTE, "run_name", False),
        ("artifact_uri", Kind.ATTRIBUTE, "artifact_uri", False),
    ],
)
def test_runs_are_ordered_by_attributes_metrics_params_and_tags(
    clause: str, kind: Kind, key: str, descending: bool
) -> None:
    assert parse_order_by([clause], RUNS) == [Order(Field(kind, key), descending)]


@pytest.mark.parametrize("aggregate", Aggregate)
def test_an_order_may_name_any_aggregate_of_a_metric(aggregate: Aggregate) -> None:
    assert parse_order_by([f"{aggregate}(metrics.`a b`) DESC"], RUNS) == [
        Order(Field(Kind.METRIC, "a b", aggregate), descending=True)
    ]


@given(trees.fields, st.booleans())
def test_an_order_that_is_written_out_is_read_back(field: Field, descending: bool) -> None:
    clause = f"{trees.written_field(field)} {'DESC' if descending else 'ASC'}"
    assert parse_order_by([clause], RUNS) == [Order(field, descending)]


def test_a_field_that_was_named_before_is_left_out() -> None:
    orders = parse_order_by(["metrics.a", "start_time", "metric.`a` DESC", "created DESC", "max(metrics.a)"], RUNS)
    assert [(str(order.field), order.descending) for order in orders] == [
        ("metric 'a'", False),
        ("attribute 'start_time'", False),
        ("the max of metric 'a'", False),
    ]


@pytest.mark.parametrize(
    ("target", "clause", "problem"),
    [
        (RUNS, "", "Invalid order_by clause ''. Could not be parsed"),
        (RUNS, " ", "Invalid order_by clause ' '. Could not be parsed"),
        (RUNS, "metrics.acc ASC DESC", "expected ASC, DESC or the end, found 'DESC'"),
        (RUNS, "metrics.acc best", "expected ASC, DESC or the end, found 'best'"),
        (RUNS, "metrics.acc, metrics.b", "Invalid order_by clause 'metrics.acc, metrics.b'"),
        (RUNS, "metrics.acc;", "Invalid order_by clause 'metrics.acc;'"),
        (RUNS, "metrics.", "expected a key directly after 'metrics.'"),
        (RUNS, "duration", "Invalid attribute key 'duration'"),
        (RUNS, "experiment_id", "Invalid attribute key 'experiment_id'"),
        (RUNS, "datasets.name", "Invalid entity type 'datasets'"),
        (RUNS, "min(start_time)", "it is of metrics only, not of attribute 'start_time'"),
        (EXPERIMENTS, "tags.x", "Invalid entity type 'tags'. Valid values are attribute"),
        (EXPERIMENTS, "artifact_location", "Invalid attribute key 'artifact_location'"),
        (LOGGED_MODELS, "params.x", "Invalid entity type 'params'. Valid values are attribute, metric"),
    ],
)
def test_what_can_not_be_ordered_by_is_refused(target: Target, clause: str, problem: str) -> None:
    with pytest.raises(InvalidSearch) as caught:
        parse_order_by([clause], target)
    assert problem in caught.value.message


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("name", Field(Kind.ATTRIBUTE, "name")),
        ("creation_time", Field(Kind.ATTRIBUTE, "creation_timestamp_ms")),
        ("attributes.last_updated_timestamp", Field(Kind.ATTRIBUTE, "last_updated_timestamp_ms")),
        ("metrics.a.b", Field(Kind.METRIC, "a.b")),
        ("metrics.top 5/acc", Field(Kind.METRIC, "top 5/acc")),
        ("metrics.`a b`", Field(Kind.METRIC, "a b")),
        ("max(metrics.a b)", Field(Kind.METRIC, "a b", Aggregate.MAX)),
    ],
)
def test_a_field_given_by_name_alone_has_its_key_as_it_is(name: str, field: Field) -> None:
    assert parse_order_field(name, LOGGED_MODELS) == field


@pytest.mark.parametrize("name", ["", "foo", "metrics.", "metrics.``", "tags.a", "max(name)", "avg(metrics.a)", "a\0"])
def test_a_name_without_a_field_is_refused(name: str) -> None:
    with pytest.raises(InvalidSearch):
        parse_order_field(name, LOGGED_MODELS)


@given(st.text(st.characters()), st.sampled_from([RUNS, EXPERIMENTS, LOGGED_MODELS]))
def test_any_text_is_an_order_or_refused(text: str, target: Target) -> None:
    for read in (lambda: parse_order_by([text], target), lambda: parse_order_field(text, target)):
        with contextlib.suppress(InvalidSearch):
            read()


def test_an_order_has_its_limit() -> None:
    clauses = [f"metrics.m{number}" for number in range(MAX_ORDERS)]
    assert len(parse_order_by(clauses + clauses, RUNS)) == MAX_ORDERS
    with pytest.raises(InvalidSearch, match=f"at most {MAX_ORDERS} fields"):
        parse_order_by([*clauses, "start_time"], RUNS)
