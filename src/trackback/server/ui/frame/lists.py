"""Pages that list something: a mistake in the filter or the order is shown beside them, with status 400."""

from collections.abc import Awaitable
from typing import Generic, NamedTuple, TypeVar

from starlette.responses import Response

from trackback.errors import InvalidParameter
from trackback.server.ui.frame.listing import SIZES, Listing
from trackback.server.ui.frame.rendering import render
from trackback.services.pages import Page

T = TypeVar("T")


class Outcome(NamedTuple, Generic[T]):
    """What a search found, or what was wrong with it."""

    page: Page[T] | None
    problem: str


async def outcome(search: Awaitable[Page[T]]) -> Outcome[T]:
    try:
        return Outcome(await search, "")
    except InvalidParameter as error:
        return Outcome(None, error.message)


async def render_list(template: str, listing: Listing, found: Outcome[T], **values: object) -> Response:
    status = 400 if found.problem else 200
    return await render(
        template, status, listing=listing, sizes=SIZES, page=found.page, problem=found.problem, **values
    )
