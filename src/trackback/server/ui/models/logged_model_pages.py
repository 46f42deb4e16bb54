"""The pages of a logged model, and what their buttons do."""

from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Experiment, LoggedModel, Permission
from trackback.errors import TrackbackError
from trackback.server.ui.files import file_trees
from trackback.server.ui.frame.form_data import FormData
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import acts, shows
from trackback.server.ui.frame.tags import NOTE_TAG, split_tags
from trackback.server.ui.models.signature_columns import MLMODEL, ModelDescription, describe
from trackback.services import Services

POINTS = 1000


class ShownModel(NamedTuple):
    """What all pages of a logged model show."""

    model: LoggedModel
    experiment: Experiment
    tags: dict[str, str]
    by_mlflow: dict[str, str]

    @classmethod
    async def of(cls, services: Services, actor: Actor, request: Request) -> "ShownModel":
        model = await services.logged_models.get(actor, request.path_params["model_id"])
        experiment = await services.experiments.get(actor, model.info.experiment_id)
        return cls(model, experiment, *split_tags(model.info.tags))

    async def render(self, tab: str, request: Request, **values: Any) -> Response:
        url = f"/models/{quote(self.model.info.model_id, safe='')}"
        server = f"{request.url.scheme}://{request.url.netloc}"
        return await render(
            f"models/logged_model_{tab}.html", tab=tab, url=url, server=server, **self._asdict(), **values
        )


@page
async def show_overview(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownModel.of(services, actor, request)
    if path := request.query_params.get("path"):  # where files were shown before they had a page
        return see_other(f"/models/{of.model.info.model_id}/artifacts?{urlencode({'path': path})}")
    return await of.render(
        "overview",
        request,
        described=await _description(services, actor, of.model.info.model_id),
        delivered=await services.deliveries.of_model(actor, of.model.info.model_id),
    )


@page
async def show_metrics(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownModel.of(services, actor, request)
    points = sorted(of.model.data.metrics, key=lambda each: (each.key, each.step, each.timestamp))
    return await of.render("metrics", request, points=points[:POINTS], left_out=len(points[POINTS:]))


@page
async def show_artifacts(services: Services, actor: Actor, request: Request) -> Response:
    of = await ShownModel.of(services, actor, request)
    browsed = await file_trees.browse(file_trees.of_model(services, actor, of.model.info.model_id), request)
    return file_trees.answer(await of.render("artifacts", request, browsed=browsed), browsed)


@page
async def download(services: Services, actor: Actor, request: Request) -> Response:
    return await file_trees.send(file_trees.of_model(services, actor, request.path_params["model_id"]), request)


@page
async def frame(services: Services, actor: Actor, request: Request) -> Response:
    return await file_trees.frame(file_trees.of_model(services, actor, request.path_params["model_id"]), request)


@action
async def describe_model(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    model = request.path_params["model_id"]
    await services.logged_models.set_tags(actor, model, [(NOTE_TAG, form.get("description"))])
    return see_other(form.back, "The description was saved.")


@action
async def set_tag(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    tag = (form.required("key", "The name of the tag"), form.get("value"))
    await services.logged_models.set_tags(actor, request.path_params["model_id"], [tag])
    return see_other(form.back)


@action
async def delete_tag(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.logged_models.delete_tag(actor, request.path_params["model_id"], form.secret("key"))
    return see_other(form.back)


@action
async def delete(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """A deleted model has no page any more: on to those of its experiment."""
    model = await services.logged_models.get(actor, request.path_params["model_id"])
    await services.logged_models.delete(actor, model.info.model_id)
    return see_other(f"/experiments/{model.info.experiment_id}", f"The model {model.info.name} was deleted.")


async def _description(services: Services, actor: Actor, model_id: str) -> ModelDescription | None:
    """What its MLmodel says; None where there is none that can be read."""
    try:
        return await describe(await services.artifacts.open_of_model(actor, model_id, MLMODEL))
    except TrackbackError:
        return None


ROUTES = [
    shows("/models/{model_id}", show_overview),
    shows("/models/{model_id}/metrics", show_metrics),
    shows("/models/{model_id}/artifacts", show_artifacts),
    shows("/models/{model_id}/download", download),
    shows("/models/{model_id}/frame", frame),
    acts("/models/{model_id}/describe", describe_model, Permission.WRITE),
    acts("/models/{model_id}/tags", set_tag, Permission.WRITE),
    acts("/models/{model_id}/tags/delete", delete_tag, Permission.WRITE),
    acts("/models/{model_id}/delete", delete, Permission.WRITE),
]
