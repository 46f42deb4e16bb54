"""Flavors of other packages, registered by entry point."""

import subprocess
import sys
from pathlib import Path

import pytest

FLAVOR = """
from pathlib import Path
from trackback.flavors import Flavor, Saved


class Line:
    def __init__(self, slope):
        self.slope = slope


class LineFlavor(Flavor):
    name = "line"
    packages = ("straight",)
    distribution = "straight"

    def save(self, model, directory, options, example=None):
        (directory / "slope.txt").write_text(str(model.slope))
        return Saved(settings={"data": "slope.txt"}, python_function=None, modules=frozenset({"straight"}))

    def load(self, directory, settings, trust):
        return Line(float((directory / settings["data"]).read_text()))

    def predict(self, model, data, params, settings):
        return [model.slope * x for x in data]


flavor = LineFlavor()
"""
USE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from straight import Line
from trackback.flavors import load_predictor, recognise, save_model
model = Line(3.0)
save_model(model, Path(sys.argv[1]) / "model")
print(recognise(model), load_predictor(Path(sys.argv[1]) / "model").predict([1, 2]))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder like one that pip installs into, with a package that registers a flavor."""
    (tmp_path / "straight.py").write_text(FLAVOR)
    info = tmp_path / "straight-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: straight\nVersion: 1.0\n")
    (info / "top_level.txt").write_text("straight\n")
    (info / "entry_points.txt").write_text("[trackback.flavors]\nline = straight:flavor\n")
    return tmp_path


def use(package: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", USE, str(package)], capture_output=True, text=True)


def test_a_registered_flavor_recognises_saves_and_loads_its_models(package: Path) -> None:
    assert use(package).stdout == "line [3.0, 6.0]\n"
    assert (package / "model" / "requirements.txt").read_text() == "straight==1.0\n"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("line = straight:nothing", "the flavor line, at straight:nothing, can't be loaded"),
        ("line = straight:Line", "straight:Line, registered as flavor line, is no trackback.flavors.Flavor"),
        ("sklearn = straight:flavor", "registers a flavor sklearn, which there is already"),
    ],
)
def test_a_bad_registration_is_named(package: Path, entry: str, message: str) -> None:
    (package / "straight-1.0.dist-info" / "entry_points.txt").write_text(f"[trackback.flavors]\n{entry}\n")

    last_line = use(package).stderr.splitlines()[-1]
    assert last_line.startswith("trackback.errors.ConfigurationError")
    assert message in last_line
