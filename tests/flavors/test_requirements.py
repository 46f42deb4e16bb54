"""Requirements: exact versions of what a model really imports."""

import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from sklearn.ensemble import RandomForestClassifier

from trackback.flavors import save_model


def requirements(model: Path) -> dict[str, str]:
    lines = [Requirement(line) for line in (model / "requirements.txt").read_text().splitlines()]
    return {line.name: str(line.specifier) for line in lines}


@pytest.fixture
def forest(iris: tuple[Any, Any]) -> Any:
    return RandomForestClassifier(5).fit(*iris)


def test_they_are_the_installed_versions_of_the_library_and_of_what_it_needs(forest: Any, tmp_path: Path) -> None:
    save_model(forest, tmp_path / "model")

    found = requirements(tmp_path / "model")
    assert {"scikit-learn", "numpy", "scipy", "skops"} <= set(found)
    assert all(version == f"=={metadata.version(name)}" for name, version in found.items())


def test_what_is_only_installed_is_not_among_them(forest: Any, tmp_path: Path) -> None:
    save_model(forest, tmp_path / "model")

    assert not set(requirements(tmp_path / "model")) & {"pandas", "polars", "pytest", "trackback", "mlflow"}


def test_a_model_that_takes_tables_needs_pandas(forest: Any, iris: tuple[Any, Any], tmp_path: Path) -> None:
    save_model(forest, tmp_path / "model", input_example=iris[0].head(2))

    assert "pandas" in requirements(tmp_path / "model")


def test_given_ones_are_added_and_stand_above_inferred_ones(forest: Any, tmp_path: Path) -> None:
    save_model(forest, tmp_path / "model", requirements=["Scikit_Learn>=1.5", "gunicorn[gevent]==23.0"])

    found = requirements(tmp_path / "model")
    assert found["Scikit_Learn"] == ">=1.5"
    assert "scikit-learn" not in found
    assert found["gunicorn"] == "==23.0"


def test_what_a_functions_body_imports_is_among_them(tmp_path: Path) -> None:
    def predict(data: Any) -> Any:
        import polars  # noqa: PLC0415 - which is what is looked for

        return polars.DataFrame(data)

    save_model(predict, tmp_path / "model")
    assert "polars" in requirements(tmp_path / "model")


def test_all_three_files_say_the_same(forest: Any, tmp_path: Path) -> None:
    save_model(forest, tmp_path / "model")

    lines = (tmp_path / "model" / "requirements.txt").read_text().splitlines()
    conda = yaml.safe_load((tmp_path / "model" / "conda.yaml").read_text())
    python = yaml.safe_load((tmp_path / "model" / "python_env.yaml").read_text())
    assert conda["dependencies"][-1] == {"pip": lines}
    assert conda["dependencies"][0] == f"python={python['python']}"
    assert python["dependencies"] == ["-r requirements.txt"]


def test_they_are_inferred_in_a_second(forest: Any, tmp_path: Path) -> None:
    save_model(forest, tmp_path / "first")
    started = time.perf_counter()
    save_model(forest, tmp_path / "model")

    assert time.perf_counter() - started < 1


CODE = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[1]) / "beside"))
from own_features import Scaled
from trackback.flavors import save_model
save_model(Scaled(3), Path(sys.argv[1]) / "model")
"""
MODULES = {
    "own_features.py": """
from own_numbers import times
class Scaled:
    def __init__(self, by):
        self.by = by
    def predict(self, data):
        return times(data, self.by)
""",
    "own_numbers.py": """
def times(values, by):
    return [value * by for value in values]
""",
}


def test_code_of_no_package_goes_into_the_pickle(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    for name, text in MODULES.items():
        (tmp_path / "beside" / name).write_text(text)
    subprocess.run([sys.executable, "-c", CODE, str(tmp_path)], check=True)
    loading = (
        "import sys; from trackback.flavors import load_predictor, Trust; from pathlib import Path;"
        "print(load_predictor(Path(sys.argv[1]), trust=Trust(everything=True)).predict([1, 2]))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", loading, str(tmp_path / "model")], check=True, capture_output=True, text=True
    )
    assert loaded.stdout == "[3, 6]\n"
    assert "own" not in (tmp_path / "model" / "requirements.txt").read_text()
