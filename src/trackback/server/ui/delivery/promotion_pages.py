"""The pages of the promotion log: what is in force, how it came to be, the newest first, and each entry by itself."""

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor
from trackback.limits import INT64_MAX
from trackback.server.api.promotions import follow
from trackback.server.ui.delivery.build_trains import is_running, trains_of
from trackback.server.ui.frame.path_numbers import parsed_number, path_number
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import shows
from trackback.services import Services

ROWS = 50
BUILDS = 200


@page
async def show_promotions(services: Services, actor: Actor, request: Request) -> Response:
    query, promotions = request.query_params, services.promotions
    stream, environment = query.get("stream", ""), query.get("environment", "")
    before = parsed_number(query.get("before") or str(INT64_MAX), "a promotion")
    entries = await promotions.newest(actor, stream=stream, environment=environment, before=before, max_results=ROWS)
    return await render(
        "delivery/promotions.html",
        stream=stream,
        environment=environment,
        environments=services.prospects.environments,
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
        follows=entries[0].seq if entries and before == INT64_MAX else 0 if before == INT64_MAX else None,
    )


@page
async def show_promotion(services: Services, actor: Actor, request: Request) -> Response:
    promotion = await services.promotions.get(actor, path_number(request, "seq", "a promotion"))
    builds = await services.builds.search(actor, promotion=promotion.seq, max_results=BUILDS)
    trace = await services.traces.find(actor, f"promotions/{promotion.seq}")
    trains = trains_of(builds.items)
    holder = await services.promotions.in_force(
        actor, stream=promotion.stream, environment=promotion.environment, max_results=1
    )
    return await render(
        "delivery/promotion.html",
        promotion=promotion,
        trains=trains,
        running=is_running(trains),
        truncated=builds.next_page_token is not None,
        deployments=sorted(trace.deployments, key=lambda each: (each.ended is not None, -each.started)),
        holder=holder.items[0] if holder.items else None,
    )


ROUTES = [
    shows("/promotions", show_promotions),
    shows("/promotions/events", follow),
    shows("/promotions/{seq}", show_promotion),
]
