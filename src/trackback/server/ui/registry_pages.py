"""The pages of the registry: the models, a model with its versions and environments, a version."""

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, FileInfo
from trackback.entities.streams import model_stream
from trackback.server.ui.listing import Listing
from trackback.server.ui.lists import outcome, render_list
from trackback.server.ui.pages import split_tags
from trackback.server.ui.rendering import page, render
from trackback.server.ui.routes import shows
from trackback.services import Services

PROMOTIONS = 20
NEWEST_FIRST = ("version_number DESC",)


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
    return await render_list("registry.html", listing, found)


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
    return await render_list(
        "registered_model.html",
        listing,
        found,
        model=model,
        in_force=(await services.promotions.in_force(actor, stream=stream)).items,
        promotions=await services.promotions.newest(actor, stream=stream, max_results=PROMOTIONS),
        most_promotions=PROMOTIONS,
        tags=split_tags(model.tags)[0],
    )


@page
async def show_version(services: Services, actor: Actor, request: Request) -> Response:
    name, number = request.path_params["name"], request.path_params["version"]
    version = await services.model_versions.get(actor, name, number)
    path = request.query_params.get("path", "")
    root = f"versions/{version.digest}"
    files: list[FileInfo] = []
    if version.digest:
        directory = f"{root}/{path}" if path else root
        found = await services.artifacts.list_directory(actor, directory)
        files = [FileInfo(f"{path}/{each.path}" if path else each.path, each.is_dir, each.file_size) for each in found]
    tags, by_mlflow = split_tags(version.tags)
    return await render(
        "model_version.html", version=version, tags=tags, by_mlflow=by_mlflow, path=path, files=files, root=root
    )


def _of_model(name: str, filter_text: str) -> str:
    quote = '"' if "'" in name else "'"
    named = f"name = {quote}{name}{quote}"
    return f"{named} AND ({filter_text})" if filter_text.strip() else named


ROUTES = [
    shows("/registry", show_models),
    shows("/registry/{name}", show_model),
    shows("/registry/{name}/{version}", show_version),
]
