"""The pages: each asks the services for what it shows, and has a template write it."""

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Tag
from trackback.server.ui.columns import OF_MLFLOW, tabulate
from trackback.server.ui.listing import Listing
from trackback.server.ui.lists import outcome, render_list
from trackback.server.ui.rendering import page
from trackback.server.ui.routes import shows
from trackback.services import Services


@page
async def show_experiments(services: Services, actor: Actor, request: Request) -> Response:
    listing = Listing.of(request)
    found = await outcome(
        services.experiments.search(
            actor,
            max_results=listing.rows,
            filter_text=listing.filter,
            order_by=listing.order_by,
            view_type=listing.view,
            page_token=listing.page_token,
        )
    )
    return await render_list("experiments.html", listing, found)


@page
async def show_runs(services: Services, actor: Actor, request: Request) -> Response:
    listing = Listing.of(request)
    experiment = await services.experiments.get(actor, request.path_params["experiment_id"])
    found = await outcome(
        services.runs.search(
            actor,
            [experiment.experiment_id],
            filter_text=listing.filter,
            order_by=listing.order_by,
            view_type=listing.view,
            max_results=listing.rows,
            page_token=listing.page_token,
        )
    )
    return await render_list(
        "runs.html",
        listing,
        found,
        table=tabulate(found.page.items, listing.order_by) if found.page else None,
        experiment=experiment,
        tags=split_tags(experiment.tags),
    )


def split_tags(tags: tuple[Tag, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """The users' own tags, and those that MLflow's clients set."""
    own = {tag.key: tag.value for tag in tags if not tag.key.startswith(OF_MLFLOW)}
    return own, {tag.key: tag.value for tag in tags if tag.key.startswith(OF_MLFLOW)}


ROUTES = [
    shows("/", show_experiments),
    shows("/experiments/{experiment_id}", show_runs),
]
