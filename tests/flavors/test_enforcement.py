"""Data that is not what a model's signature says is refused, and the message names the column."""

from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest

from trackback.errors import InvalidParameter
from trackback.flavors import infer_signature
from trackback.flavors.enforcement import enforce_inputs
from trackback.flavors.nested import enforce_params
from trackback.flavors.schema import ColSpec, DataType, Schema

TABLE = pandas.DataFrame({"age": [1.5, 2.5], "name": ["a", "b"], "count": [1, 2]})
SIGNATURE = infer_signature(TABLE, params={"k": 1, "names": ["x"], "rate": 0.5})
COLUMNS: Any = SIGNATURE.inputs


@pytest.mark.parametrize(
    "data",
    [
        TABLE,
        TABLE[["count", "name", "age"]],
        TABLE.assign(more=1),
        polars.DataFrame(TABLE.to_dict("list")),
        pyarrow.table(TABLE.to_dict("list")),
        TABLE.to_dict("list"),
        TABLE.to_dict("records"),
    ],
    ids=["pandas", "other order", "one more column", "polars", "arrow", "dict of columns", "list of rows"],
)
def test_any_table_becomes_one_with_the_models_columns_in_its_order(data: Any) -> None:
    pandas.testing.assert_frame_equal(enforce_inputs(data, COLUMNS), TABLE)


def test_a_missing_column_is_named_with_those_that_are_too_many() -> None:
    with pytest.raises(
        InvalidParameter, match=r"needs column 'age', which .* it has column 'Age', which the model does"
    ):
        enforce_inputs(TABLE.rename(columns={"age": "Age"}), COLUMNS)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("age", ["x", "y"], "column 'age' has the type str, and the model takes double"),
        ("count", [1.5, 2.0], r"column 'count' has the type float64, and the model takes long.* astype\('int64'\)"),
        ("count", [1.0, None], "column 'count' .* has missing values, for which integers have none"),
        ("name", [1, 2], "column 'name' has the type int64, and the model takes string"),
        ("age", [2**53 + 1, 0], "column 'age' has the type int64, and the model takes double"),
    ],
)
def test_a_column_whose_values_would_change_is_refused_by_name(column: str, values: list[Any], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        enforce_inputs(TABLE.assign(**{column: values}), COLUMNS)


@pytest.mark.parametrize("names", [[0, 1], ["0", "1"]])
def test_numbered_columns_are_found_by_number_and_as_json_names_them(names: list[Any]) -> None:
    schema: Any = infer_signature(pandas.DataFrame([[1.5, 2.5]])).inputs

    assert enforce_inputs(pandas.DataFrame([[1.5, 2.5]], columns=names), schema).to_numpy().tolist() == [[1.5, 2.5]]


def test_a_column_that_is_not_required_may_be_missing() -> None:
    schema = Schema((ColSpec(DataType.DOUBLE, "a"), ColSpec(DataType.DOUBLE, "b", required=False)))

    assert list(enforce_inputs(pandas.DataFrame({"a": [1.5]}), schema).columns) == ["a"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"x": "no"}], r"column 'a'\[0\]\['x'\] has 'no', a str, and the model takes double"),
        ([{}], r"column 'a'\[0\] lacks 'x'"),
        ([{"x": 1.5, "y": 1}], r"column 'a'\[0\] has 'y', which the model does not know"),
        ("no", "column 'a' has a str, and the model takes array"),
        (None, "column 'a' has no value"),
    ],
)
def test_a_value_inside_a_column_is_refused_by_the_path_to_it(value: Any, message: str) -> None:
    schema: Any = infer_signature(pandas.DataFrame({"a": [[{"x": 1.5}]]})).inputs

    with pytest.raises(InvalidParameter, match=message):
        enforce_inputs(pandas.DataFrame({"a": [value]}), schema)


ARRAY: Any = infer_signature(numpy.zeros((2, 3), dtype="float32")).inputs


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (numpy.zeros((2, 3)), "the input has the type float64, and the model takes float32"),
        (numpy.zeros((2, 4), dtype="float32"), r"the input has the shape \(2, 4\), the model takes \(-1, 3\)"),
        ([["a"]], "the input can't be made an array of float32"),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused(data: Any, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        enforce_inputs(data, ARRAY)


def test_plain_numbers_take_the_models_type() -> None:
    assert enforce_inputs([[1, 2, 3]], ARRAY).dtype == "float32"


def test_arrays_by_name_are_told_apart() -> None:
    schema: Any = infer_signature({"a": numpy.zeros((2, 3)), "b": numpy.zeros(2)}).inputs

    with pytest.raises(InvalidParameter, match="needs column 'b'"):
        enforce_inputs({"a": numpy.zeros((1, 3))}, schema)
    with pytest.raises(InvalidParameter, match="input 'b' has the type int64"):
        enforce_inputs({"a": numpy.zeros((1, 3)), "b": numpy.array([1])}, schema)


def test_params_keep_their_defaults_unless_given() -> None:
    assert enforce_params({"rate": 1}, SIGNATURE.params) == {"k": 1, "names": ["x"], "rate": 1.0}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"depth": 1}, "the model has no param 'depth'; its signature has: k, names, rate"),
        ({"k": 1.5}, r"param\) 'k' has 1.5, a float, and the model takes long"),
        ({"names": "x"}, "param 'names' takes a list of string, not 'x'"),
    ],
)
def test_a_param_that_the_signature_has_not_is_refused_by_name(params: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        enforce_params(params, SIGNATURE.params)
