import os
import shutil
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.client.faulty import Answer, FaultyServer, cut, hang, hang_up, reply, talk_to
from tests.client.patience import Clock
from tests.needs import need
from tests.servers.program import free_port
from trackback import __version__
from trackback.client.retries import Retries
from trackback.client.transport import Transport
from trackback.errors import (
    InvalidParameter,
    InvalidState,
    Overloaded,
    TrackbackError,
    Unavailable,
    UnknownEndpoint,
)

ONCE = Retries(deadline_s=0)
BUSY = reply(503, b'{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The database does not answer."}')
FULL_QUEUE = reply(429, b'{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"Wait."}')
FINE = reply(200, b'{"number":7}')
MAYBE_DONE = {
    "503": BUSY,
    "502": reply(502, b"<h1>Bad Gateway</h1>"),
    "no answer": hang_up,
    "half an answer": cut(200, b'{"number":7}', 3),
}

USERINFO = "ada:s3cret"  # YWRhOnMzY3JldA== in base 64


class Thing(msgspec.Struct):
    number: int = 0
    name: str = ""


def ask(transport: Transport, *, idempotent: bool = True) -> int:
    return transport.call("POST", "/api/thing", {"a": 1}, Thing, idempotent=idempotent).number


def test_a_request_goes_out_as_json_and_says_who_sends_it() -> None:
    with FaultyServer(FINE) as server, Transport(server.url, token="t0ken") as transport:
        assert ask(transport) == 7
    (seen,) = server.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/api/thing", b'{"a":1}')
    sent = {name: seen.headers[name] for name in ("user-agent", "content-type", "authorization")}
    assert sent == {
        "user-agent": f"trackback/{__version__}",
        "content-type": "application/json",
        "authorization": "Bearer t0ken",
    }


def test_a_get_has_a_query_and_no_body() -> None:
    with FaultyServer(FINE) as server, Transport(f"{server.url}/prefix/") as transport:
        transport.call("GET", "/api/thing", {"run_id": "a b"}, Thing)
    assert (server.seen[0].target, server.seen[0].body) == ("/prefix/api/thing?run_id=a+b", b"")


def test_calls_share_a_connection() -> None:
    with talk_to(FINE) as (server, transport):
        for _ in range(3):
            ask(transport)
    assert len({seen.port for seen in server.seen}) == 1


def test_many_threads_share_a_transport() -> None:
    with talk_to(FINE) as (server, transport), ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: ask(transport), range(40))) == [7] * 40
    assert len(server.seen) == 40


def test_a_forked_process_opens_connections_of_its_own() -> None:
    with talk_to(FINE) as (server, transport):
        ask(transport)
        child = os.fork()
        if child == 0:
            os._exit(0 if ask(transport) == 7 else 1)
        assert os.waitpid(child, 0)[1] == 0
        ask(transport)
    before, forked, after = (seen.port for seen in server.seen)
    assert before == after != forked


def test_what_fails_for_a_while_is_repeated_with_waits_that_double(clock: Clock) -> None:
    with talk_to(*[BUSY] * 4, FINE, retries=clock.retries()) as (server, transport):
        assert ask(transport) == 7
    assert len(server.seen) == 5
    for wait, longest in zip(clock.waits, (0.2, 0.4, 0.8, 1.6), strict=True):
        assert longest / 2 <= wait <= longest


def test_the_first_repetition_is_announced(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    with talk_to(BUSY, BUSY, FINE, retries=clock.retries()) as (_server, transport):
        ask(transport)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "The database does not answer. Trying again for up to 60 s."
    ]


def test_after_the_deadline_the_last_error_is_raised(clock: Clock) -> None:
    with talk_to(BUSY, retries=clock.retries(60)) as (server, transport), pytest.raises(Unavailable) as raised:
        ask(transport)
    assert raised.value.message == "The database does not answer."
    assert 50 < clock.now_s <= 60  # the longest wait is 10 s
    assert raised.value.__notes__ == [f"It was tried {len(server.seen)} times."]


def test_a_server_that_says_when_to_come_back_is_heard(clock: Clock) -> None:
    busy = reply(503, Retry_After="7")
    with talk_to(busy, FINE, retries=clock.retries()) as (_server, transport):
        ask(transport)
    assert clock.waits == [7]


def test_nobody_waits_for_what_comes_after_the_deadline(clock: Clock) -> None:
    busy = reply(429, b'{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"Wait."}', Retry_After="3600")
    with talk_to(busy, retries=clock.retries()) as (_server, transport), pytest.raises(Overloaded):
        ask(transport)
    assert clock.waits == []


@pytest.mark.parametrize("bad", MAYBE_DONE.values(), ids=MAYBE_DONE)
def test_what_must_not_be_done_twice_is_not_repeated_when_it_may_have_been_done(bad: Answer, clock: Clock) -> None:
    with talk_to(bad, FINE, retries=clock.retries()) as (server, transport):
        with pytest.raises(Unavailable):
            ask(transport, idempotent=False)
        assert len(server.seen) == 1
        server.then(bad, FINE)
        assert ask(transport) == 7


