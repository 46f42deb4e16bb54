"""What all families of calls stand on: a request's fields, an answer's one entity or page of them."""

import time
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import quote

import msgspec

from trackback.client.keyed import by_key
from trackback.client.pages import Page
from trackback.client.transport import Transport
from trackback.client.wire import Nothing
from trackback.entities import Param, Tag
from trackback.errors import InvalidParameter
from trackback.limits import shown

MLFLOW = "/api/2.0/mlflow/"
MLFLOW_AJAX = "/ajax-api/2.0/mlflow/"
OURS = "/api/v1/"

E = TypeVar("E")
M = TypeVar("M", bound=StrEnum)
T = TypeVar("T", bound=msgspec.Struct)

Fields = Mapping[str, object]


class Calls:
    """The base of every family of calls."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def transport(self) -> Transport:
        """What the calls go through."""
        return self._transport

    def _do(self, method: str, path: str, fields: Fields, *, idempotent: bool = True) -> None:
        self._whole(Nothing, method, path, fields, idempotent=idempotent)

    def _whole(self, kind: type[T], method: str, path: str, fields: Fields, *, idempotent: bool = True) -> T:
        """The answer itself."""
        given = {name: value for name, value in fields.items() if value is not None}
        return self._transport.call(method, path, given, kind, idempotent=idempotent)

    def _one(self, name: str, kind: type[E], method: str, path: str, fields: Fields, *, idempotent: bool = True) -> E:
        """What the answer has under ``name``."""
        wanted: Any = kind
        answer = self._whole(_answer(name, wanted), method, path, fields, idempotent=idempotent)
        return cast(E, by_key(getattr(answer, name)))

    def _several(self, name: str, kind: type[E], method: str, path: str, fields: Fields) -> tuple[E, ...]:
        """The list that the answer has under ``name``."""
        return self._page(name, kind, method, path, fields).items

    def _page(self, name: str, kind: type[E], method: str, path: str, fields: Fields) -> Page[E]:
        wanted: Any = kind
        answer = self._whole(_list_answer(name, wanted), method, path, fields)
        return Page(tuple(map(by_key, getattr(answer, name))), answer.next_page_token or None)


@cache
def _answer(name: str, kind: Any) -> type[Any]:
    """The struct of an answer that holds one thing."""
    return msgspec.defstruct("Answer", [(name, kind)])


@cache
def _list_answer(name: str, kind: Any) -> type[Any]:
    """The struct of an answer that holds a list, which is left out where it is empty."""
    return msgspec.defstruct("ListAnswer", [(name, tuple[kind, ...], ()), ("next_page_token", str | None, None)])


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def segment(text: str | int) -> str:
    """``text`` as one segment of a path."""
    return quote(str(text), safe="")


def tags_of(tags: Mapping[str, object] | None) -> list[Tag]:
    return [Tag(key, str(value)) for key, value in (tags or {}).items()]


def params_of(params: Mapping[str, object] | None) -> list[Param]:
    return [Param(key, str(value)) for key, value in (params or {}).items()]


def texts(values: Iterable[str] | None) -> list[str]:
    return list(values or ())


def member(kind: type[M], value: str, what: str) -> M:
    """The member of an enum: a server takes a name that it does not know for none at all."""
    try:
        return kind(value)
    except ValueError:
        raise InvalidParameter(
            f"Invalid value {shown(value)} for parameter '{what}' supplied: it is one of {', '.join(kind)}."
        ) from None
