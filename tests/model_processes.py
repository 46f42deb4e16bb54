"""Processes that load models: most of what they take are the imports of the libraries, which forks have already."""

import sys
from pathlib import Path

from tests import commands
from tests.forked import Forks, forks_of, socket_of
from tests.starters import starters

PYTHON = Path(sys.executable)
IMPORTED = (
    *commands.IMPORTED,
    "trackback.cli.models",
    "trackback.delivery.batch.worker",
    "trackback.delivery.evaluation.worker",
    "trackback.scoring.resolving",
    "trackback.scoring.serving",
    "trackback.scoring.worker",
    "pandas",
    "pyarrow.parquet",
    "sklearn.compose",
    "sklearn.dummy",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "skops.io",
    *commands.OF_ITS_TIME,
)


def forks() -> Forks:
    """What their programs start by `sys.executable` is a fork, too."""
    return forks_of(PYTHON, *IMPORTED, executable=_starters() / "python")


def programs() -> Path:
    """A folder with a `python` and a `trackback` that start such processes."""
    forks()
    return _starters()


def python_of_scripts() -> Path:
    """A `python` whose scripts are forks, too."""
    forks()
    return starters(socket_of(PYTHON, IMPORTED), PYTHON, "scripts") / "python"


def _starters() -> Path:
    return starters(socket_of(PYTHON, IMPORTED), PYTHON, "trackback", "trackback")
