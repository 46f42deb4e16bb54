import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.delivery import world
from tests.delivery.registered import Registered
from tests.delivery.world import VARIABLES, World
from tests.servers.threaded import ThreadedServer
from trackback.client.api import Client
from trackback.server.settings import Settings


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model by its name; each is trained once, when it is first asked for."""
    folder = tmp_path_factory.mktemp("models")
    makers: dict[str, Callable[[Path], None]] = {
        "cancer": world.save_cancer,
        "cancer-weak": lambda path: world.save_cancer(path, features=2),
        "cancer-other": lambda path: world.save_cancer(path, strength=0.9),
        "wine": world.save_wine,
        "diabetes": world.save_diabetes,
        "diabetes-flat": lambda path: world.save_diabetes(path, alpha=100.0),
        "sentences": world.save_sentences,
    }

    def find(name: str) -> Path:
        if not (folder / name).exists():
            makers[name](folder / name)
        return folder / name

    return find


@contextmanager
def opened(template: Path, folder: Path) -> Iterator[World]:
    """A server, and an environment that says nothing of CI, with a cache and a state of its own."""
    shutil.copy(template, folder / "trackback.db")
    settings = Settings(
        backend_store_uri=f"sqlite:///{folder}/trackback.db", artifacts_destination=str(folder / "artifacts")
    )
    (folder / "work").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.setenv("TRACKBACK_CACHE_DIR", str(folder / "cache"))
        with ThreadedServer(settings) as server, Client(server.url) as client:
            yield World(client, folder / "work")


@pytest.fixture
def delivery(sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    """Of a test's own."""
    (tmp_path / "world").mkdir()
    with opened(sqlite_template, tmp_path / "world") as world:
        yield world


@pytest.fixture(scope="module")
def shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """For tests that look at what was done once, since to ask a model takes a process with all of its libraries."""
    with opened(sqlite_template, tmp_path_factory.mktemp("shared")) as world:
        yield world


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path is short enough for sockets to be in it."""
    folder = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def registered(migrated_sqlite_uri: str, tmp_path: Path, short_path: Path) -> Iterator[Registered]:
    settings = Settings(backend_store_uri=migrated_sqlite_uri, artifacts_destination=str(tmp_path / "artifacts"))
    with ThreadedServer(settings) as server:
        found = Registered(server.url, short_path)
        with found.client:
            yield found
