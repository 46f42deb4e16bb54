"""What the filter language has beyond MLflow's, target by target."""

import pytest
from hypothesis import given

from tests.unit.search import trees
from trackback.search import (
    EXPERIMENTS,
    LOGGED_MODELS,
    RUNS,
    Aggregate,
    And,
    Comparison,
    Field,
    InvalidSearch,
    Kind,
    Node,
    Operator,
    Or,
    Target,
    Value,
    parse_filter,
)


def attribute(key: str, operator: str, value: Value = None) -> Comparison:
    return Comparison(Field(Kind.ATTRIBUTE, key), Operator(operator), value)


def metric(key: str, operator: str, value: Value = None, aggregate: Aggregate = Aggregate.LAST) -> Comparison:
    return Comparison(Field(Kind.METRIC, key, aggregate), Operator(operator), value)


def param(key: str, operator: str, value: Value = None) -> Comparison:
    return Comparison(Field(Kind.PARAM, key), Operator(operator), value)


def tag(key: str, operator: str, value: Value = None) -> Comparison:
    return Comparison(Field(Kind.TAG, key), Operator(operator), value)


A, B, C = (metric(key, ">", 1.0) for key in "abc")
LESS_A, LESS_B = (metric(key, "<=", 1.0) for key in "ab")


@pytest.mark.parametrize("text", [None, ""])
def test_an_empty_filter_matches_everything(text: str | None) -> None:
    assert parse_filter(text, RUNS) is None


@given(trees.trees())
def test_a_tree_that_is_written_out_is_read_back(tree: Node) -> None:
    assert parse_filter(trees.written(tree), RUNS) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("metrics.a > 1 OR metrics.b > 1 AND metrics.c > 1", Or((A, And((B, C))))),
        ("(metrics.a > 1 or metrics.b > 1) and metrics.c > 1", And((Or((A, B)), C))),
        ("((metrics.a > 1))", A),
        ("(metrics.a > 1 AND (metrics.b > 1 AND metrics.c > 1))", And((A, B, C))),
        ("metrics.a > 1 OR (metrics.b > 1 OR metrics.c > 1)", Or((A, B, C))),
        ("(metrics.a > 1 AND) OR (AND metrics.b > 1)", Or((A, B))),
        ("NOT metrics.a > 1", LESS_A),
        ("NOT NOT metrics.a > 1", A),
        ("NOT metrics.a > 1 AND metrics.b > 1", And((LESS_A, B))),
        ("NOT (metrics.a > 1 AND metrics.b > 1)", Or((LESS_A, LESS_B))),
        ("NOT (metrics.a > 1 OR NOT metrics.b > 1)", And((LESS_A, B))),
        ("NOT(NOT(metrics.a > 1 OR metrics.b > 1))", Or((A, B))),
    ],
)
def test_and_binds_stronger_than_or_and_not_is_pushed_to_the_comparisons(text: str, tree: Node) -> None:
    assert parse_filter(text, RUNS) == tree


