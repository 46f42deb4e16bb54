"""Metrics of one's own: whatever they do, the stage goes on or tells what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trackback.delivery.evaluation.metrics import Metric
from trackback.delivery.evaluation.metrics.functions import Given, load_function
from trackback.delivery.evaluation.spec import FunctionSpec
from trackback.errors import InvalidParameter

ROWS = 10


def function(folder: Path, body: str, parameters: str = "target, data") -> Metric:
    file = folder / "own.py"
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    file.write_text(f"def own({parameters}):\n{lines}")
    return load_function(FunctionSpec("own", "own", file=str(file)))


def given() -> Given:
    target = np.arange(ROWS, dtype=float)
    return Given({"target": target, "data": pd.DataFrame({"x": target})}, ROWS)


def test_what_it_prints_is_no_output_of_the_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metric = function(tmp_path, "print('looked at', len(data))\nreturn target.mean()")
    metric.replicates(given(), np.ones((3, ROWS)))
    assert metric.of(given()) == 4.5
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "looked at 10\n")


def test_what_it_writes_to_its_arguments_stays_with_it(tmp_path: Path) -> None:
    metric = function(tmp_path, "data['seen'] = 1\ndata['x'] = 0\ntarget[:] = 0\nreturn 1")
    all_rows = given()
    metric.of(all_rows)
    assert list(all_rows.values["data"].columns) == ["x"]
    assert all_rows.values["data"]["x"].sum() == all_rows.values["target"].sum() == 45


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise KeyError('region')", "raised KeyError on 10 rows: 'region'"),
        ("import sys\nsys.exit(3)", "raised SystemExit on 10 rows: 3"),
        ("return None", "is to return a number, and returned NoneType: 'None'"),
        ("return target", "is to return a number, and returned ndarray"),
    ],
)
def test_one_that_fails_on_all_rows_is_wrong_input(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(InvalidParameter, match=said):
        function(tmp_path, body).of(given())


def test_one_that_fails_on_some_rows_has_no_value_of_these(tmp_path: Path) -> None:
    metric = function(tmp_path, f"if len(target) < {ROWS}:\n    raise ZeroDivisionError\nreturn 1")
    assert metric.of(given()) == 1
    assert np.isnan(metric.of(given().take(np.arange(3))))


def test_no_number_is_no_value(tmp_path: Path) -> None:
    assert np.isnan(function(tmp_path, "return float('nan')").of(given()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def other(): ...", "there is no own in"),
        ("own = 3", "own in .* is no function"),
        ("import nothing_of_the_kind", "can't be imported: ModuleNotFoundError"),
        ("import sys; sys.exit('no')", "can't be imported: SystemExit"),
        ("def own(a, b): ...", r"own\(a, b\) takes nothing of what there is: target, "),
        ("def own(:", "can't be imported: SyntaxError"),
    ],
)
def test_one_that_is_not_there_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "own.py").write_text(text)
    with pytest.raises(InvalidParameter, match=said):
        load_function(FunctionSpec("own", "own", file=str(tmp_path / "own.py")))


def test_a_file_that_is_not_there_and_what_a_model_does_not_tell(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="There is no file"):
        load_function(FunctionSpec("own", "own", file=str(tmp_path / "none.py")))
    with pytest.raises(InvalidParameter, match="wants 'probabilities', which this model does not tell"):
        function(tmp_path, "return 1", "probabilities").of(given())
    assert function(tmp_path, "return 1 if probabilities is None else 2", "target, probabilities=None").of(given()) == 1
