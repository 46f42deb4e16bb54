"""The page on what is captured says what is so: parts, variables and their defaults, commands, metrics, types."""

import re
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from tests.docs.markdown import ROOT, quoted, section, tables
from trackback.cli.main import commands
from trackback.provenance import CaptureOptions, SystemMetrics
from trackback.provenance.code import DIFF_PATH, SCRIPT_FOLDER
from trackback.provenance.datasets.arrays import column_of
from trackback.provenance.datasets.arrow import canonical_type
from trackback.provenance.environment import ALLOWED_VARIABLES, IMAGE_VARIABLE, LOCK_PATH
from trackback.provenance.notebook import NOTEBOOK_PATH
from trackback.provenance.options import SWITCH
from trackback.provenance.secrets import REDACTED

PAGE = ROOT / "docs" / "reference" / "capture.md"
ARRAYS = [
    np.zeros(1, kind)
    for kind in ("i1", "i8", "u1", "u8", "f2", "f4", "f8", "c8", "c16", "?", "U3", "S3", "M8[s]", "m8[s]")
]
ARROW = [
    *(pa.int16(), pa.float32(), pa.bool_(), pa.string(), pa.large_binary(), pa.date32(), pa.date64(), pa.time32("s")),
    *(pa.timestamp("us"), pa.timestamp("ns", "Europe/Berlin"), pa.duration("ms"), pa.decimal128(10, 2), pa.null()),
    *(pa.dictionary(pa.int8(), pa.string()), pa.string_view()),
]


def plain(default: object) -> str:
    """A default as the page shows it."""
    match default:
        case bool():
            return str(int(default))
        case float():
            return f"{default:g}"
        case tuple():
            return ""
    return str(default)


def test_each_option_is_there_with_its_default() -> None:
    (rows,) = tables(PAGE, "## To switch it off")
    told = {quoted(variable)[0]: "".join(quoted(default)) for variable, default, _ in rows}

    assert told == {SWITCH: "1"} | {
        f"{SWITCH}_{field.name.upper()}": plain(field.default) for field in fields(CaptureOptions)
    }


def test_files_are_where_the_page_says() -> None:
    text = section(PAGE, "# What is captured of a run")

    assert all(f"`{path}`" in text for path in (DIFF_PATH, f"{SCRIPT_FOLDER}/<name>", NOTEBOOK_PATH, LOCK_PATH))
    assert f"`{IMAGE_VARIABLE}`" in text
    assert f"`{REDACTED}`" in text


def test_variables_that_the_page_names_are_allowed() -> None:
    named = [name for name in quoted(section(PAGE, "### Environment variables")) if name.isupper() or "_" in name]

    assert named
    assert set(named) <= set(ALLOWED_VARIABLES)


def test_each_system_metric_is_named() -> None:
    text = " ".join(section(PAGE, "## System metrics").split())
    for name in SystemMetrics().sample():
        stem, _, end = name.rpartition("_")
        assert name in text or (f"`_{end}`" in text and stem in text), name


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.dtype))
def test_each_type_of_an_array_is_explained_with_its_parts(array: np.ndarray) -> None:
    column = column_of("x", array)

    assert_explained(column.type, [name for name, _ in column.chunk(0, 1).parts])


@pytest.mark.parametrize("kind", ARROW, ids=str)
def test_each_type_of_arrow_is_explained(kind: pa.DataType) -> None:
    assert_explained(canonical_type("x", kind), [])


def assert_explained(type_name: str, parts: list[str]) -> None:
    rows = tables(PAGE, "### The digest")[1]
    known = {name: quoted(own) for names, own, _ in rows for name in quoted(names)}
    bare = re.sub(r"\[.*", "", type_name)
    known |= dict.fromkeys(("int16", "int32", "uint16", "uint32"), known["int64"])
    matches = [name for name in known if name == type_name or re.sub(r"\[.*", "", name) == bare]

    assert matches, type_name
    assert not parts or known[matches[0]] == parts


@pytest.mark.parametrize("command", [["data", "get"], ["diff"]])
def test_commands_that_the_page_shows_are_there(command: list[str]) -> None:
    assert f"trackback {' '.join(command)} " in PAGE.read_text()
    assert CliRunner().invoke(commands, [*command, "--help"]).exit_code == 0
