"""Pages of search results, and the tokens that lead from one to the next.

A token is base64 of JSON, as MLflow's is: where the next page starts, and, where it should serve one search only, the
search that it belongs to. Clients pass it on unread.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from trackback.errors import InvalidParameter
from trackback.limits import shown

T = TypeVar("T")
Query = Mapping[str, Any]

MAX_OFFSET = 2**53  # beyond any search, and far enough from 64 bits to add to

_NO_QUERY: Query = {}


class Page(NamedTuple, Generic[T]):
    """``next_page_token`` is None on the last page."""

    items: Sequence[T]
    next_page_token: str | None = None


def cut(items: Sequence[T], more: bool, offset: int, query: Query = _NO_QUERY) -> Page[T]:
    """The page of ``items`` that starts at ``offset``; ``more`` tells whether others follow."""
    return Page(items, encode(offset + len(items), query) if more else None)


def encode(offset: int, query: Query = _NO_QUERY) -> str:
    return base64.b64encode(json.dumps({**query, "offset": offset}).encode()).decode()


def decode(token: str, query: Query = _NO_QUERY) -> int:
    """The offset in ``token``; 0 for an empty one. InvalidParameter if it is none of ours, or another query's."""
    if not token:
        return 0
    found = _parse(token)
    offset = found.get("offset")
    if type(offset) is not int or not 0 <= offset <= MAX_OFFSET:
        raise _invalid(token)
    for name, asked in query.items():
        if found.get(name) != asked:
            raise InvalidParameter(
                f"The page token belongs to another search: its {name} is {shown(found.get(name))}, "
                f"the request's {shown(asked)}. Repeat the search as it was, or leave out page_token."
            )
    return offset


def _parse(token: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.b64decode(token, validate=True))
    except (ValueError, RecursionError):
        raise _invalid(token) from None
    if not isinstance(found, dict):
        raise _invalid(token)
    return found


def _invalid(token: str) -> InvalidParameter:
    return InvalidParameter(
        f"Invalid page token {shown(token)}: could not base64-decode it to where a page starts. "
        "Pass the next_page_token of the page before, or none."
    )
