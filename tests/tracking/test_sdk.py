"""What `import trackback` offers, and what it costs."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module

import trackback
from trackback import sdk


def test_every_name_of_the_sdk_is_there_and_known_to_type_checkers() -> None:
    (checked,) = (node for node in ast.parse(inspect.getsource(sdk)).body if isinstance(node, ast.If))
    imported = {
        alias.name: str(node.module)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == sdk.HOMES
    assert all(getattr(trackback, name) is getattr(import_module(home), name) for name, home in imported.items())
    assert set(imported) < set(dir(trackback))
    assert set(trackback.__all__) < set(imported)
    assert trackback.__all__ == sorted(trackback.__all__)


def test_libraries_are_not_hidden_by_importing_all() -> None:
    assert "autolog" in trackback.__all__
    assert "sklearn" not in trackback.__all__


def test_a_name_that_is_not_there_is_said_so() -> None:
    assert not hasattr(trackback, "log_metrik")


def test_no_heavy_library_is_imported_before_it_is_used() -> None:
    heavy = ("httpx", "numpy", "pandas", "yaml", "rich", "ssl", "starlette", "psutil", "sklearn")
    program = f"import sys, trackback; trackback.start_run; print([each for each in {heavy} if each in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "[]\n"
