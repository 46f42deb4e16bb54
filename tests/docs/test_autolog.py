"""The reference of autologging names every library, every argument with its default, and functions that are there."""

from dataclasses import MISSING, fields

import trackback
from tests.docs.markdown import ROOT, quoted, section, tables
from trackback.autologging.evaluations import INFO_FILE, MOST_METRICS
from trackback.autologging.settings import Settings
from trackback.autologging.table import ENTRY_POINTS, OURS, integrations

PAGE = ROOT / "docs" / "reference" / "autolog.md"


def default(field: object) -> str:
    """As the page shows it."""
    value = getattr(field, "default")  # noqa: B009 - of any dataclass
    value = getattr(field, "default_factory")() if value is MISSING else value  # noqa: B009
    return str(list(value) if isinstance(value, tuple) else value)


def test_each_argument_is_there_with_its_default_and_libraries() -> None:
    (rows,) = tables(PAGE, "## Arguments")
    told = {quoted(name)[0]: (quoted(value)[0], libraries) for name, value, libraries, _ in rows}

    common = {field.name for field in fields(Settings)}
    expected = {}
    for field in [field for each in integrations().values() for field in fields(each.kind_of_settings)]:
        having = [
            name
            for name, each in integrations().items()
            if field.name in {own.name for own in fields(each.kind_of_settings)}
        ]
        expected[field.name] = (default(field), "all" if field.name in common else ", ".join(sorted(having)))
    assert told == expected


def test_each_library_has_the_functions_that_the_page_names() -> None:
    text = section(PAGE, "## MLflow's functions for a library")
    named = {name.removeprefix("mlflow.") for name in quoted(text) if name.startswith("mlflow.")}

    assert named >= (set(OURS) | {"pyfunc", "pytorch", "onnx"})
    for name in named:
        assert all(callable(getattr(getattr(trackback, name), each)) for each in ("log_model", "load_model"))


def test_names_of_files_and_numbers_are_true() -> None:
    text = PAGE.read_text()

    assert f"`{INFO_FILE}`" in text
    assert f"{MOST_METRICS:,} of these at most" in text
    assert f'entry-points."{ENTRY_POINTS}"' in text
