import sys
from pathlib import Path
from typing import Any

import pytest

from tests import model_processes
from tests.scoring import models
from trackback.delivery.batch import csv_cuts, parquet_cuts


@pytest.fixture(autouse=True)
def _processes_are_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(model_processes.programs() / "python"))


@pytest.fixture(scope="session")
def iris(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of a classifier, and the classifier itself."""
    directory = tmp_path_factory.mktemp("models") / "iris"
    return directory, models.save_iris(directory)


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    """A model that does what its first column says, and the digest of its pickle."""
    directory = tmp_path_factory.mktemp("models") / "odd"
    return directory, (models.save_odd(directory),)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions of 150 rows or 4 kB, so that small files have several."""
    monkeypatch.setattr(parquet_cuts, "PARTITION_BYTES", 1)
    monkeypatch.setattr(parquet_cuts, "LEAST_ROWS", 150)
    monkeypatch.setattr(csv_cuts, "PARTITION_BYTES", 4096)
