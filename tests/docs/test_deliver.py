"""The pages on delivery say what is so: options, exit codes, kinds of checks, metrics, and examples that work."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.docs.markdown import ROOT, blocks, quoted, section, tables
from trackback.cli.main import commands
from trackback.delivery.evaluation.cases import Case, Classified, Estimated, Ranked
from trackback.delivery.evaluation.check_kinds import CHECKS, DELTAS
from trackback.delivery.evaluation.metrics import metrics_of
from trackback.delivery.evaluation.metrics.functions import NAMES
from trackback.delivery.evaluation.spec import FunctionSpec, SliceSpec, Spec, read_spec
from trackback.delivery.exits import ExitCode
from trackback.delivery.pipelines.file import read_pipeline

PAGE = ROOT / "docs" / "reference" / "deliver.md"
GUIDE = ROOT / "docs" / "deliver.md"
NONE = np.zeros(2, dtype=np.int64)


@pytest.mark.parametrize("command", ["validate", "delta", "init", "run"])
def test_each_option_is_explained(command: str) -> None:
    printed = CliRunner().invoke(commands, ["deliver", command, "--help"], catch_exceptions=False).output
    flags = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", printed, re.MULTILINE)) - {"--help"}
    rows = [row for table in tables(PAGE, f"## `trackback deliver {command}`") for row in table]
    explained = {flag for row in rows for flag in quoted(row[0]) if flag.startswith("--") and " " not in flag}
    assert explained - {"--against"} | ({"--against"} if command == "delta" else set()) == flags


def test_each_exit_code_is_explained() -> None:
    (rows,) = tables(PAGE, "## Exit codes")
    assert {int(code) for row in rows for code in row[0].split(", ")} == {*map(int, ExitCode), 143}


@pytest.mark.parametrize(("heading", "kinds"), [("### Checks", CHECKS), ("### Checks of differences", DELTAS)])
def test_each_kind_of_check_is_there_with_its_fields(heading: str, kinds: dict[str, type]) -> None:
    (rows,) = tables(PAGE, heading)
    told = {quoted(kind)[0]: set(quoted(fields)) for kind, fields, _ in rows}
    assert told == {name: set(kind.__struct_fields__) - {name} for name, kind in kinds.items()}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("heading", "kind"), [("## The spec file", Spec), ("### Slices", SliceSpec), ("### Functions", FunctionSpec)]
)
def test_each_field_of_a_spec_is_explained(heading: str, kind: type) -> None:
    rows = tables(PAGE, heading)[0]
    assert {field for row in rows for field in quoted(row[0])} == set(kind.__struct_fields__)  # type: ignore[attr-defined]


def test_what_a_function_is_given_is_named() -> None:
    told = set(quoted(section(PAGE, "### Functions")))
    assert set(NAMES) - {"y_prob", "y_proba"} <= told


@pytest.mark.parametrize(
    ("task", "case"),
    [
        ("classification", Classified(("a", "b"), NONE, NONE, np.full((2, 2), 1 / 2), 1)),
        ("classification", Classified(("a", "b", "c"), NONE, NONE, np.full((2, 3), 1 / 3))),
        ("regression", Estimated(np.zeros(2), np.zeros(2))),
        ("ranking", Ranked(np.zeros(2), np.zeros(2), NONE)),
    ],
)
def test_each_metric_is_named(task: str, case: Case) -> None:
    (rows,) = tables(PAGE, "### Tasks")
    (told,) = (set(quoted(metrics)) for name, _, metrics in rows if quoted(name) == [task])
    assert {re.sub(r"\[.*\]", "[class]", metric.name) for metric in metrics_of(case)} <= told


@pytest.mark.parametrize("page", [PAGE, GUIDE], ids=["reference", "guide"])
def test_the_examples_of_files_are_read(page: Path, tmp_path: Path) -> None:
    read = 0
    for block in blocks(page, "yaml"):
        path = tmp_path / "example.yaml"
        path.write_text(block.text)
        if "verdicts:" in block.text:
            continue
        read += 1
        if "stages:" in block.text:
            assert read_pipeline(path).stages
        else:
            assert read_spec(path).checks
    assert read
