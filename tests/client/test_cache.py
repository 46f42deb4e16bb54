"""The cache: nothing is fetched twice, nothing damaged is handed out, and processes share it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.trackback import TrackbackServer
from trackback.client.api import Client
from trackback.client.cache import Cache, default_folder
from trackback.client.downloads import PartialFile
from trackback.client.folders import upload_folder
from trackback.client.models import fetch_model
from trackback.client.transport import Transport
from trackback.client.trees import RemoteFile, RemoteTree, Source
from trackback.client.wire import Request
from trackback.errors import DataLoss, InvalidParameter, TrackbackError

FILES = {"MLmodel": b"flavors: {}", "code/predict.py": b"pass", "weights.bin": os.urandom(5_000_000)}


class Counting(Transport):
    """Counts the files that it fetches."""

    fetched = 0

    def complete(self, path: str, request: Request, partial: PartialFile) -> str:
        self.fetched += 1
        return super().complete(path, request, partial)


@pytest.fixture
def counting(tracking_server: TrackbackServer) -> Counting:
    return Counting(tracking_server.url)


@pytest.fixture
def client(counting: Counting) -> Iterator[Client]:
    with Client(transport=counting) as client:
        yield client


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def uri(client: Client, tmp_path: Path) -> str:
    """Artifacts with these files."""
    run_id = client.create_run("0").info.run_id
    for path, content in FILES.items():
        (tmp_path / "model" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / path).write_bytes(content)
    upload_folder(client, tmp_path / "model", f"{client.get_run(run_id).info.artifact_uri}/model")
    return f"runs:/{run_id}/model"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_fetched_twice(client: Client, counting: Counting, cache: Cache, uri: str) -> None:
    first = fetch_model(client, uri, cache=cache)
    assert counting.fetched == len(FILES)
    assert fetch_model(client, uri, cache=cache) == first
    assert counting.fetched == len(FILES)


def test_what_trees_have_in_common_is_kept_once(client: Client, counting: Counting, cache: Cache, uri: str) -> None:
    before = fetch_model(client, uri, cache=cache)
    client.log_text(uri.split("/")[1], "flavors: {a: {}}", "model/MLmodel")
    after = fetch_model(client, uri, cache=cache)
    assert counting.fetched == len(FILES) + 1
    assert before.path != after.path
    assert (before.path / "weights.bin").samefile(after.path / "weights.bin")
    assert [tree.digest for tree in cache.trees()] == [after.digest, before.digest]


@pytest.mark.parametrize("damage", ["changed", "shorter", "gone", "blob gone"])
def test_what_is_damaged_is_fetched_again(
    damage: str, client: Client, counting: Counting, cache: Cache, uri: str
) -> None:
    file = fetch_model(client, uri, cache=cache).path / "weights.bin"
    file.chmod(0o644)
    match damage:
        case "changed":
            with file.open("r+b") as content:
                content.write(b"damaged")
        case "shorter":
            os.truncate(file, 100)
        case "gone":
            file.unlink()
        case "blob gone":
            next(blob for blob in cache.folder.glob("blobs/*/*") if blob.samefile(file)).unlink()
    assert contents(fetch_model(client, uri, cache=cache).path) == FILES
    assert counting.fetched == len(FILES) + (damage in ("changed", "shorter"))


def test_what_does_not_belong_to_a_tree_is_removed(client: Client, cache: Cache, uri: str) -> None:
    folder = fetch_model(client, uri, cache=cache).path
    (folder / "code" / "__pycache__").mkdir()
    (folder / "code" / "__pycache__" / "predict.pyc").write_bytes(b"")
    (folder / "code" / "sklearn.py").write_bytes(b"")
    assert contents(fetch_model(client, uri, cache=cache).path) == FILES


def test_cached_files_are_not_changed_by_mistake(client: Client, cache: Cache, uri: str) -> None:
    folder = fetch_model(client, uri, cache=cache).path
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o444}


def test_bytes_that_are_not_what_the_listing_says_are_not_kept(
    client: Client, cache: Cache, uri: str, tracking_server: TrackbackServer
) -> None:
    class Damaging(Transport):
        def complete(self, path: str, request: Request, partial: PartialFile) -> str:
            partial.write(b"damaged")
            return partial.finish()

    damaged = pytest.raises(DataLoss, match="It was not kept")
    with Client(transport=Damaging(tracking_server.url)) as other, damaged:
        fetch_model(other, uri, cache=cache)
    assert contents(fetch_model(client, uri, cache=cache).path) == FILES


def test_a_file_that_could_lead_elsewhere_is_refused(client: Client, cache: Cache) -> None:
    source = Source(lambda path: path, lambda path: {})
    for path in ("../x", "/x", "a/../../x", "a//x", ".", "a\\x"):
        with pytest.raises(TrackbackError, match="could lead elsewhere"):
            RemoteTree(client, "model", [RemoteFile(path)], source)


def test_many_processes_fetch_the_same_at_once(client: Client, cache: Cache, uri: str) -> None:
    program = (
        "import sys; from pathlib import Path; from trackback.client.api import Client;"
        "from trackback.client.cache import Cache; from trackback.client.models import fetch_model;"
        "print(fetch_model(Client(sys.argv[1]), sys.argv[2], cache=Cache(Path(sys.argv[3]))).path)"
    )
    command = [sys.executable, "-c", program, client.tracking_uri, uri, str(cache.folder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = {process.communicate(timeout=100)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 4
    (path,) = printed
    assert contents(Path(path.strip())) == FILES
    assert sorted(each.name for each in cache.folder.glob("blobs/*/*")) == sorted(
        each.name for each in cache.folder.glob("blobs/*/*") if not each.name.startswith(".")
    )


def test_it_is_cleared_whole_or_by_the_tree(client: Client, counting: Counting, cache: Cache, uri: str) -> None:
    first = fetch_model(client, uri, cache=cache)
    client.log_text(uri.split("/")[1], "1234", "model/MLmodel")
    second = fetch_model(client, uri, cache=cache)
    assert cache.clear(second.digest) == 4
    assert [tree.digest for tree in cache.trees()] == [first.digest]
    assert cache.clear() == sum(map(len, FILES.values()))
    assert cache.trees() == []
    with pytest.raises(InvalidParameter, match="There is no"):
        cache.clear(first.digest)


def test_it_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRACKBACK_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "trackback"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_folder() == tmp_path / "xdg" / "trackback"
    monkeypatch.setenv("TRACKBACK_CACHE_DIR", str(tmp_path / "own"))
    assert default_folder() == tmp_path / "own"
