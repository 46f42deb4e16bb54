"""The pages of the registry: the models, and a model with its versions and environments."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Deployment, Permission, Promotion
from trackback.entities.streams import model_stream
from trackback.server.ui.frame.listing import Listing
from trackback.server.ui.frame.lists import outcome, render_list
from trackback.server.ui.frame.rendering import page
from trackback.server.ui.frame.routes import shows
from trackback.server.ui.frame.tags import split_tags
from trackback.services import Services, streams

PROMOTIONS = 20
PENDING = 20
LIVE = 100
NEWEST_FIRST = ("version_number DESC",)


class Place(NamedTuple):
    """An environment of a model: what was promoted there, and what is live there, as CI reports it.

    ``agrees``: whether what is live is what was promoted; None where nothing is known of one of them.
    """

    environment: str
    holder: Promotion | None
    live: Sequence[Deployment]
    was_held: bool

    @property
    def agrees(self) -> bool | None:
        if self.holder is None or not self.live:
            return None
        return all(_is_of(each, self.holder) for each in self.live)


@page
async def show_models(services: Services, actor: Actor, request: Request) -> Response:
    listing = Listing.of(request)
    found = await outcome(
        services.registered_models.search(
            actor,
            max_results=listing.rows,
            filter_text=listing.filter,
            order_by=listing.order_by,
            page_token=listing.page_token,
        )
    )
    of_models = [model_stream(int(model.id)) for model in found.page.items] if found.page else []
    holders = await services.promotions.holders(actor, of_models)
    order = services.prospects.environments
    held = {stream: sorted(entries, key=lambda each: _place_of(each, order)) for stream, entries in holders.items()}
    return await render_list("models/registry.html", listing, found, held=held)


@page
async def show_model(services: Services, actor: Actor, request: Request) -> Response:
    listing = Listing.of(request)
    model = await services.registered_models.get(actor, request.path_params["name"])
    stream = model_stream(int(model.id))
    found = await outcome(
        services.model_versions.search(
            actor,
            max_results=listing.rows,
            filter_text=_of_model(model.name, listing.filter),
            order_by=listing.order_by or NEWEST_FIRST,
            page_token=listing.page_token,
        )
    )
    promotions = await services.promotions.newest(actor, stream=stream, max_results=PROMOTIONS)
    places = await _places(services, actor, stream, promotions)
    return await render_list(
        "models/registered_model.html",
        listing,
        found,
        model=model,
        stream=stream,
        server=f"{request.url.scheme}://{request.url.netloc}",
        places=places,
        held=_held_by_version(places),
        pending=(await services.promotions.pending(actor, stream=stream, max_results=PENDING)).items,
        promotions=promotions,
        most_promotions=PROMOTIONS,
        may_promote=streams.may(actor, Permission.PROMOTE, stream),
        may_write=streams.may(actor, Permission.WRITE, stream),
        tags=split_tags(model.tags)[0],
    )


async def _places(services: Services, actor: Actor, stream: str, newest: Sequence[Promotion]) -> list[Place]:
    """Those of the model that something is in, or was, in their order."""
    holders = {each.environment: each for each in (await services.promotions.in_force(actor, stream=stream)).items}
    live = (await services.deployments.search(actor, live=True, stream=stream, max_results=LIVE)).items
    known = {*holders, *(each.environment for each in live), *(each.environment for each in newest)}
    order = services.prospects.environments
    return [
        Place(
            environment,
            holders.get(environment),
            [each for each in live if each.environment == environment],
            any(each.environment == environment for each in newest),
        )
        for environment in (*order, *sorted(known.difference(order)))
    ]


def _held_by_version(places: Sequence[Place]) -> dict[str, list[str]]:
    """The environments that a version holds, by its number."""
    held: dict[str, list[str]] = {}
    for place in places:
        if place.holder and place.holder.version:
            held.setdefault(place.holder.version, []).append(place.environment)
    return held


def _is_of(deployment: Deployment, promotion: Promotion) -> bool:
    if deployment.version is not None:
        return deployment.version == promotion.version
    return deployment.digest == promotion.digest


def _place_of(promotion: Promotion, order: Sequence[str]) -> tuple[int, str]:
    environment = promotion.environment
    return (order.index(environment) if environment in order else len(order), environment)


def _of_model(name: str, filter_text: str) -> str:
    quote = '"' if "'" in name else "'"
    named = f"name = {quote}{name}{quote}"
    return f"{named} AND ({filter_text})" if filter_text.strip() else named


ROUTES = [
    shows("/registry", show_models),
    shows("/registry/{name}", show_model),
]
