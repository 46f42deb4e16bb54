"""Signing in to the pages, and out of them."""

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission
from trackback.server import cookies
from trackback.server.authorization import address_of
from trackback.server.ui.frame.form_data import FormData, local
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.refusals import LOGIN
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import acts, shows
from trackback.services import Services
from trackback.services.identities import LONGEST_MS
from trackback.services.sessions import NewSession


@page
async def show_login(services: Services, actor: Actor, request: Request) -> Response:
    then = local(request.query_params.get("next", "/"))
    if not services.sessions.enabled:
        return see_other(then)
    return await render("administration/login.html", then=then)


@action
async def log_in(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name, password = form.required("name", "The user name"), form.secret("password")
    return await _let_in(services, request, form, await services.sessions.begin(name, password, _address(request)))


@action
async def log_in_with_token(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    token = form.required("token", "The token")
    return await _let_in(services, request, form, await services.sessions.begin_with_token(token, _address(request)))


@action
async def log_out(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    if secret := cookies.read(request.scope, cookies.SESSION):
        await services.sessions.end(secret)
    response = see_other(LOGIN)
    cookies.take_away(response, request.scope, cookies.SESSION)
    return response


async def _let_in(services: Services, request: Request, form: FormData, new: NewSession) -> Response:
    if before := cookies.read(request.scope, cookies.SESSION):
        await services.sessions.end(before)
    response = see_other(local(form.get("next", "/")))
    cookies.give(response, request.scope, cookies.SESSION, new.secret, LONGEST_MS // 1000)
    return response


def _address(request: Request) -> str | None:
    return address_of(request.scope)


ROUTES = [
    shows(LOGIN, show_login, Permission.NOTHING),
    acts(f"{LOGIN}/session", log_in, Permission.NOTHING),
    acts(f"{LOGIN}/token", log_in_with_token, Permission.NOTHING),
    acts("/logout", log_out, Permission.NOTHING),
]
