"""Answers other than the one hoped for, as failures with an error of the exception tree."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import msgspec

from trackback import errors
from trackback.client.address import without_userinfo
from trackback.client.failures import Failure
from trackback.client.wire import UNREADABLE
from trackback.errors import BadRequest, TrackbackError, Unavailable, UnknownEndpoint
from trackback.limits import shown

QUOTED_LENGTH = 200

_UNHEARD = frozenset((408, 429))
_PASSING = frozenset((408, 429, 500, 502, 503, 504))  # what MLflow's clients repeat
_MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_ADVICE = {
    401: "Set TRACKBACK_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
    403: "Ask for the permission, or use other credentials.",
    404: "Check that the tracking URI is a tracking server's, with its path if it has one.",
}

# A class of the tree that names a code of its own can be on the wire; of several with one code, or one status, the
# first is meant unless both agree.
_ON_THE_WIRE = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TrackbackError) and "code" in vars(kind)
]
_BY_CODE_AND_STATUS = {(kind.code, kind.status): kind for kind in reversed(_ON_THE_WIRE)}
_BY_CODE = {kind.code: kind for kind in reversed(_ON_THE_WIRE)}
_BY_STATUS = {kind.status: kind for kind in reversed(_ON_THE_WIRE)} | {
    400: BadRequest,
    502: Unavailable,
    504: Unavailable,
}


class _ErrorBody(msgspec.Struct):
    """MLflow's error, or (``detail``) that of the framework which serves its artifacts."""

    error_code: str | None = None
    message: str = ""
    detail: object = None


def refusal(request: str, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The failure that an answer of ``status`` 300 or more is.

    request: its method and its whole address, for messages. body: its beginning is enough.
    """
    error = _redirect(request, status, headers) if status < 400 else _error(request, status, body)
    undecided = status != 500 or type(error) is TrackbackError  # a 500 with a code of its own stays what it is
    return Failure(error, status in _PASSING and undecided, status in _UNHEARD, _retry_after_s(headers))


def no_answer(request: str, status: int, body: bytes, fault: Exception) -> TrackbackError:
    """The error for a good status whose body is not the answer."""
    return TrackbackError(
        f"{request} was answered ({status}) with what is no answer to it: {shown(plain_text(body), QUOTED_LENGTH)} "
        f"({fault}). {_ADVICE[404]}"
    )


def error_class(code: str | None, status: int) -> type[TrackbackError]:
    """The class of the exception tree for an error's code and status, of which it may know only one, or none."""
    known = _BY_CODE_AND_STATUS.get((code or "", status)) or _BY_CODE.get(code or "") or _BY_STATUS.get(status)
    return known or (BadRequest if status < 500 else TrackbackError)


def _redirect(request: str, status: int, headers: Mapping[str, str]) -> TrackbackError:
    target = without_userinfo(headers.get("location", "")).partition("?")[0]
    return TrackbackError(
        f"{request} was answered with a redirect ({status}) to {shown(target, QUOTED_LENGTH)}, which is not followed: "
        "it may be a login page. Set the tracking URI to the server itself, and credentials if it asks for them."
    )


def _error(request: str, status: int, body: bytes) -> TrackbackError:
    try:
        sent = msgspec.json.decode(body, type=_ErrorBody)
    except UNREADABLE:
        kind = UnknownEndpoint if status == 404 else error_class(None, status)
        return kind(f"{request} was answered with {_named(status)}: {_quoted(body)} {_ADVICE.get(status, '')}".rstrip())
    kind = error_class(sent.error_code, status)
    if sent.error_code == kind.code and sent.message:
        return kind(sent.message)
    code = f" {sent.error_code}" if sent.error_code else ""
    said = sent.message or (str(sent.detail) if sent.detail else "without a message")
    return kind(f"{request} was answered with {_named(status)}{code}: {said}")


def _named(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _quoted(body: bytes) -> str:
    text = plain_text(body)
    return f"{shown(text, QUOTED_LENGTH)}." if text else "an empty body."


def plain_text(body: bytes) -> str:
    """A body on one line, without markup."""
    return " ".join(_MARKUP.sub(" ", body.decode(errors="replace")).split())


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """The header's seconds, or those until its date; 0 where there is none, or nonsense."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    now = datetime.now(UTC)
    return max((date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds(), 0.0)
