"""A model that is loaded in a clean environment has just what its requirements.txt says."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.delivery.world import World
from tests.needs import need
from trackback.flavors import save_model

Saved = Callable[[str], Path]


def answer(frame: pd.DataFrame) -> list[str]:
    """Needs a library that its author has forgotten to name."""
    import skops  # noqa: PLC0415

    return [skops.__name__] * len(frame)


@pytest.fixture(scope="module")
def _index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """pip's index can be reached."""
    place = str(tmp_path_factory.mktemp("index"))
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", place, "packaging==0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    need(
        "No matching distribution" in asked.stderr and "etry" not in asked.stderr,
        "an index of packages that pip reaches",
    )


@pytest.mark.usefixtures("_index")
@pytest.mark.timeout(300)
def test_a_library_that_the_requirements_lack_is_found_missing(delivery: World, tmp_path: Path) -> None:
    frame = pd.DataFrame({"word": ["a", "b"] * 5})
    save_model(answer, tmp_path / "model", input_example=frame.head(2))
    kept = [line for line in (tmp_path / "model/requirements.txt").read_text().splitlines() if "skops" not in line]
    slim = [line for line in kept if line.partition("=")[0] in ("cloudpickle", "numpy", "pandas")]
    (tmp_path / "model/requirements.txt").write_text("\n".join(slim))
    version = delivery.register("forgetful", tmp_path / "model")
    data = delivery.write("words.parquet", frame.assign(y="skops"))
    arguments = ("validate", "models:/forgetful/1", "--data", data, "--target", "y", "--trust", "all")
    assert delivery.deliver(*arguments)["isolated"] is False
    found = delivery.deliver(*arguments, "--isolated", code=1)
    assert "in a clean environment: ModuleNotFoundError: No module named 'skops'" in found["failure"]
    assert [each.passed for each in delivery.verdicts(version)] == [False, True]


def test_a_model_without_requirements_can_have_no_clean_environment(
    delivery: World, saved: Saved, tmp_path: Path
) -> None:
    save_model(len, tmp_path / "model", input_example=pd.DataFrame({"word": ["a"]}))
    (tmp_path / "model/requirements.txt").unlink()
    delivery.register("bare", tmp_path / "model")
    data = delivery.write("words.parquet", pd.DataFrame({"word": ["a"] * 3, "y": [1, 2, 3]}))
    arguments = ("validate", "models:/bare/1", "--data", data, "--target", "y", "--trust", "all", "--isolated")
    assert "no requirements.txt" in delivery.deliver(*arguments, code=1)["failure"]


@pytest.mark.usefixtures("_index")
def test_requirements_that_cannot_be_had_fail_the_version(delivery: World, tmp_path: Path) -> None:
    save_model(len, tmp_path / "model", input_example=pd.DataFrame({"word": ["a"]}))
    (tmp_path / "model/requirements.txt").write_text("packaging==0.0.0.1\n")
    delivery.register("impossible", tmp_path / "model")
    data = delivery.write("words.parquet", pd.DataFrame({"word": ["a"] * 3, "y": [1, 2, 3]}))
    arguments = ("validate", "models:/impossible/1", "--data", data, "--target", "y", "--trust", "all", "--isolated")
    assert "can't be installed in a clean environment" in delivery.deliver(*arguments, code=1)["failure"]
