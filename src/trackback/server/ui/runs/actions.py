"""What buttons on the pages of a run do: rename, describe, tag, delete, restore."""

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission
from trackback.server.ui.frame.form_data import FormData
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.routes import acts
from trackback.server.ui.frame.tags import NOTE_TAG
from trackback.services import Services
from trackback.services.runs import RUN_NAME_TAG


@action
async def edit(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """Its name and its description, together or not at all."""
    tags = [(RUN_NAME_TAG, form.required("name", "The name")), (NOTE_TAG, form.get("description"))]
    await services.run_log.log(actor, _run(request), tags=tags)
    return see_other(form.back, "The run's name and description were saved.")


@action
async def set_tag(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    key = form.required("key", "The name of the tag")
    await services.run_log.log(actor, _run(request), tags=[(key, form.get("value"))])
    return see_other(form.back)


@action
async def delete_tag(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.run_log.delete_tag(actor, _run(request), form.secret("key"))
    return see_other(form.back)


@action
async def delete(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.runs.delete(actor, _run(request))
    return see_other(form.back, "The run was deleted. It can be restored.")


@action
async def restore(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.runs.restore(actor, _run(request))
    return see_other(form.back, "The run was restored.")


def _run(request: Request) -> str:
    run_id: str = request.path_params["run_id"]
    return run_id


ROUTES = [
    acts("/runs/{run_id}/edit", edit, Permission.WRITE),
    acts("/runs/{run_id}/tags", set_tag, Permission.WRITE),
    acts("/runs/{run_id}/tags/delete", delete_tag, Permission.WRITE),
    acts("/runs/{run_id}/delete", delete, Permission.WRITE),
    acts("/runs/{run_id}/restore", restore, Permission.WRITE),
]
