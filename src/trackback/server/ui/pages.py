"""The pages: each asks the services for what it shows, and has a template write it."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, FileInfo, Tag
from trackback.errors import TrackbackError
from trackback.server.ui.columns import OF_MLFLOW, tabulate
from trackback.server.ui.listing import Listing
from trackback.server.ui.lists import outcome, render_list
from trackback.server.ui.rendering import page, render
from trackback.server.ui.routes import shows
from trackback.services import Services, artifacts as artifact_service

ListDirectory = Callable[[Actor, str, str], Awaitable["artifact_service.Listing"]]


class Files(NamedTuple):
    """What lies in the directory that a page shows, or why that can't be told: the page has other things to show."""

    path: str
    files: list[FileInfo]
    problem: str


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


@page
async def show_run(services: Services, actor: Actor, request: Request) -> Response:
    run = await services.runs.get(actor, request.path_params["run_id"])
    experiment = await services.experiments.get(actor, run.info.experiment_id)
    files = await _files(services.artifacts.list_run, actor, run.info.run_id, request)
    tags, by_mlflow = split_tags(run.data.tags)
    return await render("run.html", run=run, experiment=experiment, tags=tags, by_mlflow=by_mlflow, **files._asdict())


@page
async def show_model(services: Services, actor: Actor, request: Request) -> Response:
    model = await services.logged_models.get(actor, request.path_params["model_id"])
    experiment = await services.experiments.get(actor, model.info.experiment_id)
    files = await _files(services.artifacts.list_model, actor, model.info.model_id, request)
    tags, by_mlflow = split_tags(model.info.tags)
    return await render(
        "model.html", model=model, experiment=experiment, tags=tags, by_mlflow=by_mlflow, **files._asdict()
    )


def split_tags(tags: tuple[Tag, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """The users' own tags, and those that MLflow's clients set."""
    own = {tag.key: tag.value for tag in tags if not tag.key.startswith(OF_MLFLOW)}
    return own, {tag.key: tag.value for tag in tags if tag.key.startswith(OF_MLFLOW)}


async def _files(list_directory: ListDirectory, actor: Actor, owner: str, request: Request) -> Files:
    path = request.query_params.get("path", "")
    try:
        return Files(path, (await list_directory(actor, owner, path)).files, "")
    except TrackbackError as error:
        return Files(path, [], error.message)


ROUTES = [
    shows("/", show_experiments),
    shows("/experiments/{experiment_id}", show_runs),
    shows("/runs/{run_id}", show_run),
    shows("/models/{model_id}", show_model),
]