@pytest.mark.parametrize(
    ("operator", "opposite"),
    [("=", "!="), ("<", ">="), ("<=", ">"), ("LIKE", "NOT LIKE"), ("ILIKE", "NOT ILIKE"), ("IN", "NOT IN")],
)
def test_operators_come_in_pairs_of_opposites(operator: str, opposite: str) -> None:
    assert Operator(operator).opposite is Operator(opposite)
    assert Operator(opposite).opposite is Operator(operator)


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("min(metrics.loss) < 0.1", metric("loss", "<", 0.1, Aggregate.MIN)),
        ("MAX(metric.`val acc`) >= 2", metric("val acc", ">=", 2.0, Aggregate.MAX)),
        ("last( metrics.loss ) != 0", metric("loss", "!=", 0.0)),
        ("min(metrics.loss) IS NULL", metric("loss", "IS NULL", None, Aggregate.MIN)),
        ("metrics.loss IS NULL", metric("loss", "IS NULL")),
        ("metrics.loss is  not\tnull", metric("loss", "IS NOT NULL")),
        ("NOT metrics.loss IS NULL", metric("loss", "IS NOT NULL")),
        ("metrics.loss IN (1, 2.5, 1.0)", metric("loss", "IN", (1.0, 2.5))),
        ("start_time NOT IN (1, 2)", attribute("start_time", "NOT IN", (1, 2))),
        ("params.x IN ('a', \"b\", 'a')", param("x", "IN", ("a", "b"))),
        ("tags.x NOT IN ('a')", tag("x", "NOT IN", ("a",))),
        ("status IN ('FAILED', 'KILLED')", attribute("status", "IN", ("FAILED", "KILLED"))),
        ("params.x NOT LIKE 'a%'", param("x", "NOT LIKE", "a%")),
        ("params.x not ilike 'a%'", param("x", "NOT ILIKE", "a%")),
        ("metrics.val/acc-top:5 > +1e+2", metric("val/acc-top:5", ">", 100.0)),
        ("\"run name\" = 'a'", attribute("run_name", "=", "a")),
        ("params.x = '\u00a0\U0001f600'", param("x", "=", "\u00a0\U0001f600")),
        ("metrics.x\u2003>\u00a01", metric("x", ">", 1.0)),
    ],
)
def test_comparisons_on_runs(text: str, comparison: Comparison) -> None:
    assert parse_filter(text, RUNS) == comparison


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("attributes.name IN ('a', 'b')", attribute("name", "IN", ("a", "b"))),
        ("experiment.name = 'a'", attribute("name", "=", "a")),
        ("experiment_id NOT IN ('3')", attribute("experiment_id", "NOT IN", (3,))),
        ("creation_time IN (1)", attribute("creation_time", "IN", (1,))),
        ("tags.x IN ('a')", tag("x", "IN", ("a",))),
    ],
)
def test_comparisons_on_experiments(text: str, comparison: Comparison) -> None:
    assert parse_filter(text, EXPERIMENTS) == comparison


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("status = 'READY'", attribute("status", "=", "LOGGED_MODEL_READY")),
        ("status != FAILED", attribute("status", "!=", "LOGGED_MODEL_UPLOAD_FAILED")),
        (
            "status IN ('PENDING', 'LOGGED_MODEL_READY')",
            attribute("status", "IN", ("LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY")),
        ),
        ('name = "x"', attribute("name", "=", "x")),
        ('metrics."a b" > 1', metric("a b", ">", 1.0)),
        ("param.x IS NULL", param("x", "IS NULL")),
        ("model_id = m-123abc", attribute("model_id", "=", "m-123abc")),
        ("params.lr = 1e-3", param("lr", "=", "1e-3")),
        ("attributes.creation_time > 1", attribute("creation_timestamp_ms", ">", 1)),
    ],
)
def test_comparisons_on_logged_models(text: str, comparison: Comparison) -> None:
    assert parse_filter(text, LOGGED_MODELS) == comparison


@pytest.mark.parametrize(
    ("target", "text", "problem"),
    [
        (
            RUNS,
            "experiment_id = '1'",
            "Valid keys are run_id, run_name, user_id, status, artifact_uri, start_time, end",
        ),
        (EXPERIMENTS, "params.x = 'a'", "Invalid entity type 'params'"),
        (EXPERIMENTS, "metrics.x > 1", "Valid values are attribute, tag"),
        (EXPERIMENTS, "run.name = 'a'", "Invalid entity type 'run'"),
        (EXPERIMENTS, "experiment_id LIKE '1%'", "Invalid comparator 'LIKE' for attribute 'experiment_id'"),
        (EXPERIMENTS, "experiment_id = 'one'", "Invalid experiment ID"),
        (EXPERIMENTS, "name = default", "Expected a quoted string value"),
        (LOGGED_MODELS, "datasets.name = 'a'", "Invalid entity type 'datasets'"),
        (LOGGED_MODELS, "status = 'READ'", "it is one of PENDING, READY, FAILED"),
        (LOGGED_MODELS, "status LIKE 'R%'", "Invalid comparator 'LIKE' for attribute 'status'"),
        (LOGGED_MODELS, "last_updated_time > 1", "did you mean 'last_updated_timestamp'?"),
        (LOGGED_MODELS, "name = `x`", "Expected a quoted string value"),
    ],
)
def test_a_target_has_its_own_fields(target: Target, text: str, problem: str) -> None:
    with pytest.raises(InvalidSearch) as caught:
        parse_filter(text, target)
    assert problem in caught.value.message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("start_time = 9223372036854775807", 2**63 - 1),
        ("start_time = -9223372036854775808", -(2**63)),
        ("start_time = 9223372036854775808", float(2**63)),
        ("start_time = 1.5", 1.5),
    ],
)
def test_a_number_keeps_every_digit_as_long_as_it_has_64_bits(text: str, value: float) -> None:
    tree = parse_filter(text, RUNS)
    assert isinstance(tree, Comparison)
    assert (tree.value, type(tree.value)) == (value, type(value))
