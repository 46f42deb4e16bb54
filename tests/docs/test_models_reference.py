"""The reference of models names every flavor, its options, and the errors and functions that there are."""

import inspect
import re

from tests.docs.markdown import ROOT, quoted, section, tables
from trackback import flavors
from trackback.flavors.table import OURS, flavor_named

PAGE = ROOT / "docs" / "reference" / "models.md"


def options(name: str) -> set[str]:
    """What a flavor's `save` takes, as its call of take_options has it."""
    source = inspect.getsource(type(flavor_named(name)).save)
    call = re.search(r"take_options\(self\.name, options(.*?)\)\n", source, re.DOTALL)
    return set(re.findall(r"(\w+)=", call[1])) if call else set()


def test_each_flavor_is_there_with_its_options() -> None:
    described = {quoted(row[0])[0]: set(quoted(row[3])) for row in tables(PAGE, "## Flavors")[0]}

    assert described == {name: options(name) for name in OURS}


def test_each_function_is_there_and_public() -> None:
    (rows,) = tables(PAGE, "## Functions")

    assert {quoted(row[0])[0].partition("(")[0] for row in rows} <= set(flavors.__all__)


def test_the_variable_that_trusts_everything_is_named() -> None:
    assert f"{flavors.trust.ENVIRONMENT_VARIABLE}=1" in section(PAGE, "## Trust")
