"""Webhooks are sent to the internet and to networks that the operator names, and nowhere else, however spelled."""

import ipaddress

import pytest

from trackback.errors import ConfigurationError, InvalidParameter
from trackback.services.webhook_addresses import WebhookAddresses, is_public, parse_url

PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "2606:2800:220:1:248:1893:25c8:1946",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::8.8.8.8",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]


def addresses(*found: str, allowed: tuple[str, ...] = ()) -> WebhookAddresses:
    """Where every host has these addresses."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(found)

    return WebhookAddresses(allowed, resolve)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_what_is_not_the_internet_is_refused(address: str) -> None:
    with pytest.raises(InvalidParameter, match="which is no public address"):
        await addresses(address).locate("https://hooks.example.com/x")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "localhost",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "①②⑦.⓪.⓪.①",
    ],
)
async def test_no_spelling_of_loopback_gets_through(host: str) -> None:
    with pytest.raises(InvalidParameter, match=r"no public address|Invalid webhook URL"):
        await WebhookAddresses().locate(f"https://{host}/x")


async def test_one_bad_address_among_good_ones_is_enough_to_refuse() -> None:
    with pytest.raises(InvalidParameter, match=r"it leads to 10\.0\.0\.1"):
        await addresses("8.8.8.8", "10.0.0.1").locate("https://hooks.example.com/x")


async def test_an_allowed_network_may_be_reached_and_by_http() -> None:
    place = await addresses("10.1.2.3", allowed=("10.1.0.0/16",)).locate("http://ci.internal:8080/x")
    assert place.addresses == ["10.1.2.3"]
    assert (place.url.host, place.url.port) == ("ci.internal", 8080)


async def test_an_allowed_network_allows_no_other() -> None:
    with pytest.raises(InvalidParameter, match=r"10\.2\.0\.1"):
        await addresses("10.2.0.1", allowed=("10.1.0.0/16",)).locate("https://ci.internal/x")


async def test_what_stands_for_an_allowed_address_is_allowed() -> None:
    assert (await addresses("::ffff:10.1.2.3", allowed=("10.1.0.0/16",)).locate("https://ci.internal/x")).addresses


async def test_the_internet_is_reached_by_https_only() -> None:
    with pytest.raises(InvalidParameter, match="use https"):
        await addresses("8.8.8.8", allowed=("10.1.0.0/16",)).locate("http://hooks.example.com/x")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.com/x", "Invalid webhook URL scheme: 'ftp'. Allowed schemes are: https"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://example.com", "scheme"),
        ("example.com/x", "scheme"),
        ("https:///x", "must include a hostname"),
        ("https://ada:secret@example.com/x", "a user name or a password"),
        ("https://exa mple.com/x", "Invalid webhook URL"),
        ("https://example.com/\n", "Invalid webhook URL"),
        ("https://example.com:port/x", "Invalid webhook URL"),
        ("https://" + "a" * 64 + ".example.com/x", "Invalid webhook URL"),
        ("https://no-such-host.invalid/x", "its host can't be resolved"),
        ("https://example.com/" + "x" * 2000, "maximum length"),
    ],
)
async def test_what_is_no_usable_url_is_refused(url: str, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        await WebhookAddresses().locate(url)


def test_the_refusal_of_credentials_does_not_repeat_them() -> None:
    with pytest.raises(InvalidParameter) as raised:
        parse_url("https://ada:secret@example.com/x")
    assert "secret@" not in raised.value.message


@pytest.mark.parametrize("network", ["10.1.2.3/16", "localhost", "10.0.0.0/33", ""])
def test_a_network_that_is_none_is_refused_at_the_start(network: str) -> None:
    with pytest.raises(ConfigurationError, match="--webhook-allowed-networks"):
        WebhookAddresses([network])
