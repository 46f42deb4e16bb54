"""The pages of the promotion log: what is in force, how it came to be, the newest first, and each entry by itself."""

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor
from trackback.errors import InvalidParameter
from trackback.limits import INT64_MAX, shown
from trackback.server.ui.rendering import page, render
from trackback.server.ui.routes import shows
from trackback.services import Services

ROWS = 50


@page
async def show_promotions(services: Services, actor: Actor, request: Request) -> Response:
    query, promotions = request.query_params, services.promotions
    stream, environment = query.get("stream", ""), query.get("environment", "")
    entries = await promotions.newest(
        actor,
        stream=stream,
        environment=environment,
        before=_number(query.get("before", "")),
        max_results=ROWS,
    )
    return await render(
        "promotions.html",
        stream=stream,
        environment=environment,
        promotions=entries,
        pending=await promotions.pending(
            actor, stream=stream, max_results=ROWS, page_token=query.get("pending_page", "")
        ),
        in_force=await promotions.in_force(
            actor,
            stream=stream,
            environment=environment,
            max_results=ROWS,
            page_token=query.get("in_force_page", ""),
        ),
        more=entries[-1].seq if len(entries) == ROWS and entries[-1].seq > 1 else None,
    )


@page
async def show_promotion(services: Services, actor: Actor, request: Request) -> Response:
    promotion = await services.promotions.get(actor, _number(request.path_params["seq"]))
    builds = await services.builds.search(actor, promotion=promotion.seq)
    return await render("promotion.html", promotion=promotion, builds=builds)


def _number(text: str) -> int:
    if not text:
        return INT64_MAX
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise InvalidParameter(f"Invalid number of a promotion: {shown(text)}.")


ROUTES = [
    shows("/promotions", show_promotions),
    shows("/promotions/{seq}", show_promotion),
]
