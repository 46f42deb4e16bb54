"""A name for each request, by which the log and what the client was told can be put together."""

import itertools
import os

from starlette.types import Scope

_process = os.urandom(4).hex()
_numbers = itertools.count(1)


def request_id(scope: Scope) -> str:
    """The request's id; made when it is first asked for, as most requests need none."""
    found: str | None = scope.get("trackback.request_id")
    if found is None:
        found = scope["trackback.request_id"] = f"{_process}-{next(_numbers):x}"
    return found
