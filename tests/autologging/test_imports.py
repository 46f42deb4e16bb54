"""Libraries that are imported after autolog was called, or never."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.autologging.runs import Runs, params

LATE = """
import sys
import trackback
trackback.autolog()
assert "sklearn" not in sys.modules and "numpy" not in sys.modules
{body}
"""
FITS = """
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
import sklearn.tree
model = DecisionTreeClassifier(max_depth=2).fit(*load_iris(return_X_y=True))
"""


def run(program: str, **env: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_library_that_is_imported_later_is_logged(runs: Runs) -> None:
    run(
        LATE.format(body=FITS),
        TRACKBACK_TRACKING_URI=runs.client.tracking_uri,
        MLFLOW_EXPERIMENT_ID=runs.experiment_id,
    )

    assert params(runs.only())["max_depth"] == "2"


INTEGRATION = """
from trackback.autologging import Integration
from trackback.autologging.trainings import Training, logged_by


class LineTraining(Training):
    def begin(self):
        self.log.params({"points": len(self.call.get("points"))})

    def end(self, result):
        self.log.metrics({"slope": result})


class LineIntegration(Integration):
    name = "line"
    modules = ("straight",)

    def patch(self, module, patches):
        patches.function(module, "fit", logged_by(self, LineTraining))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder like one that pip installs into, with a library, and a package that registers an integration of it."""
    (tmp_path / "straight.py").write_text("def fit(points):\n    return points[-1] - points[0]\n")
    (tmp_path / "trackback_straight.py").write_text(INTEGRATION)
    info = tmp_path / "trackback_straight-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: trackback-straight\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[trackback.autologging]\nline = trackback_straight:LineIntegration\n")
    return tmp_path


def test_a_module_knows_nothing_of_being_watched(package: Path) -> None:
    program = """
import importlib.util, inspect
import trackback; trackback.autolog()
print(importlib.util.find_spec("straight").loader.get_source("straight") is not None)
import straight
from importlib.machinery import SourceFileLoader
print(type(straight.__loader__) is type(straight.__spec__.loader) is SourceFileLoader, inspect.getsource(straight.fit))
print("autologging" in straight.fit.__code__.co_filename)
"""
    source = (package / "straight.py").read_text()
    assert run(program, PYTHONPATH=str(package), TRACKBACK_OFFLINE="1") == f"True\nTrue {source}\nTrue\n"


def test_disabling_it_leaves_imports_alone(package: Path) -> None:
    program = """
import sys, trackback
found = lambda: [each for each in sys.meta_path if "trackback" in type(each).__module__]
trackback.autolog()
assert found()
trackback.autolog(disable=True)
import straight
print(found(), "autologging" in straight.fit.__code__.co_filename)
"""
    assert run(program, PYTHONPATH=str(package), TRACKBACK_OFFLINE="1") == "[] False\n"


def test_a_registered_integration_is_turned_on_with_the_others(runs: Runs, package: Path) -> None:
    printed = run(
        "import trackback; trackback.autolog()\nimport straight\nprint(straight.fit([1, 2, 5]))",
        PYTHONPATH=str(package),
        TRACKBACK_TRACKING_URI=runs.client.tracking_uri,
        MLFLOW_EXPERIMENT_ID=runs.experiment_id,
    )

    assert printed == "4\n"
    found = runs.only()
    assert params(found) == {"points": "3"}
    assert [each.value for each in found.data.metrics] == [4]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("line = trackback_straight:nothing", "the integration line, at trackback_straight:nothing, can't be loaded"),
        ("line = straight:fit", "registered as integration line, is no subclass of trackback.autologging.Integration"),
        ("sklearn = straight:fit", "registers an integration sklearn, which there is already"),
    ],
)
def test_a_bad_registration_is_named(package: Path, entry: str, message: str) -> None:
    info = package / "trackback_straight-1.0.dist-info"
    (info / "entry_points.txt").write_text(f"[trackback.autologging]\n{entry}\n")
    command = [sys.executable, "-c", "import trackback; trackback.autolog()"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(package)}, capture_output=True, text=True)

    last_line = done.stderr.splitlines()[-1]
    assert last_line.startswith("trackback.errors.ConfigurationError")
    assert message in last_line
