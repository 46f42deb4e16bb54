"""The proxy between here and a server, if the environment names one."""

from base64 import b64encode
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from trackback.client.address import Address, without_userinfo
from trackback.errors import InvalidParameter


class Proxy(NamedTuple):
    host: str
    port: int
    headers: dict[str, str]


def proxy_for(address: Address) -> Proxy | None:
    """The proxy that the environment names for the address; none leads back to this machine."""
    if address.is_loopback:
        return None
    place = urlsplit(address.uri)
    known = getproxies()
    uri = known.get(place.scheme) or known.get("all")
    if not uri or proxy_bypass(place.hostname or ""):
        return None
    proxy = urlsplit(uri if "://" in uri else f"http://{uri}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise InvalidParameter(
            f"The proxy {without_userinfo(uri)} can't be used: proxies of http:// are known only. Change "
            "HTTPS_PROXY or HTTP_PROXY, or name the server's host in NO_PROXY."
        )
    headers = {}
    if proxy.username:
        credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        headers["proxy-authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    return Proxy(proxy.hostname, proxy.port or 80, headers)
