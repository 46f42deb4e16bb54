"""The service of artifacts, on each database: what is put, by path, run and model, and what is refused."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import obstore
import pytest

from tests.servers.s3 import S3
from trackback.artifacts import BlobStore, open_blobs
from trackback.artifacts.objects import open_store
from trackback.entities import ANYONE, FileInfo
from trackback.errors import DataLoss, InvalidParameter, NotFound, Unavailable
from trackback.services.artifacts import Artifacts, OpenFile
from trackback.services.experiments import Experiments
from trackback.services.logged_models import LoggedModels
from trackback.services.runs import Runs
from trackback.storage import Storage, Transaction

T = TypeVar("T")

PROXIED = "mlflow-artifacts:/"

_numbers = itertools.count(1)


class Repository:
    """The service with its neighbours, and a look at the disk below it."""

    def __init__(self, storage: Storage, blobs: BlobStore, folder: Path, artifact_root: str = PROXIED) -> None:
        self.storage = storage
        self.blobs = blobs
        self.folder = folder
        self.artifacts = Artifacts(storage, blobs, artifact_root)
        self.experiments = Experiments(storage, artifact_root)
        self.runs = Runs(storage)
        self.models = LoggedModels(storage)

    async def run(self, location: str = "") -> str:
        """A new run, in an experiment of its own."""
        experiment = await self.experiments.create(ANYONE, f"experiment {next(_numbers)}", artifact_location=location)
        return (await self.runs.create(ANYONE, experiment)).info.run_id

    async def proxy_path_of_run(self, run_id: str) -> str:
        return (await self.runs.get(ANYONE, run_id)).info.artifact_uri.removeprefix(PROXIED)

    async def put(self, path: str, content: bytes) -> None:
        await self.artifacts.put(ANYONE, path, stream(content))

    async def get(self, path: str) -> bytes:
        return await contents(await self.artifacts.open(ANYONE, path))

    async def names(self, path: str = "") -> list[str]:
        return [each.path for each in await self.artifacts.list_directory(ANYONE, path)]

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


async def stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


def make_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def contents(file: OpenFile, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join([piece async for piece in await file.read(start, file.size if stop is None else stop)])


@pytest.fixture
async def repository(storage: Storage, tmp_path: Path) -> AsyncIterator[Repository]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    yield Repository(storage, blobs, tmp_path / "artifacts")
    await blobs.close()


@pytest.fixture
def shared_folder(tmp_path: Path) -> Path:
    """A folder that clients reach themselves."""
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


@pytest.fixture
async def sharing(storage: Storage, tmp_path: Path, shared_folder: Path) -> AsyncIterator[Repository]:
    """A server whose clients write to the shared folder, and not through the server."""
    blobs = open_blobs(str(tmp_path / "artifacts"))
    yield Repository(storage, blobs, tmp_path / "artifacts", str(shared_folder))
    await blobs.close()


async def test_what_is_put_is_opened_with_its_size_and_sha_256(repository: Repository) -> None:
    await repository.put("data/train.csv", b"a,b\n1,2\n")
    file = await repository.artifacts.open(ANYONE, "data/train.csv")
    assert (file.size, file.digest) == (8, hashlib.sha256(b"a,b\n1,2\n").hexdigest())
    assert await contents(file) == b"a,b\n1,2\n"
    assert await contents(file, 4, 7) == b"1,2"


async def test_a_put_replaces_a_file_and_who_has_opened_the_old_one_reads_it_to_the_end(
    repository: Repository,
) -> None:
    await repository.put("a", b"old")
    opened = await repository.artifacts.open(ANYONE, "a")
    await repository.put("a", b"new")
    assert (await contents(opened), await repository.get("a")) == (b"old", b"new")


async def test_the_same_bytes_are_kept_once_wherever_they_are_put(repository: Repository) -> None:
    await asyncio.gather(*(repository.put(f"copies/{number}", b"the same") for number in range(10)))
    assert len(repository.files()) == 1
    assert [await repository.get(f"copies/{number}") for number in range(10)] == [b"the same"] * 10


async def test_of_two_uploads_to_one_path_at_the_same_time_one_is_there_whole(repository: Repository) -> None:
    first, second = b"1" * 3_000_000, b"2" * 3_000_000
    await asyncio.gather(repository.put("a", first), repository.put("a", second))
    assert await repository.get("a") in (first, second)


async def test_a_missing_file_and_a_directory_are_told_apart(repository: Repository) -> None:
    await repository.put("model/MLmodel", b"x")
    with pytest.raises(NotFound, match="No such artifact: 'model/other'"):
        await repository.artifacts.open(ANYONE, "model/other")
    with pytest.raises(InvalidParameter, match="'model' is a directory"):
        await repository.artifacts.open(ANYONE, "model")


async def test_a_listing_has_names_only(repository: Repository) -> None:
    await repository.put("a/b/file", b"12345")
    await repository.put("a/b/c/file", b"1")
    assert await repository.artifacts.list_directory(ANYONE, "a/b/") == [
        FileInfo("c", True),
        FileInfo("file", False, 5),
    ]


async def test_a_file_or_directory_is_deleted_and_what_is_not_there_is_no_error(repository: Repository) -> None:
    await repository.put("a/b/c", b"x")
    await repository.put("a/d", b"x")
    await repository.artifacts.delete(ANYONE, "a/b")
    await repository.artifacts.delete(ANYONE, "a/b")
    assert await repository.names("a") == ["d"]


async def test_everything_can_not_be_deleted_at_once(repository: Repository) -> None:
    await repository.put("a", b"x")
    with pytest.raises(InvalidParameter):
        await repository.artifacts.delete(ANYONE, "")
    assert await repository.names() == ["a"]


@pytest.mark.parametrize("path", ["", "../a", "/a", "a\\b", "a//b", "%2e%2e/a", "a\x00", "a" * 1025])
async def test_an_unsafe_path_is_refused_and_nothing_is_written(repository: Repository, path: str) -> None:
    with pytest.raises(InvalidParameter, match="Invalid path"):
        await repository.put(path, b"x")
    assert (repository.files(), await repository.names()) == ([], [])


async def test_a_file_in_a_directorys_place_is_refused_and_nothing_is_written(repository: Repository) -> None:
    await repository.put("a/b", b"x")
    for path in ("a", "a/b/c"):
        with pytest.raises(InvalidParameter):
            await repository.put(path, b"refused")
    assert len(repository.files()) == 1


async def test_bytes_that_came_while_their_path_was_taken_by_a_directory_are_dropped(repository: Repository) -> None:
    """The path was free when the upload began."""

    async def slow() -> AsyncIterator[bytes]:
        await repository.put("a/b", b"quicker")
        yield b"refused"

    with pytest.raises(InvalidParameter, match="'a' is a directory"):
        await repository.artifacts.put(ANYONE, "a", slow())
    assert len(repository.files()) == 1


async def test_bytes_whose_commit_is_in_doubt_are_kept(repository: Repository) -> None:
    """The database may have committed before its connection broke; then a row refers to them."""

    class Doubtful(Storage):
        async def read(self, operation: Callable[[Transaction], T]) -> T:
            return await repository.storage.read(operation)

        async def look_up(self, operation: Callable[[Transaction], T]) -> T:
            return await repository.storage.look_up(operation)

        async def write(self, operation: Callable[[Transaction], T], *, brief: bool = False) -> T:
            await repository.storage.write(operation)
            raise Unavailable("The connection broke.")

        async def ping(self) -> None: ...

        async def close(self) -> None: ...

        @property
        def waiting(self) -> int:
            return 0

    with pytest.raises(Unavailable):
        await Artifacts(Doubtful(), repository.blobs, PROXIED).put(ANYONE, "a", stream(b"committed"))
    assert await repository.get("a") == b"committed"


async def test_bytes_that_the_store_has_lost_are_mended_by_an_upload_of_the_same(repository: Repository) -> None:
    await repository.put("a", b"weights")
    repository.files()[0].unlink()
    with pytest.raises(DataLoss):
        await repository.get("a")
    await repository.put("b", b"weights")
    assert (await repository.get("a"), await repository.get("b")) == (b"weights", b"weights")


async def test_a_runs_files_are_listed_by_their_path_within_it(repository: Repository) -> None:
    run_id = await repository.run()
    path = await repository.proxy_path_of_run(run_id)
    await repository.put(f"{path}/model/MLmodel", b"flavors")
    listing = await repository.artifacts.list_run(ANYONE, run_id, "model")
    assert listing == (f"{PROXIED}{path}", [FileInfo("model/MLmodel", False, 7)])
    assert await contents(await repository.artifacts.open_of_run(ANYONE, run_id, "model/MLmodel")) == b"flavors"


async def test_a_location_below_the_proxy_is_a_place_like_any_other(repository: Repository) -> None:
    run_id = await repository.run("mlflow-artifacts:/team a/models")
    await repository.artifacts.put_to_run(ANYONE, run_id, "a", stream(b"x"))
    assert await repository.get(f"team a/models/{run_id}/artifacts/a") == b"x"


async def test_an_upload_by_run_lands_where_the_proxy_finds_it(repository: Repository) -> None:
    run_id = await repository.run()
    await repository.artifacts.put_to_run(ANYONE, run_id, "notes/a.txt", stream(b"x"))
    assert await repository.get(f"{await repository.proxy_path_of_run(run_id)}/notes/a.txt") == b"x"


async def test_a_logged_models_files_are_found_by_its_id(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "models")
    model = await repository.models.create(ANYONE, experiment)
    await repository.put(f"{model.info.artifact_uri.removeprefix(PROXIED)}/MLmodel", b"flavors")
    listing = await repository.artifacts.list_model(ANYONE, model.info.model_id, "")
    assert listing == (model.info.artifact_uri, [FileInfo("MLmodel", False, 7)])
    file = await repository.artifacts.open_of_model(ANYONE, model.info.model_id, "MLmodel")
    assert await contents(file) == b"flavors"


async def test_an_unknown_run_or_model_is_not_found(repository: Repository) -> None:
    with pytest.raises(NotFound, match="Run with id"):
        await repository.artifacts.list_run(ANYONE, "0" * 32, "")
    with pytest.raises(NotFound, match="Logged model with ID"):
        await repository.artifacts.list_model(ANYONE, f"m-{'0' * 32}", "")


async def test_nothing_is_written_to_a_deleted_run_and_its_files_are_still_read_and_may_be_deleted(
    repository: Repository,
) -> None:
    run_id = await repository.run()
    path = await repository.proxy_path_of_run(run_id)
    await repository.put(f"{path}/a", b"before")
    await repository.runs.delete(ANYONE, run_id)
    with pytest.raises(InvalidParameter, match="must be in the 'active' state"):
        await repository.put(f"{path}/b", b"after")
    assert len(repository.files()) == 1
    assert await repository.get(f"{path}/a") == b"before"
    await repository.artifacts.delete(ANYONE, path)
    assert await repository.names(path) == []


async def test_a_run_deleted_while_a_file_is_uploaded_does_not_get_it(repository: Repository) -> None:
    run_id = await repository.run()
    path = await repository.proxy_path_of_run(run_id)

    async def slow() -> AsyncIterator[bytes]:
        await repository.runs.delete(ANYONE, run_id)
        yield b"too late"

    with pytest.raises(InvalidParameter, match="must be in the 'active' state"):
        await repository.artifacts.put(ANYONE, f"{path}/a", slow())
    assert (repository.files(), await repository.names(path)) == ([], [])


async def test_nothing_is_written_to_a_deleted_logged_model(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "models")
    model = await repository.models.create(ANYONE, experiment)
    await repository.models.delete(ANYONE, model.info.model_id)
    with pytest.raises(NotFound):
        await repository.put(f"{model.info.artifact_uri.removeprefix(PROXIED)}/MLmodel", b"x")
    assert repository.files() == []


async def test_files_of_a_run_that_is_not_there_are_taken_as_those_of_any_path(repository: Repository) -> None:
    await repository.put(f"1/{'0' * 32}/artifacts/a", b"x")
    assert await repository.get(f"1/{'0' * 32}/artifacts/a") == b"x"


async def test_what_clients_keep_in_the_shared_folder_is_listed_and_read(
    sharing: Repository, shared_folder: Path
) -> None:
    run_id = await sharing.run()
    uri = (await sharing.runs.get(ANYONE, run_id)).info.artifact_uri
    assert uri.startswith(str(shared_folder))
    make_file(Path(uri) / "model" / "größe 100%.txt", b"flavors")
    assert await sharing.artifacts.list_run(ANYONE, run_id, "") == (uri, [FileInfo("model", True)])
    assert (await sharing.artifacts.list_run(ANYONE, run_id, "model")).files == [
        FileInfo("model/größe 100%.txt", False, 7)
    ]
    file = await sharing.artifacts.open_of_run(ANYONE, run_id, "model/größe 100%.txt")
    assert (file.size, file.digest, await contents(file)) == (7, None, b"flavors")


async def test_a_missing_file_and_a_directory_of_the_shared_folder_are_told_apart(sharing: Repository) -> None:
    run_id = await sharing.run()
    make_file(Path((await sharing.runs.get(ANYONE, run_id)).info.artifact_uri) / "model" / "a", b"x")
    with pytest.raises(InvalidParameter, match="is a directory"):
        await sharing.artifacts.open_of_run(ANYONE, run_id, "model")
    with pytest.raises(NotFound):
        await sharing.artifacts.open_of_run(ANYONE, run_id, "model/b")


async def test_links_out_of_a_shared_folder_lead_nowhere(sharing: Repository, tmp_path: Path) -> None:
    run_id = await sharing.run()
    folder = Path((await sharing.runs.get(ANYONE, run_id)).info.artifact_uri)
    make_file(folder / "a", b"x")
    make_file(tmp_path / "secret", b"of the server")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "all").symlink_to("/")
    assert (await sharing.artifacts.list_run(ANYONE, run_id, "")).files == [FileInfo("a", False, 1)]
    for path in ("link", "all/etc/passwd"):
        with pytest.raises(NotFound):
            await sharing.artifacts.open_of_run(ANYONE, run_id, path)


async def test_nothing_is_uploaded_by_run_where_clients_keep_files_themselves(sharing: Repository) -> None:
    run_id = await sharing.run()
    with pytest.raises(InvalidParameter, match="upload them there"):
        await sharing.artifacts.put_to_run(ANYONE, run_id, "a", stream(b"x"))


@pytest.mark.parametrize(
    "location",
    [
        "/etc",
        "file:///etc",
        "{shared}-other/a",
        "{shared}/../secret",
        "http://169.254.169.254/latest",
        "ftp://host/path",
        "dbfs:/path",
        "s3:",
    ],
)
async def test_a_client_can_not_have_the_server_read_just_anything(
    sharing: Repository, shared_folder: Path, location: str
) -> None:
    run_id = await sharing.run(location.format(shared=shared_folder))
    for outcome in await asyncio.gather(
        sharing.artifacts.list_run(ANYONE, run_id, ""),
        sharing.artifacts.open_of_run(ANYONE, run_id, "passwd"),
        return_exceptions=True,
    ):
        assert isinstance(outcome, InvalidParameter)
        assert "The artifacts lie at" in outcome.message


async def test_a_server_with_no_shared_folder_reads_no_folder(repository: Repository, tmp_path: Path) -> None:
    run_id = await repository.run(str(tmp_path))
    with pytest.raises(InvalidParameter, match="doesn't read"):
        await repository.artifacts.list_run(ANYONE, run_id, "")


async def test_what_clients_keep_in_a_bucket_is_listed_and_read(
    repository: Repository, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    run_id = await repository.run(f"{s3.make_bucket(f'clients-{next(_numbers)}')}/theirs")
    uri = (await repository.runs.get(ANYONE, run_id)).info.artifact_uri
    bucket = open_store(uri)
    content = bytes(range(256)) * 40_000
    for path in ("model/data/weights", "model/größe 100%.txt", "a"):
        await obstore.put_async(bucket, path, content)
    assert await repository.artifacts.list_run(ANYONE, run_id, "") == (
        uri,
        [FileInfo("a", False, len(content)), FileInfo("model", True)],
    )
    assert (await repository.artifacts.list_run(ANYONE, run_id, "model")).files == [
        FileInfo("model/data", True),
        FileInfo("model/größe 100%.txt", False, len(content)),
    ]
    file = await repository.artifacts.open_of_run(ANYONE, run_id, "model/größe 100%.txt")
    assert await contents(file) == content
    assert await contents(file, 5_000_000, 5_000_010) == content[5_000_000:5_000_010]
    with pytest.raises(NotFound):
        await repository.artifacts.open_of_run(ANYONE, run_id, "model/other")
