"""NOT turns each comparison into its opposite; a missing key matches neither."""

from hypothesis import given, strategies as st

from tests.unit.search import trees
from trackback.search import RUNS, And, Comparison, Field, Kind, Node, Operator, parse_filter

LOSS = Field(Kind.METRIC, "loss")
MODEL = Field(Kind.PARAM, "model")
START = Field(Kind.ATTRIBUTE, "start_time")

_numbers = st.sampled_from([0.0, 1.0, 2.0])
_names = st.sampled_from(["tree", "Tree", "bayes"])
_patterns = st.sampled_from(["tree", "t%", "%E%", "____"])
_leaves = st.one_of(
    st.builds(Comparison, st.sampled_from([LOSS, START]), st.sampled_from(list(Operator)[:6]), _numbers),
    st.builds(Comparison, st.just(MODEL), st.sampled_from([Operator.EQUAL, Operator.NOT_EQUAL]), _names),
    st.builds(Comparison, st.just(MODEL), st.sampled_from(list(Operator)[6:10]), _patterns),
    st.builds(
        Comparison,
        st.just(MODEL),
        st.sampled_from([Operator.IN, Operator.NOT_IN]),
        st.lists(_names, min_size=1, unique=True).map(tuple),
    ),
    st.builds(Comparison, st.sampled_from([LOSS, MODEL]), st.sampled_from([Operator.IS_NULL, Operator.IS_NOT_NULL])),
)
_runs = st.fixed_dictionaries({LOSS: _numbers, START: _numbers, MODEL: _names})


@given(trees.trees(_leaves), _runs)
def test_a_run_that_has_all_fields_matches_a_filter_or_its_negation(tree: Node, run: trees.Run) -> None:
    text = trees.written(tree)
    assert trees.matches(run, parse_filter(text, RUNS)) is not trees.matches(run, parse_filter(f"NOT ({text})", RUNS))


@given(trees.trees())
def test_a_double_negation_changes_nothing(tree: Node) -> None:
    text = trees.written(tree)
    assert parse_filter(f"NOT (NOT ({text}))", RUNS) == parse_filter(text, RUNS)


@given(trees.comparisons.filter(lambda comparison: comparison.value is not None))
def test_a_run_without_the_field_matches_neither_a_comparison_nor_its_negation(comparison: Comparison) -> None:
    text = trees.written(comparison)
    assert not trees.matches({}, parse_filter(text, RUNS))
    assert not trees.matches({}, parse_filter(f"NOT {text}", RUNS))


def test_is_null_is_the_one_comparison_that_asks_for_a_missing_field() -> None:
    tree = parse_filter("params.model IS NULL AND NOT metrics.loss IS NOT NULL", RUNS)
    assert isinstance(tree, And)
    assert trees.matches({}, tree)
    assert not trees.matches({MODEL: "tree"}, tree)
