"""Uploads of artifacts, and what becomes of those that go wrong."""

import random
import socket
from pathlib import Path

import pytest

from tests.faults.disk import small_disk
from tests.needs import need
from tests.server.artifact_client import ARTIFACTS, CONTENT, ETAG, LIMIT, MEGABYTE, ArtifactClient, eventually
from tests.server.wire import Wire, ask, request
from tests.servers.trackback import TrackbackServer


def test_an_upload_answers_200_with_the_digest_alone_and_a_download_gives_the_bytes_back(
    client: ArtifactClient,
) -> None:
    uploaded = client.put("plain/file.bin")
    assert (uploaded.status, uploaded.body, uploaded.headers.get("content-type")) == (200, b"", None)
    assert uploaded.headers["etag"] == ETAG
    assert client.get("plain/file.bin").body == CONTENT


def test_the_pages_prefix_is_the_same_store(client: ArtifactClient) -> None:
    client.put("prefix/file", prefix="/ajax-api/2.0/mlflow-artifacts/artifacts")
    assert client.get("prefix/file").body == CONTENT


def test_an_empty_file_is_a_file(client: ArtifactClient) -> None:
    client.put("empty", b"")
    answer = client.get("empty")
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "0", b"")


def test_a_body_in_chunks_of_unknown_length_is_taken(client: ArtifactClient) -> None:
    with Wire(client.port) as wire:
        wire.send(request("PUT", f"{ARTIFACTS}/chunked", headers={"Transfer-Encoding": "chunked"}))
        for _ in range(3):
            wire.send(b"a\r\n0123456789\r\n")
        assert wire.send(b"0\r\n\r\n").answer().status == 200
    assert client.get("chunked").body == b"0123456789" * 3


def test_a_large_file_comes_back_whole(client: ArtifactClient) -> None:
    content = random.Random(1).randbytes(20 * MEGABYTE + 1)
    client.put("large", content)
    assert client.get("large").body == content


def test_a_listing_names_files_and_directories_and_of_nothing_is_an_empty_object(client: ArtifactClient) -> None:
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


def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_sent(client: ArtifactClient) -> None:
    with Wire(client.port) as wire:
        wire.send(request("PUT", f"{ARTIFACTS}/too-large", headers={"Content-Length": str(LIMIT + 1)}))
        assert wire.answer().status == 413


def test_a_file_that_turns_out_too_large_is_refused_and_leaves_no_trace(client: ArtifactClient) -> None:
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
def test_an_upload_that_is_cut_off_leaves_no_trace(client: ArtifactClient, sent: int, how: str) -> None:
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


def test_a_cut_off_replacement_leaves_the_old_file(client: ArtifactClient) -> None:
    client.put("replaced", b"old")
    with Wire(client.port) as wire:
        wire.send(request("PUT", f"{ARTIFACTS}/replaced", headers={"Content-Length": "1000"}), b"half of the new")
    assert client.get("replaced").body == b"old"


def test_an_upload_under_way_when_the_server_is_killed_is_not_there_and_comes_again(tmp_path: Path) -> None:
    with TrackbackServer(f"sqlite:///{tmp_path}/trackback.db", tmp_path / "artifacts", tmp_path) as server:
        client = ArtifactClient(server.port, tmp_path / "artifacts")
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
        client = ArtifactClient(server.port, disk.folder)
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
