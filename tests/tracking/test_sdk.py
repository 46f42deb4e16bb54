"""What `import trackback` offers, and what it costs."""

import ast
import inspect
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

import trackback
from trackback import sdk
from trackback.client.keyed import Keyed
from trackback.entities import Param
from trackback.errors import MissingLibrary


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


def test_mlflows_modules_are_imported_by_their_names_and_bring_no_library() -> None:
    program = (
        "import sys, trackback.sklearn, trackback.pyspark.ml, trackback.data, trackback as mlflow\n"
        "from trackback.models import ModelSignature, infer_signature\n"
        "from trackback.pyfunc import PythonModel\n"
        "assert trackback.sklearn is mlflow.sklearn and mlflow.pyspark.ml.autolog\n"
        "print([each for each in ('numpy', 'pandas', 'sklearn', 'pyspark') if each in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "[]\n"


def test_what_a_client_receives_is_also_read_as_mlflows_dictionaries_are() -> None:
    params: Any = Keyed((Param("alpha", "1"), Param("beta", "2")))
    assert (params["alpha"], params[1], params.get("gamma")) == ("1", Param("beta", "2"), None)
    assert ("beta" in params, Param("beta", "2") in params, "gamma" in params) == (True, True, False)
    assert {**params} == dict(params.items()) == {"alpha": "1", "beta": "2"}
    assert params == (Param("alpha", "1"), Param("beta", "2"))
    with pytest.raises(KeyError, match="gamma"):
        params["gamma"]


def test_a_library_that_is_missing_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "PIL"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingLibrary, match=r"log_table needs pandas.*pip install pandas"):
        trackback.log_table({"a": [1]}, "table.json")
    with pytest.raises(MissingLibrary, match=r"log_image needs pillow.*pip install pillow"):
        trackback.log_image([[0.5]], "image.png")
