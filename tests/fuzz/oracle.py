"""What must hold of the answer to any request whatever."""

import json
import re
from collections.abc import Iterator

from tests.server.wire import Answer
from trackback.errors import TrackbackError

# What would tell of the server's insides: its code, its paths, its libraries, its SQL.
LEAKS = re.compile(
    r"Traceback|\.py\b|line \d+, in|site-packages|/work|/tmp|/var/tmp|/dev/shm|/usr|/root|/home"
    r"|(?i:sqlite|apsw|psycopg|postgres|msgspec|uvicorn|starlette|httptools|obstore|jinja)"
    r"|\b(?:SELECT|INSERT|UPDATE|WHERE|COLLATE)\b|\b\w+(?:Error|Exception|Warning)\b|0x[0-9a-f]{6}"
)


def errors(tree: type[TrackbackError] = TrackbackError) -> Iterator[tuple[int, str]]:
    """Every status that an error leaves with, and its code."""
    yield tree.status, tree.code
    for child in tree.__subclasses__():
        yield from errors(child)


ERRORS = frozenset(errors())


def fault(method: str, answer: Answer, *, page: bool) -> str | None:
    """What is wrong with an answer, or None; ``page``: it may be HTML."""
    if answer.status >= 500 and answer.status != 501:
        return "the server failed"
    if method == "HEAD" or answer.status == 304:
        return None
    if page and answer.headers.get("content-type") == "text/html; charset=utf-8":
        return _leak(answer.body.decode()) if answer.status >= 400 else None
    if answer.headers.get("content-type") != "application/json":
        return "not JSON" if answer.status >= 400 else None
    try:
        body = json.loads(answer.body, parse_constant=_refuse)
    except ValueError as error:
        return f"not valid JSON: {error}"
    return _error_fault(answer, body) if answer.status >= 400 else None


def _refuse(constant: str) -> None:
    raise ValueError(f"a bare {constant}")


def _error_fault(answer: Answer, body: object) -> str | None:
    if not isinstance(body, dict) or not isinstance(body.get("message"), str) or not body["message"]:
        return "not MLflow's error object"
    if (answer.status, body.get("error_code")) not in ERRORS:
        return "a code that does not belong to the status"
    return _leak(body["message"])


def _leak(text: str) -> str | None:
    found = LEAKS.search(text)
    return f"tells of the server's insides: {found[0]}" if found else None
