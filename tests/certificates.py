"""Certificates of authorities, which no server of the tests has one of: httpx reads them all for each of its clients,
in 30 ms of processor time, and tests have thousands of these.
"""

import ssl
from functools import cache
from typing import Any

from httpx import create_ssl_context
from httpx._transports import default


def read_once() -> None:
    """For clients that leave it to httpx which authorities they trust."""
    vars(default)["create_ssl_context"] = _context


def _context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    if verify is True and cert is None and not trust_env:
        return _usual()
    return create_ssl_context(verify, cert, trust_env)


@cache
def _usual() -> ssl.SSLContext:
    return create_ssl_context(trust_env=False)