@pytest.mark.parametrize("bad", [FULL_QUEUE, reply(408)], ids=["429", "408"])
def test_what_was_refused_unheard_is_repeated_even_then(bad: Answer, clock: Clock) -> None:
    with talk_to(bad, FINE, retries=clock.retries()) as (_server, transport):
        assert ask(transport, idempotent=False) == 7


def test_so_is_what_found_no_server_until_one_is_there(clock: Clock) -> None:
    server = FaultyServer(FINE)
    clock.meanwhile = server.start
    with closing(server), Transport(server.url, retries=clock.retries()) as transport:
        assert ask(transport, idempotent=False) == 7
    assert len(clock.waits) == 1


def test_where_no_server_is_the_message_says_where_and_what_to_do() -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    with Transport(uri, retries=ONCE) as transport, pytest.raises(Unavailable) as raised:
        ask(transport)
    assert raised.value.message == (
        f"No server answers at {uri} ([Errno 111] Connection refused). "
        "`trackback server` starts one; TRACKBACK_TRACKING_URI says where it is."
    )


def test_an_unknown_host_is_named() -> None:
    message = r"The host of http://no-such-host\.invalid:5000 is not known: .*\. Check"
    with pytest.raises(Unavailable, match=message):
        ask(Transport("http://no-such-host.invalid:5000", retries=ONCE))


def test_a_server_that_is_silent_is_given_up() -> None:
    with talk_to(hang, timeout_s=0.2, retries=ONCE) as (server, transport), pytest.raises(Unavailable) as raised:
        ask(transport)
    assert raised.value.message == (
        f"POST {server.url}/api/thing: no answer for 0.2 s. Whether it was carried out is not known."
    )


def test_plain_http_behind_an_https_uri_is_explained_and_not_tried_again(clock: Clock) -> None:
    message = r"No secure connection to https://127\..* use http:// for it"
    with FaultyServer(FINE) as server, pytest.raises(Unavailable, match=message):
        ask(Transport(server.url.replace("http:", "https:"), retries=clock.retries()))
    assert clock.waits == []


def test_a_certificate_of_ones_own_authority_is_trusted_when_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    certificate = own_certificate(tmp_path)
    message = r"self-signed certificate.* set SSL_CERT_FILE"
    with FaultyServer(FINE, certificate=certificate) as server:
        with Transport(server.url, retries=clock.retries()) as transport, pytest.raises(Unavailable, match=message):
            ask(transport)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Transport(server.url, retries=clock.retries()) as transport:
            assert ask(transport) == 7
    assert clock.waits == []


def own_certificate(folder: Path) -> Path:
    need(shutil.which("openssl"), "no openssl to make a certificate with (on Debian: apt install openssl)")
    file = folder / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-keyout", file, "-out", file], check=True, capture_output=True)
    return file


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (reply(200, b"<html>Please log in</html>"), TrackbackError, r"what is no answer to it: 'Please log in'"),
        (reply(200, b"[]"), TrackbackError, "Expected `object`, got `array`"),
        (reply(200, b'{"name":"\xff"}'), TrackbackError, "invalid start byte"),
        (reply(200, b'{"a":' * 5000), TrackbackError, "recursion"),
        (reply(200, b'{"number":"many"}'), TrackbackError, r"Expected `int`, got `str` - at `\$.number`"),
        (reply(302, b"", Location="/login?next=1"), TrackbackError, r"redirect \(302\) to '/login'"),
        (
            reply(404, b"<h1>Not Found</h1>"),
            UnknownEndpoint,
            r"POST http.*/api/thing was answered with 404 .*'Not Found'",
        ),
        (reply(500, b'{"error_code":"INVALID_STATE","message":"It is deleted."}'), InvalidState, "^It is deleted.$"),
    ],
    ids=["login page", "array", "no UTF-8", "nesting", "wrong type", "redirect", "no route", "a 500 that is none"],
)
def test_a_final_answer_is_told_at_once(answer: Answer, kind: type[TrackbackError], message: str, clock: Clock) -> None:
    with talk_to(answer, retries=clock.retries()) as (_server, transport), pytest.raises(kind, match=message):
        ask(transport)
    assert clock.waits == []


@pytest.mark.parametrize(
    "answer",
    [reply(401, b"no"), reply(200, b"no"), reply(302, Location="/login"), reply(500), hang_up, cut(200, b"1234", 2)],
    ids=["401", "no JSON", "redirect", "500", "no answer", "half an answer"],
)
def test_no_error_shows_credentials(answer: Answer) -> None:
    server = FaultyServer(answer)
    uri = server.url.replace("//", f"//{USERINFO}@")
    with server, Transport(uri, retries=ONCE) as transport, pytest.raises(TrackbackError) as raised:
        ask(transport)
    shown = "".join(traceback.format_exception(raised.value)) + repr(transport)
    assert "127.0.0.1" in shown
    assert not any(secret in shown for secret in ("s3cret", "YWRhOnMzY3JldA"))


def test_a_host_name_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidParameter, match=r"http://a\.\.b can't be reached: its host is no name"):
        ask(Transport("http://a..b", retries=ONCE))


def test_importing_it_imports_nothing_that_speaks_http() -> None:
    program = "import sys, trackback.client.transport; print('http.client' in sys.modules or 'ssl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"False\n"
