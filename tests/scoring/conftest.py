from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scoring import models
from tests.servers.scoring import Endpoint, TrackbackScoring, mlflow_scoring

KINDS = ("trackback", "mlflow")


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


@pytest.fixture(scope="session")
def mlflow_servers(
    iris_model: Path,
    mixed_model: Path,
    array_model: Path,
    odd_model: tuple[Path, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Endpoint]]:
    models = {"iris": iris_model, "mixed": mixed_model, "array": array_model, "odd": odd_model[0]}
    with mlflow_scoring(list(models.values()), tmp_path_factory.mktemp("mlflow")) as endpoints:
        yield dict(zip(models, endpoints, strict=True))


def _server(request: pytest.FixtureRequest, name: str, model: Path) -> Iterator[Endpoint]:
    if request.param == "mlflow":
        yield request.getfixturevalue("mlflow_servers")[name]
        return
    folder = request.getfixturevalue("tmp_path_factory").mktemp("served")
    with TrackbackScoring(model, folder, ["--trust", "all"]) as server:
        yield server


@pytest.fixture(scope="session", params=KINDS)
def iris_server(request: pytest.FixtureRequest, iris_model: Path) -> Iterator[Endpoint]:
    """The same model served by trackback and by MLflow: what holds of one must hold of the other."""
    yield from _server(request, "iris", iris_model)


@pytest.fixture(scope="session", params=KINDS)
def mixed_server(request: pytest.FixtureRequest, mixed_model: Path) -> Iterator[Endpoint]:
    yield from _server(request, "mixed", mixed_model)


@pytest.fixture(scope="session", params=KINDS)
def array_server(request: pytest.FixtureRequest, array_model: Path) -> Iterator[Endpoint]:
    yield from _server(request, "array", array_model)


@pytest.fixture(scope="session", params=KINDS)
def odd_server(request: pytest.FixtureRequest, odd_model: tuple[Path, str]) -> Iterator[Endpoint]:
    yield from _server(request, "odd", odd_model[0])
