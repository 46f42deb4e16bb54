"""Refuses requests that a web page of another site makes a browser send here.

A page may point its own host name at 127.0.0.1 (DNS rebinding), and then read what a server on loopback answers; the
Host header gives it away. It may also post forms here; the Origin header gives that away.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address

from starlette.types import Scope

from trackback.errors import PermissionDenied
from trackback.limits import shown

_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_OPEN_PATHS = frozenset(("/health",))
_REMEMBERED = 64  # each may have as many bytes as all headers together


def make_guard(bound_host: str, allowed_hosts: Iterable[str]) -> Callable[[Scope], None]:
    """A function that raises PermissionDenied for a request whose Host or Origin is foreign.

    Bound to loopback, a server answers to names of loopback and ``allowed_hosts`` only. Bound elsewhere it can't know
    its names, so it answers to all, unless ``allowed_hosts`` are given.
    """
    extra = frozenset(name.lower() for name in allowed_hosts)
    any_host = "*" in extra or not (extra or is_loopback(bound_host))

    @lru_cache(_REMEMBERED)
    def host_is_ours(host: bytes) -> bool:
        name = host_name(host.decode("latin-1"))
        return any_host or is_loopback(name) or name in extra

    @lru_cache(_REMEMBERED)
    def origin_is_ours(origin: bytes, host: bytes) -> bool:
        sent = origin.decode("latin-1")
        place = sent.partition("://")[2].lower()
        return place == host.decode("latin-1").lower() or host_name(place) in extra or sent in extra

    def guard(scope: Scope) -> None:
        host = origin = b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
        if not host_is_ours(host) and scope["path"] not in _OPEN_PATHS:
            raise PermissionDenied(
                f"This server does not answer to the host {shown(host.decode('latin-1'))}. "
                "If it should, start it with --allowed-hosts."
            )
        if origin and scope["method"] not in _SAFE_METHODS and not origin_is_ours(origin, host):
            raise PermissionDenied(
                f"A page of {shown(origin.decode('latin-1'))} may not change anything here. "
                "If it should, start the server with --allowed-hosts."
            )

    return guard


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().removesuffix(".")


def is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
