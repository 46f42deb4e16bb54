"""MLflow's scoring protocol: each test runs against MLflow's own server, too."""

import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.environments import Environment
from tests.scoring.models import COLUMNS, iris, mixed
from tests.servers.scoring import Endpoint

pytestmark = pytest.mark.timeout(300)  # MLflow takes its time to start

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]]
SPECIES = [0, 2]
RECORDS = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
BY_COLUMN = {name: [row[place] for row in ROWS] for place, name in enumerate(COLUMNS)}

SPLIT = {"columns": COLUMNS, "data": ROWS}


FORMS: dict[str, dict[str, Any]] = {
    "split": {"dataframe_split": SPLIT},
    "split with its index": {"dataframe_split": {**SPLIT, "index": [0, 1]}},
    "split with names of rows": {"dataframe_split": {**SPLIT, "index": ["a", "b"]}},
    "records": {"dataframe_records": RECORDS},
    "instances": {"instances": RECORDS},
    "inputs by column": {"inputs": BY_COLUMN},
    "inputs by row": {"inputs": RECORDS},
    "no params": {"dataframe_split": SPLIT, "params": {}},
    "params that the model does not have": {"dataframe_split": SPLIT, "params": {"unknown": 1}},
    "a further field": {"dataframe_split": SPLIT, "further": 1},
}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
def test_every_form_of_rows_gets_the_same_predictions(iris_server: Endpoint, body: dict[str, Any]) -> None:
    answer = iris_server.post(body)
    assert (answer.status_code, answer.json()) == (200, {"predictions": SPECIES})
    assert answer.headers["content-type"] == "application/json"


def test_one_value_a_column_is_one_row(iris_server: Endpoint) -> None:
    assert iris_server.post({"inputs": RECORDS[1]}).json() == {"predictions": [2]}


def test_csv_has_a_row_a_line(iris_server: Endpoint) -> None:
    text = pd.DataFrame(ROWS, columns=COLUMNS).to_csv(index=False)
    assert iris_server.post(text, "text/csv").json() == {"predictions": SPECIES}
    assert iris_server.post(text, "text/csv; charset=UTF-8").json() == {"predictions": SPECIES}


def test_parquet_is_taken_as_it_is(iris_server: Endpoint) -> None:
    body = io.BytesIO()
    pd.DataFrame(ROWS, columns=COLUMNS).to_parquet(body)
    answer = iris_server.post(body.getvalue(), "application/vnd.apache.parquet")
    assert answer.json() == {"predictions": SPECIES}


def test_columns_are_told_by_their_names_and_further_ones_are_left_out(iris_server: Endpoint) -> None:
    backwards = [[*reversed(row), "x"] for row in ROWS]
    body = {"dataframe_split": {"columns": [*reversed(COLUMNS), "id"], "data": backwards}}
    assert iris_server.post(body).json() == {"predictions": SPECIES}


@pytest.mark.parametrize("value", ["0.2", 1, True], ids=repr)
def test_what_can_be_a_double_is_made_one(iris_server: Endpoint, value: object) -> None:
    body = {"dataframe_split": {"columns": COLUMNS, "data": [[5.1, 3.5, 1.4, value]]}}
    assert iris_server.post(body).json() == {"predictions": [0]}


