"""The page on scoring says what is so: options, error codes, probes."""

import re

import pytest
from click.testing import CliRunner

from tests.docs.markdown import ROOT, quoted, tables
from tests.docs.test_reference import options_in_help
from trackback.cli.main import commands

PAGE = ROOT / "docs" / "reference" / "scoring.md"


def flags(command: str) -> set[str]:
    printed = CliRunner().invoke(commands, ["models", command, "--help"], catch_exceptions=False).output
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", printed, re.MULTILINE)) - {"--help"}


def test_each_option_of_serve_is_there_with_its_variable_and_default() -> None:
    (rows,) = tables(PAGE, "## `trackback models serve`")
    described = {
        (quoted(flag)[0], quoted(variable)[0], "".join(quoted(default))) for flag, variable, default, _ in rows
    }
    assert described == {
        (flag.split("/")[0].rstrip(","), variable, default)
        for flag, variable, default in options_in_help("models", "serve")
    }
    assert flags("serve") - {flag for flag, *_ in described} == {"--model-uri", "--trust", "--server"}


def test_each_option_of_predict_is_explained() -> None:
    (rows,) = tables(PAGE, "## `trackback models predict`")
    assert {quoted(option)[0] for option, _ in rows} == flags("predict")


@pytest.mark.parametrize("path", ["/ping", "/health", "/version", "/metrics"])
def test_each_probe_is_there(path: str) -> None:
    (rows,) = tables(PAGE, "## Probes")
    assert path in {quoted(cells[0])[0] for cells in rows}
