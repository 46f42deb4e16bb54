"""Requests and answers as MLflow's JSON.

NaN and infinities are strings there. msgspec reads them so in its lax mode, which also takes numbers in quotes; it
writes them as null, so a request in which one may be is written with care.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

Request = msgspec.Struct | Mapping[str, object]

UNREADABLE = (ValueError, RecursionError)
"""What msgspec raises for bodies that are not what they should be: its own errors, bad UTF-8, endless nesting."""

_encode = msgspec.json.Encoder().encode


class Nothing(msgspec.Struct):
    """An answer that says no more than that all went well."""


def encode(request: Request) -> bytes:
    body = _encode(request)
    return _encode(_without_nonfinite(msgspec.to_builtins(request))) if b"null" in body else body


def query(request: Request) -> str:
    """The request as a query string: a field a parameter, repeated for lists; None is left out."""
    fields: dict[str, Any] = msgspec.to_builtins(request)
    return urlencode({name: _text(value) for name, value in fields.items() if value is not None}, doseq=True)


def decode(body: bytes, answer: type[T]) -> T:
    """The answer in ``body``, which may be empty. Fields unknown here are skipped, missing ones take their default.

    One of ``UNREADABLE``: it is not JSON, or has other types or fewer fields than ``answer``.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=answer, strict=False)
    except msgspec.DecodeError:
        if b"NaN" not in body and b"Infinity" not in body:
            raise
    # MLflow's answers that are no protobuf messages have them bare, as Python's json writes and reads them.
    return msgspec.convert(json.loads(body), answer, strict=False)


def _without_nonfinite(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nonfinite(item) for name, item in value.items()}
        case list() | tuple():
            return [_without_nonfinite(item) for item in value]
        case float() if math.isnan(value):
            return "NaN"
        case float() if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    return value


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
