"""Signatures: what is inferred from data, and how they are written. Schemas are compared with MLflow's own."""

import json
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pytest

from tests.environments import Environment
from tests.flavors.conftest import NO_SERVER, SCRIPTS
from trackback.errors import InvalidModel, InvalidParameter
from trackback.flavors import ModelSignature, infer_signature
from trackback.flavors.enforcement import enforce_inputs
from trackback.flavors.mlmodel import SignatureText
from trackback.flavors.schema import ColSpec, DataType, ParamSpec, Schema

# Columns as expressions, since MLflow's side of the comparison runs in another process.
COLUMNS = (
    "np.array([1, 2], dtype='int8')",
    "np.array([1, 2], dtype='int32')",
    "np.array([1, 2], dtype='int64')",
    "np.array([1, 0], dtype='int64')",
    "np.array([1, 2], dtype='uint8')",
    "np.array([1, 2], dtype='uint32')",
    "np.array([1, 2], dtype='float32')",
    "np.array([1.5, 2.5], dtype='float64')",
    "np.array([1.0, np.nan])",
    "[True, False]",
    "['a', 'b']",
    "np.array(['a', None], dtype=object)",
    "[b'a', b'b']",
    "pd.to_datetime(['2026-01-01', '2026-01-02'])",
    "np.array(['2026-01-01'] * 2, dtype='datetime64[s]')",
)
TYPES = tuple(kind.value for kind in DataType)
EXAMPLES = (
    "pd.DataFrame({'a': [1, 2], 'b': [1.5, None], 'c': ['x', None], 'd': [True, False]})",
    "pd.DataFrame({'a': pd.to_datetime(['2026-01-01']), 'b': [b'x'], 'c': np.array([1], dtype='int16')})",
    "pd.DataFrame({'a': [[1, 2], [3]], 'b': [{'x': 1}, {'x': 2, 'y': 'z'}]})",
    "pd.Series([1.5], name='a')",
    "pd.DataFrame([[1, 'x'], [2, 'y']])",
    "np.zeros((2, 3))",
    "np.array(['a', 'bc'])",
    "{'a': np.zeros((2, 3), dtype='float32'), 'b': np.array([1, 2])}",
    "{'a': 1, 'b': ['x'], 'c': {'d': 1.5}}",
    "[{'a': 1, 'b': 'x'}, {'a': 2}]",
    "['a', 'b']",
    "[[1.5], [2.5]]",
    "'text'",
)
NAMES = {"pd": pandas, "np": numpy}


def accepted(column: str, wanted: str) -> str | None:
    frame = pandas.DataFrame({"a": eval(column, NAMES)})
    try:
        return str(enforce_inputs(frame, Schema((ColSpec(DataType(wanted), "a"),)))["a"].dtype)
    except InvalidParameter:
        return None


@pytest.fixture(scope="module")
def in_mlflow() -> tuple[dict[str, dict[str, str | None]], dict[str, str]]:
    arguments = (json.dumps(each) for each in (COLUMNS, TYPES, EXAMPLES))
    output = Environment("mlflow3").run(SCRIPTS / "enforce_in_mlflow.py", *arguments, tracking_uri=NO_SERVER)
    accepted, schemas = json.loads(output.splitlines()[-1])
    return accepted, schemas


def test_columns_become_what_mlflow_lets_them_and_64_bit_integers_exact_floats(in_mlflow: Any) -> None:
    ours = {column: {wanted: accepted(column, wanted) for wanted in TYPES} for column in COLUMNS}

    different = {
        (column, wanted): (found, ours[column][wanted])
        for column, answers in in_mlflow[0].items()
        for wanted, found in answers.items()
        if ours[column][wanted] != found
    }
    integers = [f"np.array([1, 2], dtype='{name}')" for name in ("int8", "int32", "int64", "uint8", "uint32")]
    assert different == {
        ("np.array([1, 2], dtype='int64')", "double"): (None, "float64"),
        **{(column, "float"): (None, "float32") for column in integers},
        # MLflow takes any object for a boolean.
        ("[b'a', b'b']", "boolean"): ("object", None),
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_schema_of_data_is_the_one_that_mlflow_infers(in_mlflow: Any, example: str) -> None:
    signature = infer_signature(eval(example, NAMES))

    assert signature.inputs is not None
    assert json.loads(signature.inputs.to_json()) == json.loads(in_mlflow[1][example])


@pytest.mark.parametrize("library", ["polars", "arrow"])
def test_tables_of_other_libraries_give_the_schema_of_the_same_table_in_pandas(library: str) -> None:
    columns: dict[str, Any] = {"a": [1, 2], "b": [1.5, None], "c": ["x", "y"], "d": [True, False]}
    table = polars.DataFrame(columns) if library == "polars" else pyarrow.table(columns)

    assert infer_signature(table) == infer_signature(pandas.DataFrame(columns))


def test_a_signature_is_read_as_it_was_written() -> None:
    signature = infer_signature(
        pandas.DataFrame({"a": [1], "b": [[{"x": [1.5]}]]}), numpy.zeros((2, 3)), {"k": 3, "names": ["x"], "t": 0.5}
    )

    assert ModelSignature.from_text(signature.to_text()) == signature


def test_params_have_the_types_of_their_defaults() -> None:
    signature = infer_signature(params={"k": 3, "names": ["x"]})

    assert signature.params == (
        ParamSpec("k", DataType.LONG, 3),
        ParamSpec("names", DataType.STRING, ["x"], is_list=True),
    )


def test_a_column_of_two_types_is_refused_by_name() -> None:
    with pytest.raises(InvalidParameter, match="column 'a' has values of more than one type, long and string"):
        infer_signature(pandas.DataFrame({"a": [1, "x"]}))


def test_a_column_of_a_type_that_signatures_have_none_for_is_refused_by_name() -> None:
    with pytest.raises(InvalidParameter, match="column 'a' has the type complex128"):
        infer_signature(pandas.DataFrame({"a": [1j]}))


@pytest.mark.parametrize("text", ["[{}]", "{", '[{"type": "quaternion"}]', "7", '[{"type": "array"}]'])
def test_a_damaged_signature_is_refused(text: str) -> None:
    with pytest.raises(InvalidModel, match="is not a schema"):
        ModelSignature.from_text(SignatureText(inputs=text))
