"""Models on this machine: what URIs name, and folders of files that are what they should be."""

import hashlib
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.servers.trackback import TrackbackServer
from trackback.client.api import Client
from trackback.client.cache import Cache
from trackback.client.folders import upload_folder
from trackback.client.models import LocalModel, fetch_model, local_digest
from trackback.client.places import locate
from trackback.entities import ModelVersion, RunInfo
from trackback.errors import InvalidParameter, NotFound

FILES = {"MLmodel": b"flavors: {}", "data/weights.bin": os.urandom(3_000_000), "data/empty": b"", "ü & ö.txt": b"1"}
NAMES = (f"model {number}" for number in count(1))


@pytest.fixture
def client(tracking_server: TrackbackServer) -> Iterator[Client]:
    with Client(tracking_server.url) as client:
        yield client


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model on this machine."""
    return written(tmp_path / "model", FILES)


@pytest.fixture
def run(client: Client) -> RunInfo:
    return client.create_run("0").info


@pytest.fixture
def version(client: Client, run: RunInfo, folder: Path) -> ModelVersion:
    """A version with these files."""
    upload_folder(client, folder, f"{run.artifact_uri}/model")
    name = next(NAMES)
    client.create_registered_model(name)
    return client.create_model_version(name, f"runs:/{run.run_id}/model")


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestUploads:
    def test_a_folder_arrives_whole_and_has_the_digest_that_a_version_of_it_gets(
        self, client: Client, run: RunInfo, folder: Path
    ) -> None:
        seen: list[tuple[int, int]] = []
        uploaded = upload_folder(
            client, folder, f"{run.artifact_uri}/model", progress=lambda done, total: seen.append((done, total))
        )
        size = sum(map(len, FILES.values()))
        assert (uploaded.files, uploaded.bytes, uploaded.sent) == (4, size, size)
        assert seen[-1] == (size, size)
        client.create_registered_model(name := next(NAMES))
        version = client.create_model_version(name, f"runs:/{run.run_id}/model")
        assert version.digest == uploaded.digest == local_digest(folder)

    def test_only_what_the_server_has_not_got_is_sent(self, client: Client, run: RunInfo, folder: Path) -> None:
        upload_folder(client, folder, run.artifact_uri)
        (folder / "data" / "empty").write_bytes(b"no more")
        assert upload_folder(client, folder, run.artifact_uri).sent == 7
        assert upload_folder(client, folder, run.artifact_uri).sent == 0

    def test_what_is_not_there_is_said(self, client: Client, run: RunInfo, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="nothing at"):
            upload_folder(client, tmp_path / "none", run.artifact_uri)
        with pytest.raises(InvalidParameter, match="not the server's own place"):
            upload_folder(client, tmp_path, "s3://bucket/model")

    def test_files_and_folders_are_logged_and_fetched_as_mlflows_client_does(
        self, client: Client, run: RunInfo, folder: Path, tmp_path: Path
    ) -> None:
        run_id = run.run_id
        client.log_artifact(run_id, folder / "MLmodel", "a")
        client.log_artifact(run_id, folder / "data")
        client.log_artifacts(run_id, folder, "b")
        client.log_text(run_id, "ä", "t/x.txt")
        client.log_dict(run_id, {"a": [1]}, "d.json")
        client.log_dict(run_id, {"a": [1]}, "d.yaml")
        fetched = Path(client.download_artifacts(run_id, "", tmp_path / "all"))
        expected = {
            "a/MLmodel": FILES["MLmodel"],
            "data/empty": b"",
            "data/weights.bin": FILES["data/weights.bin"],
            **{f"b/{path}": content for path, content in FILES.items()},
            "t/x.txt": "ä".encode(),
            "d.json": b'{\n  "a": [\n    1\n  ]\n}',
            "d.yaml": b"a:\n- 1\n",
        }
        assert contents(fetched) == expected
        assert Path(client.download_artifacts(run_id, "t/x.txt")).read_text() == "ä"
        assert Path(client.download_artifacts(run_id, "t", tmp_path / "some")) == tmp_path / "some" / "t"

    def test_so_are_those_of_logged_models(self, client: Client, folder: Path, cache: Cache) -> None:
        model_id = client.create_logged_model("0").info.model_id
        client.log_model_artifacts(model_id, folder)
        client.log_model_artifact(model_id, folder / "MLmodel", "more")
        fetched = fetch_model(client, f"models:/{model_id}", cache=cache)
        assert contents(fetched.path) == {**FILES, "more/MLmodel": FILES["MLmodel"]}


class TestUris:
    def test_a_version_is_found_by_number_alias_stage_and_as_the_newest(
        self, client: Client, version: ModelVersion, run: RunInfo
    ) -> None:
        name = version.name
        client.create_model_version(name, f"runs:/{run.run_id}/model")
        client.set_registered_model_alias(name, "best", "1")
        client.transition_model_version_stage(name, "1", "Archived")
        for uri in (f"models:/{name}/1", f"models:/{name}@best", f"models:/{name}/archived"):
            assert locate(client, uri).uri == f"models:/{name}/1"
        for uri in (f"models:/{name}", f"models:/{name}/latest", f"models:/{name}/2"):
            assert locate(client, uri).uri == f"models:/{name}/2"
        assert locate(client, f"models:/{name}").artifact_uri == f"mlflow-artifacts:/versions/{version.digest}"

    def test_what_a_version_was_is_what_comes_whatever_its_run_became(
        self, client: Client, version: ModelVersion, run: RunInfo, cache: Cache
    ) -> None:
        client.log_text(run.run_id, "changed later", "model/MLmodel")
        fetched = fetch_model(client, f"models:/{version.name}/1", cache=cache)
        assert (fetched.digest, fetched.version) == (version.digest, version)
        assert contents(fetched.path) == FILES

    def test_artifacts_of_a_run_are_found_by_their_path(
        self, client: Client, run: RunInfo, folder: Path, cache: Cache
    ) -> None:
        upload_folder(client, folder, f"{run.artifact_uri}/model")
        assert contents(fetch_model(client, f"runs:/{run.run_id}/model", cache=cache).path) == FILES
        assert contents(fetch_model(client, f"{run.artifact_uri}/model", cache=cache).path) == FILES
        one = fetch_model(client, f"runs:/{run.run_id}/model/MLmodel", cache=cache)
        assert one.path.read_bytes() == FILES["MLmodel"]

    def test_so_is_a_runs_logged_model_by_its_name(
        self, client: Client, run: RunInfo, folder: Path, cache: Cache
    ) -> None:
        model = client.create_logged_model("0", "forest", source_run_id=run.run_id)
        client.log_model_artifacts(model.info.model_id, folder)
        assert contents(fetch_model(client, f"runs:/{run.run_id}/forest", cache=cache).path) == FILES
        below = fetch_model(client, f"runs:/{run.run_id}/forest/data", cache=cache)
        assert sorted(contents(below.path)) == ["empty", "weights.bin"]

    def test_a_local_folder_stays_where_it_is(self, client: Client, folder: Path) -> None:
        for uri in (str(folder), f"file://{folder}"):
            assert fetch_model(client, uri) == LocalModel(uri, folder, local_digest(folder))

    def test_a_runs_files_are_read_from_where_its_clients_put_them(
        self, tmp_path: Path, folder: Path, cache: Cache
    ) -> None:
        flags = ["--default-artifact-root", str(tmp_path / "shared")]
        with (
            TrackbackServer(f"sqlite:///{tmp_path}/t.db", tmp_path / "artifacts", tmp_path, flags) as server,
            Client(server.url) as client,
        ):
            info = client.create_run("0").info
            written(Path(info.artifact_uri.removeprefix("file://")) / "model", FILES)
            fetched = fetch_model(client, f"runs:/{info.run_id}/model", tmp_path / "copy", cache=cache)
            assert contents(fetched.path) == FILES
            assert fetched.digest == local_digest(folder)

    @pytest.mark.parametrize(
        ("uri", "kind", "said"),
        [
            ("models:/no such", NotFound, "no such"),
            ("models:/a/b/c", InvalidParameter, "names no model"),
            ("runs:/0123456789abcdef0123456789abcdef/x", NotFound, "Run with id"),
            ("s3://bucket/model", InvalidParameter, "Nothing can be fetched"),
            ("/no/such/folder", NotFound, "nothing at"),
            ("mlflow-artifacts:/nothing/here", NotFound, "no files at"),
        ],
    )
    def test_what_is_not_there_is_said(
        self, client: Client, uri: str, kind: type[Exception], said: str, cache: Cache
    ) -> None:
        with pytest.raises(kind, match=said):
            fetch_model(client, uri, cache=cache)

    def test_so_is_a_path_that_a_run_has_not_got(self, client: Client, run: RunInfo, cache: Cache) -> None:
        with pytest.raises(NotFound, match="no such artifact, and no logged model"):
            fetch_model(client, f"runs:/{run.run_id}/nothing/here", cache=cache)

    def test_and_a_stage_without_versions(self, client: Client, version: ModelVersion) -> None:
        with pytest.raises(NotFound, match="no version in Production"):
            locate(client, f"models:/{version.name}/Production")


class TestDestinations:
    def test_files_that_are_there_stay_and_others_come(
        self, client: Client, version: ModelVersion, tmp_path: Path, cache: Cache
    ) -> None:
        copy = tmp_path / "copy"
        uri = f"models:/{version.name}/1"
        fetch_model(client, uri, copy, cache=cache)
        before = (copy / "MLmodel").stat().st_ino
        (copy / "data" / "weights.bin").write_bytes(b"damaged")
        (copy / "mine.txt").write_bytes(b"mine")
        fetched = fetch_model(client, uri, copy, cache=cache)
        assert contents(fetched.path) == {**FILES, "mine.txt": b"mine"}
        assert (copy / "MLmodel").stat().st_ino == before
        assert not cache.folder.exists()

    def test_they_can_be_changed(self, client: Client, version: ModelVersion, tmp_path: Path) -> None:
        fetched = fetch_model(client, f"models:/{version.name}/1", tmp_path / "copy")
        (fetched.path / "MLmodel").write_bytes(b"mine now")

    def test_a_download_that_was_cut_goes_on_where_it_ended(
        self, client: Client, version: ModelVersion, tmp_path: Path
    ) -> None:
        content = FILES["data/weights.bin"]
        digest = hashlib.sha256(content).hexdigest()
        part = tmp_path / "copy" / "data" / f".trackback-{digest}.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(content[:2_000_000])
        seen: list[int] = []
        fetch_model(
            client, f"models:/{version.name}/1", tmp_path / "copy", progress=lambda done, total: seen.append(done)
        )
        assert contents(tmp_path / "copy") == FILES
        assert max(seen) == sum(map(len, FILES.values()))


class TestLocalDigest:
    def test_it_is_what_sha256sum_makes_of_a_listing(self, folder: Path) -> None:
        lines = [f"{hashlib.sha256(FILES[path]).hexdigest()}  {path}\n".encode() for path in sorted(FILES)]
        assert local_digest(folder) == hashlib.sha256(b"".join(lines)).hexdigest()
