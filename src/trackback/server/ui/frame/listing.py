"""The state of a page that lists something, which is its URL: what is filtered for, in which order, and which page."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from starlette.requests import Request

from trackback.entities import ViewType
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.services import pages

ROWS = 50
MOST_ROWS = 200
SIZES = (25, 50, 100, MOST_ROWS)


@dataclass(frozen=True)
class Listing:
    """``STATE`` names what is in the URL."""

    STATE: ClassVar[tuple[str, ...]] = ("filter", "order_by", "view", "rows", "page_token")

    path: str
    filter: str = ""
    order_by: tuple[str, ...] = ()
    view: ViewType = ViewType.ACTIVE_ONLY
    rows: int = ROWS
    page_token: str = ""

    @classmethod
    def of(cls, request: Request) -> Self:
        """Raises InvalidParameter for a URL that no page leads to."""
        query = request.query_params
        return cls(
            path=request.url.path,
            filter=query.get("filter", ""),
            order_by=tuple(filter(None, query.getlist("order_by"))),
            view=_view(query.get("view") or ViewType.ACTIVE_ONLY),
            rows=_rows(query.get("rows") or str(ROWS)),
            page_token=query.get("page_token", ""),
        )

    def url(self, **changes: Any) -> str:
        """The URL of the same list with some of its state changed; only what differs from the default is in it."""
        state = replace(self, **changes)
        query = urlencode(state.fields())
        return f"{state.path}?{query}" if query else state.path

    def fields(self, *without: str) -> list[tuple[str, str]]:
        """What of the state differs from the default, but for some of it: names and texts, as a form has them."""
        plain = type(self)(self.path)
        names = [name for name in self.STATE if name not in without and getattr(self, name) != getattr(plain, name)]
        return [(name, str(each)) for name in names for each in _each(getattr(self, name))]

    def direction(self, field: str) -> str:
        """How the list is ordered by a field: ``ascending``, ``descending`` or not at all, as aria-sort has it."""
        if not self.order_by:
            return "none"
        if self.order_by[0] in (field, f"{field} ASC"):
            return "ascending"
        return "descending" if self.order_by[0] == f"{field} DESC" else "none"

    def ordered_url(self, field: str) -> str:
        """From the first page, by this field: the greatest first, then, asked again, the least first."""
        turned = "ASC" if self.direction(field) == "descending" else "DESC"
        return self.url(order_by=(f"{field} {turned}",), page_token="")

    @property
    def first_row(self) -> int:
        """The number of the topmost row, from 1. Raises InvalidParameter for a token that is none."""
        return pages.decode(self.page_token) + 1

    @property
    def previous_url(self) -> str | None:
        offset = self.first_row - 1
        if not offset:
            return None
        return self.url(page_token=pages.encode(offset - self.rows) if offset > self.rows else "")

    def next_url(self, page: "pages.Page[Any]") -> str | None:
        return self.url(page_token=page.next_page_token) if page.next_page_token else None


def _each(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _view(text: str) -> ViewType:
    try:
        return ViewType(text)
    except ValueError:
        raise InvalidParameter(f"Invalid view {shown(text)}. It is one of {', '.join(ViewType)}.") from None


def _rows(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MOST_ROWS):
        raise InvalidParameter(f"Invalid number of rows {shown(text)}. It is from 1 to {MOST_ROWS}.")
    return int(text)
