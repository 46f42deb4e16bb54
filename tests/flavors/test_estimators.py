"""What is written down of scikit-learn's estimators has skops trust the same types, without all of them imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sklearn
from sklearn.utils import all_estimators

from trackback.flavors.estimators import FILE_NAME

ASKED = """
import json, sys
from trackback.flavors.skops_files import _skops
_skops(required=True)
from skops.io._trusted_types import SKLEARN_ESTIMATOR_TYPE_NAMES as names
print(json.dumps([sorted(names), "sklearn.gaussian_process" in sys.modules]))
"""


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder that has scikit-learn as an image has, beside what is written down of it."""
    (tmp_path / "sklearn").symlink_to(Path(sklearn.__file__).parent)
    return tmp_path


def ask(folder: Path, state: Path | None = None) -> tuple[list[str], bool]:
    """The estimators that skops trusts, and whether what no model is of was imported. ``state``: where the user's own
    files are, by default somewhere new.
    """
    environ = {**os.environ, "PYTHONPATH": str(folder), "XDG_STATE_HOME": str(state or folder / "state")}
    names, whole = json.loads(subprocess.check_output([sys.executable, "-c", ASKED], env=environ, text=True))
    return names, whole


def test_skops_trusts_just_what_it_would_have_found(beside: Path) -> None:
    found = sorted({f"{each.__module__}.{each.__name__}" for _, each in all_estimators()})
    (beside / FILE_NAME).write_text(json.dumps({"version": sklearn.__version__, "names": found}))

    assert ask(beside) == (found, False)


def test_what_is_written_of_another_version_does_not_count(beside: Path) -> None:
    (beside / FILE_NAME).write_text(json.dumps({"version": "1.0", "names": ["os.system"]}))

    names, whole = ask(beside)
    assert (whole, "os.system" in names, len(names) > 100) == (True, False, True)


def test_the_first_process_that_asks_writes_it_down_for_the_others(beside: Path) -> None:
    first, again = ask(beside), ask(beside)

    assert (first[1], again[1]) == (True, False)
    assert first[0] == again[0] == sorted({f"{each.__module__}.{each.__name__}" for _, each in all_estimators()})
    written = next((beside / "state" / "trackback" / "estimators").iterdir())
    assert written.parent.stat().st_mode & 0o077 == 0
    written.write_text("{")
    assert ask(beside) == first


def test_another_installation_of_the_same_version_is_asked_itself(beside: Path, tmp_path_factory: Any) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "sklearn").symlink_to(Path(sklearn.__file__).parent)

    assert [ask(each, beside / "state")[1] for each in (beside, other, other)] == [True, True, False]


def test_where_nothing_can_be_written_each_process_asks(beside: Path) -> None:
    (beside / "state").write_text("no folder")

    assert ask(beside) == ask(beside)
    assert ask(beside)[1]
