"""How files go between sockets and disk: over TLS, through proxies, and past servers that hang up."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.client.faulty import FaultyServer, cut, hang, hang_up, reply, talk_to
from tests.client.patience import Clock
from tests.client.test_transport import own_certificate
from tests.servers.program import free_port
from tests.servers.trackback import TrackbackServer
from trackback.client.downloads import PartialFile
from trackback.client.pipeline import PIECE_BYTES, Pipeline
from trackback.client.retries import Retries
from trackback.client.transport import Transport, artifact_target
from trackback.errors import InvalidParameter, PermissionDenied, Unavailable

ONCE = Retries(deadline_s=0)
CONTENT = os.urandom(3 * PIECE_BYTES + 1)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """A proxy of the environment's, which answers in the servers' place."""
    with FaultyServer(reply(200, CONTENT)) as proxy:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy.url.replace("//", "//ada:s3cret@"))
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield proxy


def test_a_request_says_who_sends_it_and_what_it_takes() -> None:
    with FaultyServer(reply(200)) as server, Transport(f"{server.url}/prefix", token="t0ken") as transport:
        transport.upload("a b", b"1")
    (seen,) = server.seen
    assert (seen.method, seen.target, seen.body) == ("PUT", f"/prefix{artifact_target('a b')}", b"1")
    assert (seen.headers["authorization"], seen.headers["accept-encoding"]) == ("Bearer t0ken", "identity")
    assert seen.headers["host"] == server.url.removeprefix("http://")


def test_files_share_a_connection() -> None:
    with talk_to(reply(200)) as (server, transport):
        for _ in range(3):
            transport.upload("a", CONTENT)
    assert len({seen.port for seen in server.seen}) == 1


def test_a_forked_process_opens_connections_of_its_own() -> None:
    with talk_to(reply(200)) as (server, transport):
        transport.upload("a", b"1")
        child = os.fork()
        if child == 0:
            transport.upload("a", b"1")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        transport.upload("a", b"1")
    before, forked, after = (seen.port for seen in server.seen)
    assert before == after != forked


def test_files_go_over_tls_to_whom_the_environment_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = own_certificate(tmp_path)
    with FaultyServer(reply(200, CONTENT), certificate=certificate) as server:
        unknown = pytest.raises(Unavailable, match=r"self-signed certificate.* set SSL_CERT_FILE")
        with Transport(server.url, retries=ONCE) as transport, unknown:
            transport.upload("a", CONTENT)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Transport(server.url, retries=ONCE) as transport:
            assert transport.upload("a", CONTENT) == transport.download("a", tmp_path / "copy") == DIGEST
    assert server.seen[0].body == CONTENT


def test_files_go_through_the_proxy_that_the_environment_names(proxied: FaultyServer, tmp_path: Path) -> None:
    with Transport("http://models.example", retries=ONCE) as transport:
        assert transport.download("a", tmp_path / "copy") == DIGEST
    (seen,) = proxied.seen
    assert seen.target == f"http://models.example{artifact_target('a')}"
    assert seen.headers["proxy-authorization"] == "Basic YWRhOnMzY3JldA=="
    assert seen.headers["host"] == "models.example"


def test_a_proxy_that_refuses_is_named(proxied: FaultyServer, tmp_path: Path) -> None:
    refused = pytest.raises(Unavailable, match=r"The proxy between here and https://models.example refused: .*501")
    with Transport("https://models.example", retries=ONCE) as transport, refused:
        transport.download("a", tmp_path / "copy")


def test_no_proxy_leads_back_to_this_machine(proxied: FaultyServer) -> None:
    with talk_to(reply(200)) as (server, transport):
        transport.upload("a", b"1")
    assert (len(server.seen), proxied.seen) == (1, [])


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("http_proxy", "socks5://ada:s3cret@127.0.0.1:1")
    refused = pytest.raises(InvalidParameter, match=r"The proxy socks5://127.0.0.1:1 can't be used")
    with Transport("http://models.example", retries=ONCE) as transport, refused:
        transport.download("a", tmp_path / "copy")


def test_a_server_that_refuses_before_it_has_read_all_is_heard() -> None:
    def refuse(handler: BaseHTTPRequestHandler) -> None:
        body = b'{"error_code":"PERMISSION_DENIED","message":"Not yours."}'
        handler.wfile.write(b"HTTP/1.1 403 No\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body))
        handler.close_connection = True

    refused = pytest.raises(PermissionDenied, match=r"^Not yours\.$")
    with FaultyServer(refuse, reads_bodies=False) as server, Transport(server.url) as transport, refused:
        transport.upload("a", bytes(50_000_000))


@pytest.mark.parametrize(
    ("answer", "said"),
    [(hang_up, "was cut off"), (cut(200, CONTENT, 1000), "bytes were still to come"), (hang, r"no answer for 0\.2 s")],
    ids=["no answer", "half an answer", "silence"],
)
def test_what_is_no_answer_is_said(answer: object, said: str, tmp_path: Path) -> None:
    refused = pytest.raises(Unavailable, match=rf"GET http.*/a.*{said}")
    with talk_to(answer, retries=ONCE, timeout_s=0.2) as (_, transport), refused:  # type: ignore[arg-type]
        transport.download("a", tmp_path / "copy")


def test_where_no_server_is_the_message_says_where(tmp_path: Path) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    refused = pytest.raises(Unavailable, match=rf"No server answers at {uri} .*refused.*trackback server")
    with Transport(uri, retries=ONCE) as transport, refused:
        transport.download("a", tmp_path / "copy")


def test_a_host_name_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with (
        Transport(f"http://{'a' * 64}.example", retries=ONCE) as transport,
        pytest.raises(InvalidParameter, match="its host is no name"),
    ):
        transport.download("a", tmp_path / "copy")


def test_who_waits_is_told_of_bytes_as_they_go_and_of_those_that_go_again(clock: Clock, tmp_path: Path) -> None:
    told: list[int] = []
    with talk_to(reply(503), reply(200), retries=clock.retries()) as (_, transport):
        transport.upload("a", CONTENT, told.append)
    assert sum(told) == len(CONTENT)
    assert -len(CONTENT) in told


class TestPartialFiles:
    """Those whose digest is known beforehand."""

    def test_what_a_process_that_died_had_received_is_gone_on_with(
        self, tracking_server: TrackbackServer, tmp_path: Path
    ) -> None:
        content = os.urandom(60_000_000)
        digest = hashlib.sha256(content).hexdigest()
        copy = tmp_path / "copy"
        with Transport(tracking_server.url) as transport:
            transport.upload("big", content)
            program = (
                "import sys; from pathlib import Path; from trackback.client.downloads import PartialFile;"
                "from trackback.client.transport import Transport, artifact_target; import os, signal\n"
                "def stop(count):\n"
                "    stop.done += count\n"
                "    if stop.done > 20_000_000: os.kill(os.getpid(), signal.SIGKILL)\n"
                "stop.done = 0\n"
                "part = PartialFile(Path(sys.argv[2]), digest=sys.argv[3], size=60_000_000, advance=stop)\n"
                "Transport(sys.argv[1]).complete(artifact_target('big'), {}, part)"
            )
            died = subprocess.run([sys.executable, "-c", program, tracking_server.url, copy, digest], timeout=60)
            assert died.returncode == -signal.SIGKILL
            with PartialFile(copy, digest=digest, size=len(content)) as partial:
                assert partial.size > 20_000_000
                assert partial.headers()["range"] == f"bytes={partial.size}-"
                assert transport.complete(artifact_target("big"), {}, partial) == digest
        assert copy.read_bytes() == content

    def test_one_that_is_whole_asks_for_nothing(self, tmp_path: Path) -> None:
        (tmp_path / f".trackback-{DIGEST}.part").write_bytes(CONTENT)
        whole = PartialFile(tmp_path / "copy", digest=DIGEST, size=len(CONTENT))
        with talk_to(reply(500)) as (server, transport), whole as partial:
            assert transport.complete("/a", {}, partial) == DIGEST
        assert server.seen == []
        assert (tmp_path / "copy").read_bytes() == CONTENT

    @pytest.mark.parametrize("before", [b"wrong", CONTENT + b"more"], ids=["others", "too many"])
    def test_bytes_from_before_that_were_wrong_are_not_kept(self, before: bytes, tmp_path: Path) -> None:
        (tmp_path / f".trackback-{DIGEST}.part").write_bytes(before)
        wrong = PartialFile(tmp_path / "copy", digest=DIGEST, size=len(CONTENT))
        with talk_to(reply(200, CONTENT, ETag='"another"')) as (_, transport), wrong as partial:
            assert transport.complete("/a", {}, partial) == DIGEST

    def test_nor_are_those_that_only_the_digest_shows_to_be_wrong(self, tmp_path: Path) -> None:
        (tmp_path / f".trackback-{DIGEST}.part").write_bytes(b"wrong")
        size = len(CONTENT)
        rest = reply(206, CONTENT[5:], ETag=f'"{DIGEST}"', Content_Range=f"bytes 5-{size - 1}/{size}")
        wrong = PartialFile(tmp_path / "copy", digest=DIGEST, size=size)
        with talk_to(rest, reply(200, CONTENT)) as (server, transport), wrong as partial:
            assert transport.complete("/a", {}, partial) == DIGEST
        assert len(server.seen) == 2

    def test_others_wait_for_whoever_fetches_it(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from trackback.client.downloads import PartialFile\n"
            f"with PartialFile(Path(sys.argv[1]), digest='{DIGEST}'): print('mine', flush=True)"
        )
        with PartialFile(tmp_path / "copy", digest=DIGEST):
            other = subprocess.Popen(
                [sys.executable, "-c", program, tmp_path / "copy"], stdout=subprocess.PIPE, text=True
            )
            time.sleep(1)
            assert other.poll() is None
        assert other.communicate(timeout=30)[0] == "mine\n"


class TestPipelines:
    def test_pieces_are_worked_on_in_their_order(self) -> None:
        seen = bytearray()
        with Pipeline(seen.extend) as pipeline:
            for number in range(20):
                pipeline.buffer()[:1] = bytes([number])
                pipeline.push(1)
        assert bytes(seen) == bytes(range(20))

    def test_what_the_work_raises_reaches_whoever_feeds_it(self) -> None:
        def refuse(piece: memoryview) -> None:
            raise OSError("no more")

        def feed() -> None:
            with Pipeline(refuse) as pipeline:
                pipeline.buffer()
                pipeline.push(1)

        with pytest.raises(OSError, match="no more"):
            feed()
