"""Spec files: what is wrong in one is told with the line that it is in."""

import re
from pathlib import Path

import pytest

from trackback.delivery.evaluation.check_kinds import LatencyCheck, MetricCheck, MetricDelta
from trackback.delivery.evaluation.spec import RangeSpec, Spec, read_spec
from trackback.delivery.pipelines.templates import CHECKS
from trackback.errors import InvalidParameter


def read(folder: Path, text: str) -> Spec:
    path = folder / "checks.yaml"
    path.write_text(text)
    return read_spec(path)


def test_a_spec_says_what_is_measured_and_what_has_to_be_so(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        "task: regression\n"
        "slices:\n"
        "  - name: young\n"
        "    where: {age: {max: 30}, region: [north, south]}\n"
        "functions:\n"
        "  - {name: profit, file: profit.py, function: profit}\n"
        "checks:\n"
        "  - {metric: r2, min: 0.4, bound: lower, over: slices}\n"
        "  - {latency: p95, max_ms: 50}\n"
        "delta:\n"
        "  - {metric: r2, max_drop: 0.01}\n",
    )
    assert spec.task == "regression"
    assert spec.slices[0].where == {"age": RangeSpec(max=30), "region": ("north", "south")}
    assert spec.functions[0].file == str(tmp_path / "profit.py")
    assert spec.checks == (MetricCheck("r2", min=0.4, bound="lower", over="slices"), LatencyCheck("p95", 50))
    assert spec.delta == (MetricDelta("r2", 0.01),)


def test_the_spec_that_init_writes_is_one_commented_out_or_not(tmp_path: Path) -> None:
    assert read(tmp_path, CHECKS).checks
    every = read(tmp_path, re.sub(r"(?m)^( *)# ", r"\1", CHECKS.partition("\n\n")[2]))
    assert len(every.checks) > len(read(tmp_path, CHECKS).checks)
    assert len(every.slices) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: sorting\n", r"line 1 at 'task': Invalid enum value 'sorting'"),
        ("target: y\nmin_row: 3\n", r"line 2 at 'min_row': There is no field 'min_row'. Is it 'min_rows'\?"),
        ("target: y\nmodel: m\n", r"line 2 at 'model': There is no field 'model'. There are: task, target, "),
        ("slices:\n  - by: age\n    bin: 3\n", r"line 3 at 'slices\[0\].bin': .* Is it 'bins'\?"),
        ("delta:\n  - metric: a\n    max_dorp: 3\n", r"line 3 at 'delta\[0\].max_dorp': .* Is it 'max_drop'\?"),
        ("slices: [{name: a, where: {age: {maxi: 3}}}]\n", r"line 1 at .*maxi': .* Is it 'max'\?"),
        ("checks:\n  - metric: accuracy\n    min: high\n", r"line 3 at 'checks\[0\].min': Expected `float"),
        ("checks:\n  - metric: accuracy\n", r"line 2 at 'checks\[0\]': A metric's check needs"),
        (
            "checks:\n  - {size: model, max_mb: 3}\n  - metrik: a\n",
            r"line 3 at 'checks\[1\].metrik': .* Is it 'metric'\?",
        ),
        ("checks:\n  - {size: model, max_mb: 3}\n  - foo: a\n", r"line 3 at 'checks\[1\]': A check has one of"),
        ("checks:\n  - {latency: p50, max_ms: 0}\n", r"line 2 at 'checks\[0\].max_ms': Expected `float` > 0"),
        ("slices:\n  - where: {age: 3}\n", r"line 2 at 'slices\[0\]': A slice with 'where' needs a 'name'"),
        ("slices:\n  - {by: age, bins: [5, 3]}\n", r"'bins' go up"),
        ("bootstrap:\n  resamples: 5\n", r"line 2 at 'bootstrap.resamples': Expected `int` >= 100"),
        ("target: y\ntask: regression\ntarget: z\n", r"line 3: 'target' stands there twice"),
        ("checks: [\n", r"line 2: this is not YAML"),
        ("- a\n", r"line 1: Expected `object`, got `array`"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidParameter, match=said) as caught:
        read(tmp_path, text)
    assert str(tmp_path / "checks.yaml") in caught.value.message


def test_numbers_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    """YAML 1.1 takes 1e-3 for text."""
    assert read(tmp_path, "delta: [{metric: r2, max_drop: 1e-3}]\n").delta == (MetricDelta("r2", 0.001),)


def test_an_empty_file_is_a_spec_that_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "") == Spec()
