from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scoring import models
from tests.servers.scoring import MlflowScoring, ScoringServer, TrackbackScoring


@pytest.fixture(scope="session")
def iris_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "iris"
    models.save_iris(directory)
    return directory


@pytest.fixture(scope="session")
def mixed_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "mixed"
    models.save_mixed(directory)
    return directory


@pytest.fixture(scope="session")
def array_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models") / "array"
    models.save_array(directory)
    return directory


@pytest.fixture(scope="session")
def odd_model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A model that misbehaves when told to, and the digest of its pickle."""
    directory = tmp_path_factory.mktemp("models") / "odd"
    return directory, models.save_odd(directory)


KINDS = ("trackback", "mlflow")


def _serve(kind: str, model: Path, folder: Path) -> ScoringServer:
    return TrackbackScoring(model, folder, ["--trust", "all"]) if kind == "trackback" else MlflowScoring(model, folder)


@pytest.fixture(scope="session", params=KINDS)
def iris_server(
    request: pytest.FixtureRequest, iris_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScoringServer]:
    """The same model served by trackback and by MLflow: what holds of one must hold of the other."""
    with _serve(request.param, iris_model, tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="session", params=KINDS)
def mixed_server(
    request: pytest.FixtureRequest, mixed_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScoringServer]:
    with _serve(request.param, mixed_model, tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="session", params=KINDS)
def array_server(
    request: pytest.FixtureRequest, array_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScoringServer]:
    with _serve(request.param, array_model, tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="session", params=KINDS)
def odd_server(
    request: pytest.FixtureRequest, odd_model: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScoringServer]:
    with _serve(request.param, odd_model[0], tmp_path_factory.mktemp("served")) as server:
        yield server
