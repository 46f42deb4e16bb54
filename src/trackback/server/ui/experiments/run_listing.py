"""The state of a table of runs, which is its URL; columns that were chosen before fill in what a URL leaves open."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar, Self

from starlette.requests import Request
from starlette.responses import Response

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server import cookies
from trackback.server.ui.frame.listing import Listing
from trackback.services.run_columns import Column, parse_columns
from trackback.services.run_tables import Query

MOST_PINNED = 5
MOST_REMEMBERED = 3500
"""Bytes: browsers keep no cookies above 4,096, the name and all else included."""
YES = "yes"


@dataclass(frozen=True)
class RunListing(Listing):
    """``columns`` are as ``run_columns`` spells them; the first ``pin`` of them stay in view. ``group``: a param or tag
    that runs are grouped by, and ``after`` the value that the page of groups begins after. ``nested``: runs stand in
    those that they are part of.
    """

    STATE: ClassVar[tuple[str, ...]] = (*Listing.STATE, "columns", "pin", "group", "after", "nested")

    columns: tuple[str, ...] = ()
    pin: int = 0
    group: str = ""
    after: str | None = None
    nested: str = ""

    @classmethod
    def of(cls, request: Request) -> Self:
        query = request.query_params
        return replace(
            super().of(request),
            columns=tuple(filter(None, query.getlist("columns"))),
            pin=_pinned(query.get("pin") or "0"),
            group=query.get("group", ""),
            after=query.get("after"),
            nested=YES if query.get("nested") else "",
        )

    def at(self, path: str) -> Self:
        """The same state, at another path."""
        return replace(self, path=path)

    def chosen(self) -> list[Column] | None:
        """None where nobody has chosen. Raises InvalidParameter for what is no column."""
        return parse_columns(self.columns) if self.columns else None

    def query(self) -> Query:
        return Query(self.filter, self.order_by, self.view, top_only=bool(self.nested and not self.group))

    def narrowed(self, term: str) -> Self:
        """A flat list of what the filter and another term match."""
        asked = self.filter.strip()
        narrower = f"{term} AND ({asked})" if asked else term
        return replace(self, filter=narrower, group="", after=None, nested="", page_token="")

    def rows_url(self, columns: Sequence[Column]) -> str:
        """Where the rows of the list are, without the page around them."""
        return self.at(f"{self.path}/rows").url(
            columns=spellings(columns), pin=0, group="", after=None, nested="", page_token=""
        )


def remembered(request: Request, listing: RunListing) -> RunListing:
    """With the columns that were chosen here before, where the URL says none."""
    if listing.columns:
        return listing
    try:
        kept = json.loads(base64.urlsafe_b64decode(cookies.read(request.scope, cookies.COLUMNS)))
        columns = tuple(column.spelled for column in parse_columns(map(str, kept["columns"])))
        return replace(listing, columns=columns, pin=_pinned(str(kept["pin"])))
    except (ValueError, KeyError, TypeError, RecursionError, InvalidParameter):
        return listing


def can_be_remembered(listing: RunListing) -> bool:
    return len(_written(listing)) <= MOST_REMEMBERED


def remember(response: Response, request: Request, listing: RunListing, path: str) -> None:
    """Have the browser keep the columns for the pages below ``path``, instead of those that it kept before."""
    if listing.columns and can_be_remembered(listing):
        cookies.give(response, request.scope, cookies.COLUMNS, _written(listing), path=path)
    else:
        cookies.take_away(response, request.scope, cookies.COLUMNS, path)


def _written(listing: RunListing) -> str:
    kept = json.dumps({"columns": listing.columns, "pin": listing.pin}).encode()
    return base64.urlsafe_b64encode(kept).decode()


def spellings(columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.spelled for column in columns)


def neighbours(columns: Sequence[Column]) -> list[tuple[str, int]]:
    """The groups that columns beside each other belong to, and how many of each."""
    return [(group, len(list(found))) for group, found in groupby(columns, key=lambda column: column.group)]


def _pinned(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) == 1 and int(text) <= MOST_PINNED:
        return int(text)
    raise InvalidParameter(
        f"Invalid number of columns that stay in view: {shown(text)}. It is from 0 to {MOST_PINNED}."
    )
