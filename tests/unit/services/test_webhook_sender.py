"""Sending: to the address that was looked at, by the host's own name, and to no other."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.client.faulty import FaultyServer, reply
from tests.needs import need
from trackback.services.webhook_addresses import WebhookAddresses
from trackback.services.webhook_answers import Answer
from trackback.services.webhook_sender import WebhookSender
from trackback.storage.webhooks import WebhookRecord

HOST = "hooks.test"  # which no resolver knows
FINE = reply(200, b"thanks")


class Resolver:
    """Answers with the first, then with the next, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        return list(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


def webhook(url: str, **fields: str) -> WebhookRecord:
    record = WebhookRecord(1, "w", "hook", "", "plain", url, "{}", "", "", "", "", "ACTIVE", 1, 1)
    return record._replace(**fields)  # type: ignore[arg-type] # none of these is a number


async def send(url: str, resolver: Resolver, allowed: str = "127.0.0.0/8", timeout_s: float = 5) -> Answer:
    sender = WebhookSender(WebhookAddresses([allowed], resolver), timeout_s)
    try:
        return await sender.send(webhook(url), "d1", "{}", 1_700_000_000_000)
    finally:
        await sender.close()


def at_host(server: FaultyServer, host: str = HOST) -> str:
    return server.url.replace("127.0.0.1", host) + "/hook?a=b"


async def test_the_host_is_named_though_its_address_is_connected_to() -> None:
    with FaultyServer(FINE) as server:
        url = at_host(server)
        assert await send(url, Resolver(["127.0.0.1"])) == Answer(200, "thanks")
    (request,) = server.seen
    assert request.target == "/hook?a=b"
    assert request.headers["host"] == url.split("/")[2]


async def test_a_host_is_resolved_once_so_that_it_can_t_lead_elsewhere_after_the_look() -> None:
    with FaultyServer(FINE) as server:
        resolver = Resolver(["127.0.0.1"], ["169.254.169.254"])
        assert (await send(at_host(server), resolver)).delivered
        assert len(resolver.asked) == 1
        answer = await send(at_host(server), resolver)
    assert "it leads to 169.254.169.254" in str(answer.error)
    assert len(server.seen) == 1


async def test_the_next_address_is_tried_where_nobody_listens() -> None:
    with FaultyServer(FINE) as server:
        assert (await send(at_host(server), Resolver(["127.0.0.2", "127.0.0.1"]))).delivered


async def test_a_certificate_must_be_the_host_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = own_certificate(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with FaultyServer(FINE, certificate=certificate) as server:
        assert (await send(at_host(server), Resolver(["127.0.0.1"]))).delivered
        answer = await send(at_host(server, "other.test"), Resolver(["127.0.0.1"]))
        assert "certificate is not valid for 'other.test'" in str(answer.error)
        monkeypatch.delenv("SSL_CERT_FILE")
        answer = await send(at_host(server), Resolver(["127.0.0.1"]))
        assert "certificate verify failed" in str(answer.error)
    assert len(server.seen) == 1


def own_certificate(folder: Path, host: str) -> Path:
    need(shutil.which("openssl"), "no openssl to make a certificate with (on Debian: apt install openssl)")
    file = folder / "certificate.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test -addext subjectAltName=DNS:{host}"
    subprocess.run([*command.split(), "-keyout", file, "-out", file], check=True, capture_output=True)
    return file


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer(FINE) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert (await send(at_host(server), Resolver(["127.0.0.1"]))).delivered


async def test_a_redirect_is_not_followed() -> None:
    with FaultyServer(FINE) as other, FaultyServer(reply(307, b"", Location=other.url)) as server:
        answer = await send(at_host(server), Resolver(["127.0.0.1"]))
    assert (answer.status, answer.delivered) == (307, False)
    assert other.seen == []


@pytest.mark.parametrize(
    ("status", "header", "seconds"), [(429, "7", 7), (503, "99999999", 3600), (429, "soon", 0), (200, "7", 0)]
)
async def test_a_pause_that_is_asked_for_is_read_where_it_counts(status: int, header: str, seconds: int) -> None:
    with FaultyServer(reply(status, Retry_After=header)) as server:
        assert (await send(at_host(server), Resolver(["127.0.0.1"]))).retry_after_s == seconds


@pytest.mark.parametrize("fault", [OSError("no file descriptors"), UnicodeError("label too long"), KeyError("x")])
async def test_whatever_else_goes_wrong_is_an_answer_too_and_logged(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(host: str, port: int) -> list[str]:
        raise fault

    sender = WebhookSender(WebhookAddresses([], fail))
    answer = await sender.send(webhook(f"https://{HOST}/hook"), "d1", "{}", 0)
    assert not answer.delivered
    assert answer.error
    assert "d1" in caplog.text or str(fault) in answer.error


async def test_what_can_t_be_made_into_a_message_is_an_answer_too() -> None:
    sender = WebhookSender(WebhookAddresses([], Resolver(["127.0.0.1"])))
    answer = await sender.send(webhook(f"https://{HOST}/hook", target="pigeon"), "d1", "{}", 0)
    assert "could not be sent" in str(answer.error)