def test_all_rows_of_a_data_set_are_predicted_in_order(iris_server: Endpoint) -> None:
    features, species = iris()
    answer = iris_server.post({"dataframe_split": features.to_dict(orient="split")})
    predictions = answer.json()["predictions"]
    assert len(predictions) == len(features)
    assert sum(predicted == true for predicted, true in zip(predictions, species, strict=True)) > 140


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"dataframe_split": SPLIT, "inputs": BY_COLUMN},
        [1, 2],
        "text",
        '{"dataframe_split": ',
        "",
        b"\xff\xfe",
        {"columns": COLUMNS, "data": ROWS},
        {"dataframe_split": []},
        {"dataframe_split": {"columns": COLUMNS}},
        {"dataframe_split": {**SPLIT, "names": []}},
        {"dataframe_split": {"columns": COLUMNS[:2], "data": ROWS}},
        {"dataframe_split": {**SPLIT, "index": [1]}},
        {"dataframe_records": {"a": 1}},
        {"dataframe_records": 5},
        {"dataframe_split": {"columns": COLUMNS, "data": [[5.1, 3.5, 1.4, "wide"]]}},
        {"inputs": {**BY_COLUMN, "petal_width": ["wide", 1]}},
        {"instances": [RECORDS[0], {**RECORDS[1], "petal_width": "wide"}]},
        {"instances": [RECORDS[0], {"petal_width": 1}]},
    ],
    ids=repr,
)
def test_what_is_no_such_body_is_a_bad_request(iris_server: Endpoint, body: Any) -> None:
    answer = iris_server.post(body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST"), answer.text


LACKING = {
    "one column": {"dataframe_split": {"columns": COLUMNS[1:], "data": [row[1:] for row in ROWS]}},
    "three columns": {"dataframe_records": [{"petal_width": 1.0}]},
    "three inputs": {"inputs": {"petal_width": [1.0]}},
    "names in instances": {"instances": ROWS},
    "names in a split": {"dataframe_split": {"data": ROWS}},
}


@pytest.mark.parametrize("body", LACKING.values(), ids=LACKING)
def test_a_missing_column_is_an_invalid_parameter(iris_server: Endpoint, body: Any) -> None:
    answer = iris_server.post(body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer.text
    assert "sepal_length" in answer.json()["message"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/json; charset=latin-1", "application/json; version=2", "text/csv;x=y"]
)
def test_other_content_types_are_refused_as_text(iris_server: Endpoint, content_type: str) -> None:
    answer = iris_server.post(b"{}", content_type)
    assert answer.status_code == 415
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("content_type", ["text/csv", "application/vnd.apache.parquet"])
def test_a_file_that_is_none_is_a_bad_request(iris_server: Endpoint, content_type: str) -> None:
    answer = iris_server.post(b"", content_type)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST"), answer.text


def test_a_body_that_is_not_utf_8_is_no_csv(iris_server: Endpoint) -> None:
    assert iris_server.post(b"\xff\xfe,\x00", "text/csv").status_code == 400


@pytest.mark.parametrize("token", ["NaN", "Infinity"])
def test_numbers_as_python_writes_them_are_read(iris_server: Endpoint, token: str) -> None:
    body = '{"dataframe_split": {"columns": ["sepal_length"], "data": [[NUMBER]]}}'
    answer = iris_server.post(body.replace("NUMBER", token))
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"  # the body was read: only columns are missing


def test_probes_answer(iris_server: Endpoint) -> None:
    ping, health, version = map(iris_server.get, ("/ping", "/health", "/version"))
    assert (ping.status_code, ping.text) == (200, "\n")
    assert health.status_code == 200
    assert (version.status_code, version.text) == (200, "3.17.2")
    assert {each.headers["content-type"] for each in (ping, health, version)} == {"application/json"}


def test_only_post_scores(iris_server: Endpoint) -> None:
    assert iris_server.get("/invocations").status_code == 405


def test_an_unknown_path_is_not_found(iris_server: Endpoint) -> None:
    assert iris_server.get("/predict").status_code == 404


@pytest.mark.parametrize("key", ["inputs", "instances"])
def test_an_array_is_taken_where_the_signature_has_one(array_server: Endpoint, key: str) -> None:
    assert array_server.post({key: ROWS}).json() == {"predictions": SPECIES}
    assert array_server.post({"dataframe_split": {"data": ROWS}}).json() == {"predictions": SPECIES}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"inputs": [[1.0, 2.0]]}, "INVALID_PARAMETER_VALUE"),
        ({"inputs": [1.0]}, "INVALID_PARAMETER_VALUE"),
        ({"inputs": {"a": [1.0]}}, "BAD_REQUEST"),
        ({"inputs": [["a", "b", "c", "d"]]}, "BAD_REQUEST"),
    ],
    ids=repr,
)
def test_an_array_of_another_shape_or_type_is_refused(array_server: Endpoint, body: Any, code: str) -> None:
    answer = array_server.post(body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code), answer.text


def rows_of_mixed() -> list[dict[str, Any]]:
    frame = mixed().head(4)
    return [{**record, "since": record["since"].isoformat()} for record in frame.to_dict(orient="records")]


@pytest.mark.parametrize("key", ["dataframe_records", "instances"])
def test_every_type_of_column_is_read(mixed_server: Endpoint, key: str) -> None:
    assert mixed_server.post({key: rows_of_mixed()}).json() == {"predictions": [False, True, False, True]}


def test_integers_may_be_written_as_floats(mixed_server: Endpoint) -> None:
    records = [{**record, "age": float(record["age"])} for record in rows_of_mixed()]
    assert mixed_server.post({"dataframe_records": records}).json() == {"predictions": [False, True, False, True]}


@pytest.mark.parametrize("change", [{"age": None}, {"age": "old"}, {"since": "yesterday"}, {"since": [1]}], ids=repr)
def test_a_value_that_its_column_can_not_have_is_a_bad_request(mixed_server: Endpoint, change: Any) -> None:
    answer = mixed_server.post({"dataframe_records": [{**rows_of_mixed()[0], **change}]})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST"), answer.text
    assert next(iter(change)) in answer.json()["message"]


@pytest.mark.parametrize(
    ("word", "predictions"),
    [
        ("as it is", ["as it is", "x"]),
        ("scalar", 7),
        ("fewer", ["fewer"]),
        ("frame", [{"a": 1, "b": "2020-01-31T00:00:00"}] * 2),
    ],
)
def test_whatever_a_model_returns_is_written_as_json(odd_server: Endpoint, word: str, predictions: Any) -> None:
    assert odd_server.post({"inputs": {"word": [word, "x"]}}).json() == {"predictions": predictions}


def test_what_is_no_number_is_written_as_python_does(odd_server: Endpoint) -> None:
    text = odd_server.post({"inputs": {"word": ["nan"]}}).text
    assert text.replace(" ", "") == '{"predictions":[NaN]}'


def test_a_model_that_raises_is_a_bad_request(odd_server: Endpoint) -> None:
    answer = odd_server.post({"inputs": {"word": ["raise"]}})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST"), answer.text


def test_what_json_can_not_hold_is_an_internal_error(odd_server: Endpoint) -> None:
    assert odd_server.post({"inputs": {"word": ["object"]}}).status_code == 500


def test_mlflows_own_client_is_answered(iris_server: Endpoint) -> None:
    script = Path(__file__).parent / "scripts" / "ask_as_mlflow_does.py"
    Environment("mlflow3").run(script, str(iris_server.port), tracking_uri="http://127.0.0.1:1")
