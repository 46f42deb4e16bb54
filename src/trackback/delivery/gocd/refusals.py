"""What GoCD says when it refuses, as errors that say what to do."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from trackback.client.refusals import plain_text
from trackback.client.wire import UNREADABLE
from trackback.errors import (
    BadRequest,
    Conflict,
    InvalidParameter,
    NotFound,
    PermissionDenied,
    TrackbackError,
    Unauthenticated,
    Unavailable,
)
from trackback.limits import shown

QUOTED_LENGTH = 300
NO_PLUGIN = "Invalid plugin id"

_KINDS: dict[int, type[TrackbackError]] = {
    401: Unauthenticated,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    422: InvalidParameter,
}
_ADVICE = {
    401: "GoCD does not know the token, or it was revoked. Make one on GoCD's page Personal Access Tokens.",
    403: "The token's user lacks the permission: repositories and packages are set up by GoCD's administrators, a "
    "pipeline's history is for those who may view it.",
    404: "There is no such thing in this GoCD, or its release is too old. Check the name, and that --server is GoCD's "
    "address with its path, such as https://gocd.example.org/go.",
    409: "Something else is being done with it. Try again in a moment.",
    412: "Somebody has changed it meanwhile. Run the command again.",
    422: "GoCD, or the plugin trackback in it, does not take the values.",
}

_INSTALL = (
    "GoCD has no plugin trackback: put trackback-gocd.jar, which the trackback server has at /gocd/trackback-gocd.jar, "
    "into the folder plugins/external of GoCD's server, and restart it."
)


def refusal(request: str, status: int, headers: Mapping[str, str], body: bytes) -> TrackbackError:
    """The error that an answer of 300 or more is."""
    if status < 400:
        target = headers.get("location", "").partition("?")[0]
        return TrackbackError(
            f"{request} was answered with a redirect ({status}) to {shown(target, QUOTED_LENGTH)}, which is not "
            "followed. Set --server to where GoCD itself is."
        )
    kind = _KINDS.get(status) or (Unavailable if status >= 500 else BadRequest)
    said = _said(body)
    advice = _INSTALL if NO_PLUGIN in said else _ADVICE.get(status, "GoCD's log says more." if status >= 500 else "")
    return kind(f"{request} was answered with {status}: {said} {advice}".rstrip())


def no_answer(request: str, status: int, body: bytes, fault: Exception) -> TrackbackError:
    """The error for a good status whose body is not the answer."""
    return TrackbackError(
        f"{request} was answered ({status}) with what is no answer of GoCD's: "
        f"{shown(plain_text(body), QUOTED_LENGTH)} ({fault}). Set --server to GoCD's address, such as "
        "https://gocd.example.org/go."
    )


def _said(body: bytes) -> str:
    try:
        answer = msgspec.json.decode(body)
    except UNREADABLE:
        return shown(plain_text(body), QUOTED_LENGTH)
    message = str(answer.get("message", "")) if isinstance(answer, dict) else ""
    told = "; ".join([message, *_faults(answer)] if message else list(_faults(answer)))
    return told if told.endswith((".", "!")) else f"{told or 'without a message'}."


def _faults(value: Any, key: str = "") -> Iterator[str]:
    """What is wrong with which field: ``errors`` stand beside the fields, however deep."""
    if isinstance(value, list):
        for each in value:
            yield from _faults(each, key)
    if not isinstance(value, dict):
        return
    here = str(value.get("key") or value.get("name") or key)
    errors = value.get("errors")
    if isinstance(errors, dict):
        for field, messages in errors.items():
            said = ", ".join(map(str, messages)) if isinstance(messages, list) else str(messages)
            yield f"{here or field}: {said}"
    for field, inner in value.items():
        if field != "errors":
            yield from _faults(inner, here)
