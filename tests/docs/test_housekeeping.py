"""The page on keeping house says what is so: each command's options, and the calls with their fields."""

import re

import msgspec
import pytest
from click.testing import CliRunner

from tests.docs.markdown import ROOT, quoted, tables
from trackback.cli.main import commands
from trackback.entities import Garbage
from trackback.server.api import house
from trackback.server.mlflow.endpoints import Rpc

PAGE = ROOT / "docs" / "reference" / "housekeeping.md"


@pytest.mark.parametrize("command", ["gc", "purge", "backup", "restore"])
def test_every_option_of_a_command_is_explained(command: str) -> None:
    printed = CliRunner().invoke(commands, [command, "--help"], catch_exceptions=False).output
    (rows,) = tables(PAGE, f"## `trackback {command}`")
    options = set(re.findall(r"^  (?:-h, )?(--[\w-]+)", printed, re.MULTILINE)) - {"--help"}
    assert {option for cells in rows for option in quoted(cells[0])} == options


def test_every_call_is_there_with_its_fields() -> None:
    (rows,) = tables(PAGE, "## Calls")
    calls = {}
    for route in house.ROUTES:
        assert isinstance(route.endpoint, Rpc)
        fields = msgspec.structs.fields(route.endpoint.request)
        calls[f"{route.method} {route.path}"] = [(field.name, field.required) for field in fields]
    shown = {
        quoted(call)[0]: [(quoted(field)[0], field.endswith(r"\*")) for field in fields.split(", ")]
        for call, fields, _ in rows
    }
    assert shown == calls


def test_every_kind_of_garbage_is_named() -> None:
    (rows,) = tables(PAGE, "## Calls")
    assert set(Garbage) <= set(quoted(rows[0][2]))
