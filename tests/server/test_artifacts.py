"""Artifacts over HTTP: uploads, downloads, ranges, listings, and what becomes of uploads that go wrong."""

import hashlib
import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.faults.disk import small_disk
from tests.needs import need
from tests.server.wire import Answer, Wire, ask, new_run, post, request
from tests.servers.s3 import S3
from tests.servers.trackback import TrackbackServer

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
LIMIT = 50_000_000
MEGABYTE = 1 << 20
CONTENT = b"0123456789" * 1000
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'


class Client:
    """A client of one server, and a look at the folder that the server keeps artifacts in."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder

    def put(self, path: str, content: bytes = CONTENT, prefix: str = ARTIFACTS) -> Answer:
        return ask(self.port, "PUT", f"{prefix}/{path}", content, {"Content-Type": "application/octet-stream"})

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(self.port, method, f"{ARTIFACTS}/{path}", headers=names)

    def delete(self, path: str) -> Answer:
        return ask(self.port, "DELETE", f"{ARTIFACTS}/{path}")

    def names(self, path: str = "") -> list[str]:
        files = ask(self.port, "GET", f"{ARTIFACTS}?path={quote(path)}").json.get("files", [])
        return [file["path"] for file in files]

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


def eventually(condition: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("artifacts")
    flags = ["--max-artifact-bytes", str(LIMIT)]
    with TrackbackServer(f"sqlite:///{folder}/trackback.db", folder / "artifacts", folder, flags) as server:
        yield Client(server.port, folder / "artifacts")
    assert "Traceback" not in server.log_text


def test_an_upload_answers_200_with_the_digest_alone_and_a_download_gives_the_bytes_back(client: Client) -> None:
    uploaded = client.put("plain/file.bin")
    assert (uploaded.status, uploaded.body, uploaded.headers.get("content-type")) == (200, b"", None)
    assert uploaded.headers["etag"] == ETAG
    assert client.get("plain/file.bin").body == CONTENT


def test_a_download_names_size_digest_and_date_and_is_saved_rather_than_run(client: Client) -> None:
    client.put("headers/weights.bin")
    headers = client.get("headers/weights.bin").headers
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["etag"] == ETAG
    assert headers["last-modified"].endswith("GMT")
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == 'attachment; filename="weights.bin"'
    assert headers["x-content-type-options"] == "nosniff"


def test_the_pages_prefix_is_the_same_store(client: Client) -> None:
    client.put("prefix/file", prefix="/ajax-api/2.0/mlflow-artifacts/artifacts")
    assert client.get("prefix/file").body == CONTENT


def test_an_empty_file_is_a_file(client: Client) -> None:
    client.put("empty", b"")
    answer = client.get("empty")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "0", b"")


def test_a_body_in_chunks_of_unknown_length_is_taken(client: Client) -> None:
    with Wire(client.port) as wire:
        wire.send(request("PUT", f"{ARTIFACTS}/chunked", headers={"Transfer-Encoding": "chunked"}))
        for _ in range(3):
            wire.send(b"a\r\n0123456789\r\n")
        assert wire.send(b"0\r\n\r\n").answer().status == 200
    assert client.get("chunked").body == b"0123456789" * 3


def test_a_large_file_comes_back_whole(client: Client) -> None:
    content = random.Random(1).randbytes(20 * MEGABYTE + 1)
    client.put("large", content)
    assert client.get("large").body == content


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=9990-", 9990, 10_000),
        ("bytes=-10", 9990, 10_000),
        ("bytes=5000-99999", 5000, 10_000),
        ("bytes=-99999", 0, 10_000),
    ],
)
def test_a_range_is_answered_with_206_and_its_bytes(client: Client, asked: str, start: int, stop: int) -> None:
    client.put("ranges")
    answer = client.get("ranges", Range=asked)
    assert (answer.status, answer.body) == (206, CONTENT[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/10000"


@pytest.mark.parametrize("asked", ["bytes=10000-", "bytes=10000-10001", "bytes=-0"])
def test_a_range_beyond_the_end_is_answered_with_416_and_the_size(client: Client, asked: str) -> None:
    client.put("ranges")
    answer = client.get("ranges", Range=asked)
    assert answer.error == (416, "INVALID_PARAMETER_VALUE")
    assert answer.headers["content-range"] == "bytes */10000"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-3", "bytes=-", "lines=1-2", "nonsense"])
def test_what_is_no_single_range_is_answered_with_the_whole_file(client: Client, asked: str) -> None:
    client.put("ranges")
    answer = client.get("ranges", Range=asked)
    assert (answer.status, answer.body) == (200, CONTENT)


def test_the_rest_of_a_file_that_has_changed_is_answered_with_the_whole_new_one(client: Client) -> None:
    client.put("resumed", b"old content")
    etag = client.get("resumed").headers["etag"]
    assert client.get("resumed", Range="bytes=4-", If_Range=etag).body == b"content"
    client.put("resumed", b"new content")
    answer = client.get("resumed", Range="bytes=4-", If_Range=etag)
    assert (answer.status, answer.body) == (200, b"new content")


def test_a_client_that_has_the_file_is_told_so_until_it_changes(client: Client) -> None:
    client.put("cached", b"old")
    headers = client.get("cached").headers
    for condition in ({"If_None_Match": f'"other", W/{headers["etag"]}'}, {"If_None_Match": "*"}):
        answer = client.get("cached", **condition)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", headers["etag"])
    assert client.get("cached", If_Modified_Since=headers["last-modified"]).status == 304
    client.put("cached", b"new")
    assert client.get("cached", If_None_Match=headers["etag"]).body == b"new"


def test_head_gives_the_headers_of_get_alone(client: Client) -> None:
    client.put("head")
    got, head = client.get("head"), client.get("head", "HEAD")
    dates = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in dates} == {
        k: v for k, v in got.headers.items() if k not in dates
    }
    assert head.status == 200


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MLmodel", "text/plain; charset=utf-8"),
        ("conda.yaml", "text/plain; charset=utf-8"),
        ("metrics.JSON", "text/plain; charset=utf-8"),
        ("page.html", "text/plain; charset=utf-8"),
        ("page.htm", "text/plain; charset=utf-8"),
        ("page.xhtml", "text/plain; charset=utf-8"),
        ("script.js", "text/plain; charset=utf-8"),
        ("plot.png", "image/png"),
        ("plot.svg", "image/svg+xml"),
        ("table.csv.gz", "application/octet-stream"),
        ("model.pkl", "application/octet-stream"),
        ("no-ending", "application/octet-stream"),
    ],
)
def test_text_is_shown_as_text_and_nothing_as_html(client: Client, name: str, kind: str) -> None:
    client.put(f"types/{name}")
    assert client.get(f"types/{name}").headers["content-type"] == kind


def test_a_name_beyond_ascii_is_kept_and_given_to_the_browser(client: Client) -> None:
    name = 'größe "模型" 100%.txt'
    client.put(f"names/{quote(name)}")
    assert client.names("names") == [name]
    assert client.get(f"names/{quote(name)}").headers["content-disposition"] == (
        f"attachment; filename=\"gr__e ____ 100%.txt\"; filename*=UTF-8''{quote(name)}"
    )


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "a/../../secret",
        "a/%2e%2e/b",
        "a/%252e%252e/b",
        "a/%25252e%25252e/b",
        "%2e%2e%2fsecret",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "..%5csecret",
        "a%5Cb",
        "a%00b",
        "a%23b",
        "a%0ab",
        "a%ffb",
        "a//b",
        "a/",
        "",
        "C:/windows",
        "a" * 1025,
    ],
)
def test_an_unsafe_path_is_refused_for_every_method_and_nothing_is_written(client: Client, path: str) -> None:
    before = client.files()
    for answer in (client.put(path, b"unsafe"), client.get(path)):
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")
        assert answer.json["message"].startswith("Invalid path")
        assert str(client.folder) not in answer.json["message"]
    assert client.files() == before


def test_unsafe_paths_of_listings_deletes_and_runs_are_refused_too(client: Client) -> None:
    run_id = new_run(client.port)
    for method, target in (
        ("DELETE", f"{ARTIFACTS}/a/../b"),
        ("GET", f"{ARTIFACTS}?path=../etc"),
        ("GET", f"{ARTIFACTS}?path=%252e%252e"),
        ("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run_id}&path=/etc"),
        ("GET", f"/get-artifact?run_id={run_id}&path=../../etc/passwd"),
        ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_id={run_id}&path=../a"),
    ):
        answer = ask(client.port, method, target, b"" if method == "POST" else None)
        assert answer.error == (400, "INVALID_PARAMETER_VALUE"), target
        assert "Invalid path" in answer.json["message"]


def test_a_listing_names_files_and_directories_and_of_nothing_is_an_empty_object(client: Client) -> None:
    client.put("listed/sub/file")
    client.put("listed/file", b"12345")
    assert ask(client.port, "GET", f"{ARTIFACTS}?path=listed").json == {
        "files": [
            {"path": "file", "is_dir": False, "file_size": 5},
            {"path": "sub", "is_dir": True},
        ]
    }
    for path in ("listed/file", "listed/nothing"):
        assert ask(client.port, "GET", f"{ARTIFACTS}?path={path}").json == {}
    assert "listed" in [file["path"] for file in ask(client.port, "GET", ARTIFACTS).json["files"]]


def test_a_deleted_file_is_gone_and_deleting_nothing_is_well(client: Client) -> None:
    client.put("deleted/a/b")
    client.put("deleted/c")
    for path in ("deleted/a", "deleted/a", "deleted/nothing"):
        answer = client.delete(path)
        assert (answer.status, answer.json) == (200, {})
    assert client.names("deleted") == ["c"]


def test_a_directory_and_a_missing_file_are_told_apart(client: Client) -> None:
    client.put("apart/file")
    assert client.get("apart").error == (400, "INVALID_PARAMETER_VALUE")
    assert client.get("apart/nothing").error == (404, "RESOURCE_DOES_NOT_EXIST")


def test_multipart_and_presigned_transfers_are_declined_so_that_clients_fall_back(client: Client) -> None:
    base = "/api/2.0/mlflow-artifacts"
    body = json.dumps({"path": "file", "num_parts": 2}).encode()
    for step in ("create", "complete", "abort"):
        assert ask(client.port, "POST", f"{base}/mpu/{step}/a/b", body).error == (501, "NOT_IMPLEMENTED")
    assert ask(client.port, "GET", f"{base}/presigned/a/b").error == (501, "NOT_IMPLEMENTED")
    for kind in ("upload", "download"):
        answer = ask(client.port, "POST", f"/api/2.0/mlflow/artifacts/presigned-{kind}-url", body)
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")


def test_a_runs_files_are_listed_got_and_uploaded_by_its_id(client: Client) -> None:
    run_id = new_run(client.port)
    client.put(f"0/{run_id}/artifacts/model/MLmodel", b"flavors")
    listing = ask(client.port, "GET", f"/api/2.0/mlflow/artifacts/list?run_id={run_id}&path=model")
    assert listing.json == {
        "root_uri": f"mlflow-artifacts:/0/{run_id}/artifacts",
        "files": [{"path": "model/MLmodel", "is_dir": False, "file_size": 7}],
    }
    for name in ("run_id", "run_uuid"):
        assert ask(client.port, "GET", f"/get-artifact?{name}={run_id}&path=model/MLmodel").body == b"flavors"
    target = f"/ajax-api/2.0/mlflow/upload-artifact?run_id={run_id}&path=notes/a.txt"
    uploaded = ask(client.port, "POST", target, b"a note")
    assert (uploaded.json, uploaded.headers["etag"]) == ({}, f'"{hashlib.sha256(b"a note").hexdigest()}"')
    assert client.get(f"0/{run_id}/artifacts/notes/a.txt").body == b"a note"


def test_what_a_page_uploads_is_at_most_10_mb(client: Client) -> None:
    run_id = new_run(client.port)
    target = f"/ajax-api/2.0/mlflow/upload-artifact?run_id={run_id}&path=a"
    assert ask(client.port, "POST", target, bytes(10 * MEGABYTE + 1)).status == 413
    assert client.names(f"0/{run_id}/artifacts") == []


def test_a_missing_parameter_is_named(client: Client) -> None:
    for target in ("/get-artifact?path=a", f"/get-artifact?run_id={new_run(client.port)}"):
        answer = ask(client.port, "GET", target)
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")
        assert "Missing value for required parameter" in answer.json["message"]


def test_a_logged_models_files_are_listed_and_got_by_its_id(client: Client) -> None:
    model = post(client.port, "logged-models", {"experiment_id": "0"})["model"]["info"]
    client.put(f"{model['artifact_uri'].removeprefix('mlflow-artifacts:/')}/data/weights", b"weights")
    base = f"mlflow/logged-models/{model['model_id']}/artifacts"
    listing = ask(client.port, "GET", f"/api/2.0/{base}/directories?artifact_directory_path=data")
    assert listing.json == {
        "root_uri": model["artifact_uri"],
        "files": [{"path": "data/weights", "is_dir": False, "file_size": 7}],
    }
    file = ask(client.port, "GET", f"/ajax-api/2.0/{base}/files?artifact_file_path=data/weights")
    assert file.body == b"weights"


def test_nothing_is_uploaded_to_a_deleted_run(client: Client) -> None:
    run_id = new_run(client.port)
    post(client.port, "runs/delete", {"run_id": run_id})
    assert client.put(f"0/{run_id}/artifacts/a").error == (400, "INVALID_PARAMETER_VALUE")
    assert client.names(f"0/{run_id}/artifacts") == []


def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_sent(client: Client) -> None:
    with Wire(client.port) as wire:
        wire.send(request("PUT", f"{ARTIFACTS}/too-large", headers={"Content-Length": str(LIMIT + 1)}))
        assert wire.answer().status == 413


def test_a_file_that_turns_out_too_large_is_refused_and_leaves_no_trace(client: Client) -> None:
    before = client.files()
    with Wire(client.port) as wire:
        wire.send(request("PUT", f"{ARTIFACTS}/too-large", headers={"Transfer-Encoding": "chunked"}))
        for _ in range(LIMIT // MEGABYTE + 1):
            wire.send(b"100000\r\n", bytes(MEGABYTE), b"\r\n")
        assert wire.answer().status == 413
    assert client.get("too-large").status == 404
    assert eventually(lambda: client.files() == before)


@pytest.mark.parametrize("sent", [0, 1, 100_000, 5 * MEGABYTE])
@pytest.mark.parametrize("how", ["closes", "resets", "half-closes"])
def test_an_upload_that_is_cut_off_leaves_no_trace(client: Client, sent: int, how: str) -> None:
    before = client.files()
    headers = {"Content-Length": str(6 * MEGABYTE)}
    with socket.create_connection(("127.0.0.1", client.port)) as connection:
        connection.sendall(request("PUT", f"{ARTIFACTS}/cut", headers=headers) + bytes(sent))
        assert eventually(lambda: len(client.files()) > len(before))
        if how == "resets":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        elif how == "half-closes":
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(10)
            connection.recv(65536)
    assert eventually(lambda: client.files() == before)
    assert client.get("cut").status == 404


def test_a_cut_off_replacement_leaves_the_old_file(client: Client) -> None:
    client.put("replaced", b"old")
    with Wire(client.port) as wire:
        wire.send(request("PUT", f"{ARTIFACTS}/replaced", headers={"Content-Length": "1000"}), b"half of the new")
    assert client.get("replaced").body == b"old"


def test_a_download_that_the_client_leaves_harms_nobody(client: Client) -> None:
    client.put("left", random.Random(2).randbytes(30 * MEGABYTE))
    for _ in range(5):
        with Wire(client.port) as wire:
            wire.send(request("GET", f"{ARTIFACTS}/left"))
            assert eventually(lambda wire=wire: wire.has_answer)  # type: ignore[misc]
    assert client.get("left", Range="bytes=-1").status == 206


def test_an_upload_under_way_when_the_server_is_killed_is_not_there_and_comes_again(tmp_path: Path) -> None:
    with TrackbackServer(f"sqlite:///{tmp_path}/trackback.db", tmp_path / "artifacts", tmp_path) as server:
        client = Client(server.port, tmp_path / "artifacts")
        client.put("before")
        with Wire(server.port) as wire:
            wire.send(request("PUT", f"{ARTIFACTS}/killed", headers={"Content-Length": str(9 * MEGABYTE)}))
            wire.send(bytes(8 * MEGABYTE))
            assert eventually(lambda: len(client.files()) > 1)
            server.kill()
        server.start()
        assert client.get("before").body == CONTENT
        assert client.get("killed").status == 404
        assert client.put("killed").status == 200
        assert client.get("killed").body == CONTENT


def test_a_full_disk_is_told_and_leaves_all_else_as_it_was(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/trackback.db"
    with small_disk(tmp_path / "disk", 8) as disk, TrackbackServer(uri, disk.folder, tmp_path) as server:
        client = Client(server.port, disk.folder)
        client.put("fits", bytes(2 * MEGABYTE))
        refused = client.put("too-large", bytes(20 * MEGABYTE))
        assert refused.error == (507, "TEMPORARILY_UNAVAILABLE")
        assert str(disk.folder) not in refused.json["message"]
        assert (client.names(), len(client.files())) == (["fits"], 1)
        assert client.put("fits-too", bytes(4 * MEGABYTE)).status == 200
        assert client.get("fits").body == bytes(2 * MEGABYTE)


def test_memory_stays_bounded_while_a_large_file_goes_up_and_down(tmp_path: Path) -> None:
    need(Path("/proc/self/status").exists(), "no /proc to read a process's memory from")
    megabytes, piece = 500, random.Random(3).randbytes(MEGABYTE)
    with TrackbackServer(f"sqlite:///{tmp_path}/trackback.db", tmp_path / "artifacts", tmp_path) as server:
        with Wire(server.port, timeout_s=60) as wire:
            wire.send(request("PUT", f"{ARTIFACTS}/big", headers={"Content-Length": str(megabytes * MEGABYTE)}))
            for _ in range(megabytes):
                wire.send(piece)
            assert wire.answer().status == 200
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(request("GET", f"{ARTIFACTS}/big"))
            received = 0
            while received < megabytes * MEGABYTE:
                received += len(connection.recv(MEGABYTE))
        status = Path(f"/proc/{server.pid}/status").read_text()
    (peak_kb,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak_kb < 300 * 1024


def test_on_s3_uploads_and_downloads_are_as_on_disk_and_a_cut_one_leaves_no_trace(s3: S3, tmp_path: Path) -> None:
    destination = f"{s3.make_bucket('behind-a-server')}/artifacts"
    content = random.Random(4).randbytes(20 * MEGABYTE)
    uri = f"sqlite:///{tmp_path}/trackback.db"
    with TrackbackServer(uri, destination, tmp_path, env=s3.env) as server:
        client = Client(server.port, tmp_path)
        assert client.put("large", content).status == 200
        assert client.put("copy", content).status == 200
        assert client.get("large").body == content
        assert client.get("large", Range="bytes=17000000-17000009").body == content[17_000_000:17_000_010]
        assert len(s3.files("behind-a-server")) == 1
        with Wire(server.port) as wire:
            wire.send(request("PUT", f"{ARTIFACTS}/cut", headers={"Content-Length": str(len(content))}))
            wire.send(content[:-1])
            assert eventually(lambda: len(s3.files("behind-a-server")) > 1)
        assert eventually(lambda: len(s3.files("behind-a-server")) == 1)
        assert client.get("cut").status == 404


def test_an_s3_server_that_is_down_is_told_as_such_and_does_not_stop_what_needs_no_files(tmp_path: Path) -> None:
    with S3() as s3:
        destination = s3.make_bucket("goes-down")
        uri = f"sqlite:///{tmp_path}/trackback.db"
        with TrackbackServer(uri, destination, tmp_path, env=s3.env) as server:
            client = Client(server.port, tmp_path)
            client.put("file")
            s3.stop()
            refused = client.put("other")
            assert refused.error == (503, "TEMPORARILY_UNAVAILABLE")
            assert "goes-down" not in refused.json["message"]
            assert client.get("file").error == (503, "TEMPORARILY_UNAVAILABLE")
            assert ask(server.port, "GET", "/ready").status == 503
            assert client.names() == ["file"]
            new_run(server.port)
            s3.start()
            assert client.get("file").body == CONTENT
            assert ask(server.port, "GET", "/ready").status == 200
