"""Where webhooks may be sent: public addresses, and those of the networks that the server was told to allow.

A server often stands where the internet can't reach: next to databases, to metadata services that hand out
credentials. So a host is resolved here, every address it has is looked at, and the connection is made to one of the
addresses that were looked at: a name that resolves to something else a moment later leads nowhere.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from trackback import limits
from trackback.errors import ConfigurationError, InvalidParameter
from trackback.limits import shown

if TYPE_CHECKING:
    import httpx

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

_PORTS = {"https": 443, "http": 80}
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Addresses that ipaddress counts as public, or did in some release of Python, and that are not the internet's: the
# "wire server" of Azure, IETF's own assignments (Oracle's metadata are among them), and the anycast of 6to4 relays.
_SPECIAL = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))


class Place(NamedTuple):
    """A URL, and the addresses that its host has and that may be connected to."""

    url: "httpx.URL"
    addresses: list[str]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver has them. Raises OSError or UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class WebhookAddresses:
    """``allowed_networks``: networks in CIDR notation that are not public, but may be reached, also without TLS."""

    def __init__(self, allowed_networks: Sequence[str] = (), resolve: Resolve = resolve) -> None:
        self._allowed = [_network(text) for text in allowed_networks]
        self._resolve = resolve

    async def locate(self, url: str) -> Place:
        """Raises InvalidParameter for a URL that is not valid, can't be resolved, or leads where it may not."""
        parsed = parse_url(url)
        host = parsed.raw_host.decode()
        try:
            found = await self._resolve(host, parsed.port or _PORTS[parsed.scheme])
        except (OSError, UnicodeError) as error:
            raise InvalidParameter(f"Invalid webhook URL {shown(url)}: its host can't be resolved: {error}.") from None
        addresses = [ip_address(text) for text in found]
        for address in addresses:
            if not (is_public(address) or self._is_allowed(address)):
                raise InvalidParameter(
                    f"Invalid webhook URL {shown(url)}: it leads to {address}, which is no public address. An admin "
                    "can allow its network with --webhook-allowed-networks."
                )
        if parsed.scheme == "http" and not all(map(self._is_allowed, addresses)):
            raise InvalidParameter(
                f"Invalid webhook URL {shown(url)}: use https. http is for --webhook-allowed-networks only."
            )
        return Place(parsed, [str(address) for address in addresses])

    def _is_allowed(self, address: Address) -> bool:
        inner = _embedded(address)
        return any(inner in network for network in self._allowed if network.version == inner.version)


def parse_url(text: str) -> "httpx.URL":
    """Raises InvalidParameter unless it is an http or https URL with a host, and without credentials."""
    import httpx  # noqa: PLC0415 - a third of the imports of a server, and many have no webhook

    limits.check_length(text, "url", limits.URL_LENGTH)
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise InvalidParameter(f"Invalid webhook URL {shown(text)}: {error}.") from None
    if url.scheme not in _PORTS:
        raise InvalidParameter(f"Invalid webhook URL scheme: {shown(url.scheme)}. Allowed schemes are: https.")
    if not url.host:
        raise InvalidParameter(f"Webhook URL must include a hostname: {shown(text)}")
    if url.userinfo:
        raise InvalidParameter(
            "Invalid webhook URL: it has a user name or a password in it. Sign with a secret instead."
        )
    return url


def is_public(address: Address) -> bool:
    """Whether it is an address of the internet, and of one machine there.

    An address of IPv6 that stands for one of IPv4 is what that is.
    """
    inner = _embedded(address)
    if any(inner in network for network in _SPECIAL if network.version == inner.version):
        return False
    if isinstance(inner, IPv6Address) and inner not in _GLOBAL_UNICAST:
        return False
    return inner.is_global and not (inner.is_multicast or inner.is_reserved or inner.is_unspecified)


def _embedded(address: Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for: mapped, 6to4 or NAT64; else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ConfigurationError(
            f"Invalid network {shown(text)} in --webhook-allowed-networks: {error}. Give it as 10.1.0.0/16 or fd00::/8."
        ) from None
