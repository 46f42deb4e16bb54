"""What buttons on the pages of models and versions do beside promoting them: describe, tag, name, register, delete."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission
from trackback.errors import NotFound
from trackback.server.ui.frame.form_data import FormData
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.routes import acts
from trackback.server.ui.trace.graph import version_url
from trackback.services import Services


@action
async def register(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """A model of a run as the next version of a registered model, which begins with it if it is new."""
    run = await services.runs.get(actor, request.path_params["run_id"])
    name = form.required("name", "The name of the registered model")
    try:
        await services.registered_models.get(actor, name)
    except NotFound:
        await services.registered_models.create(actor, name)
    path = form.get("path").strip("/")
    version = await services.model_versions.create(
        actor,
        name,
        form.get("model") or f"{run.info.artifact_uri.rstrip('/')}/{path}".rstrip("/"),
        run_id=run.info.run_id,
        description=form.get("description"),
    )
    return see_other(version_url(name, version.version), f"{name} {version.version} is registered.")


@action
async def describe_model(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.registered_models.update(actor, request.path_params["name"], form.get("description"))
    return see_other(form.back)


@action
async def set_model_tag(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    key = form.required("key", "The tag")
    await services.registered_models.set_tag(actor, request.path_params["name"], key, form.get("value"))
    return see_other(form.back)


@action
async def delete_model_tag(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.registered_models.delete_tag(actor, request.path_params["name"], form.secret("key"))
    return see_other(form.back)


@action
async def rename_model(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name = form.required("name", "The new name")
    await services.registered_models.rename(actor, request.path_params["name"], name)
    return see_other(f"/registry/{quote(name, safe='')}", f"It is called {name} now.")


@action
async def delete_model(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name = request.path_params["name"]
    await services.registered_models.delete(actor, name)
    return see_other("/registry", f"{name} was deleted, with all its versions.")


@action
async def describe_version(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name, version = _version(request)
    await services.model_versions.update(actor, name, version, form.get("description"))
    return see_other(form.back)


@action
async def set_version_tag(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name, version = _version(request)
    await services.model_versions.set_tag(actor, name, version, form.required("key", "The tag"), form.get("value"))
    return see_other(form.back)


@action
async def delete_version_tag(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name, version = _version(request)
    await services.model_versions.delete_tag(actor, name, version, form.secret("key"))
    return see_other(form.back)


@action
async def set_alias(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """One that is an environment's name promotes, as everywhere."""
    name, version = _version(request)
    await services.registered_models.set_alias(actor, name, form.required("alias", "The alias"), version)
    return see_other(form.back)


@action
async def delete_alias(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.registered_models.delete_alias(actor, request.path_params["name"], form.secret("alias"))
    return see_other(form.back)


@action
async def delete_version(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name, version = _version(request)
    await services.model_versions.delete(actor, name, version)
    return see_other(f"/registry/{quote(name, safe='')}", f"Version {version} was deleted.")


def _version(request: Request) -> tuple[str, str]:
    return request.path_params["name"], request.path_params["version"]


_MODEL, _VERSION = "/registry/{name}/model", "/registry/{name}/{version}"

ROUTES = [
    acts("/runs/{run_id}/register", register, Permission.WRITE),
    acts(f"{_MODEL}/description", describe_model, Permission.WRITE),
    acts(f"{_MODEL}/tags", set_model_tag, Permission.WRITE),
    acts(f"{_MODEL}/tags/delete", delete_model_tag, Permission.WRITE),
    acts(f"{_MODEL}/name", rename_model, Permission.WRITE),
    acts(f"{_MODEL}/delete", delete_model, Permission.WRITE),
    acts(f"{_VERSION}/description", describe_version, Permission.WRITE),
    acts(f"{_VERSION}/tags", set_version_tag, Permission.WRITE),
    acts(f"{_VERSION}/tags/delete", delete_version_tag, Permission.WRITE),
    acts(f"{_VERSION}/aliases", set_alias, Permission.WRITE),
    acts(f"{_VERSION}/aliases/delete", delete_alias, Permission.WRITE),
    acts(f"{_VERSION}/delete", delete_version, Permission.WRITE),
]
