"""What is replaced, how it looks, and that it is put back."""

import functools
import inspect
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trackback.autologging.patches import Patches

SOURCE = """
import functools

def decorated(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

def plain(x):
    "Plain."
    return x

@decorated
def checked(x: int, *, y: int = 2) -> int:
    "Checked."
    return x + y

class Base:
    def fit(self, x):
        "Fits."
        return x

class Model(Base):
    pass
"""


def doubled(original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return 2 * original(*args, **kwargs)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module ``lib.core``, and a package ``lib`` that has imported its functions."""
    core, package = types.ModuleType("lib.core"), types.ModuleType("lib")
    exec(SOURCE, core.__dict__)
    package.plain, package.checked = core.plain, core.checked  # type: ignore[attr-defined]
    package.core = core  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lib", package)
    monkeypatch.setitem(sys.modules, "lib.core", core)
    return core


def test_a_plain_function_is_replaced_wherever_its_library_has_it(library: Any) -> None:
    patches, before = Patches(), library.plain
    patches.function(library, "plain", doubled)

    assert library.plain(3) == sys.modules["lib"].plain(3) == 6
    assert pickle.loads(pickle.dumps(library.plain)) is library.plain
    assert (library.plain.__doc__, library.plain.__name__) == ("Plain.", "plain")
    patches.undo()
    assert library.plain is sys.modules["lib"].plain is before


def test_a_decorated_function_stays_itself(library: Any) -> None:
    patches, imported_before = Patches(), library.checked
    signature = inspect.signature(imported_before)
    patches.function(library, "checked", doubled)

    assert imported_before(1, y=4) == 10
    assert library.checked is imported_before
    assert inspect.signature(imported_before) == signature
    patches.undo()
    assert imported_before(1, y=4) == 5


def test_two_may_watch_the_same_function_and_leave_in_any_order(library: Any) -> None:
    first, second = Patches(), Patches()
    first.function(library, "checked", doubled)
    second.function(library, "checked", doubled)
    assert library.checked(1) == 12

    first.undo()
    assert library.checked(1) == 6
    second.undo()
    assert library.checked(1) == 3
    assert library.checked.__closure__[0].cell_contents is inspect.unwrap(library.checked)


def test_a_function_is_replaced_once(library: Any) -> None:
    patches = Patches()
    for _ in range(2):
        patches.function(library, "checked", doubled)
        patches.function(library, "plain", doubled)
        patches.method(library.Base, "fit", doubled)

    assert (library.checked(1), library.plain(1), library.Base().fit(1)) == (6, 2, 2)


def test_a_method_is_replaced_where_it_is_defined_or_in_the_class_that_inherits_it(library: Any) -> None:
    patches = Patches()
    patches.method(library.Model, "fit", doubled)
    assert library.Model().fit(3) == 3

    patches.method(library.Model, "fit", doubled, inherited=True)
    assert (library.Model().fit(3), library.Base().fit(3)) == (6, 3)
    patches.undo()
    assert "fit" not in vars(library.Model)
    assert library.Model().fit(3) == 3


def test_what_somebody_else_has_replaced_since_stays_theirs(library: Any) -> None:
    patches = Patches()
    patches.method(library.Base, "fit", doubled)
    ours = library.Base.fit
    library.Base.fit = theirs = functools.wraps(ours)(lambda self, x: ours(self, x) + 1)
    patches.undo()

    assert library.Base.fit is theirs


def test_what_is_no_plain_function_stays(library: Any) -> None:
    library.Base.kind = property(lambda self: "base")
    patches = Patches()
    patches.method(library.Base, "kind", doubled)
    patches.method(int, "bit_length", doubled)
    patches.function(library, "missing", doubled)

    assert library.Base().kind == "base"
    assert (3).bit_length() == 2
