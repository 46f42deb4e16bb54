"""Forms that change something: a POST below the page that they are on, and back to that page.

    @action
    async def delete_run(services, actor, request, form):
        await services.runs.delete(actor, request.path_params["run_id"])
        return see_other(form.back)

What is refused is shown on the page that it was sent from, where it was sent from, with what was filled in.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from trackback.entities import Actor, Permission
from trackback.errors import PermissionDenied, TrackbackError
from trackback.server.raw import Raw
from trackback.server.routing import ROUTER, Router
from trackback.server.ui.frame.form_data import FormData, page_of, read_form
from trackback.server.ui.frame.rendering import Page, render
from trackback.server.ui.frame.visitor import KEPT, Problem, Visitor, made_for, visiting, visitor
from trackback.services import Services, access

Action = Callable[[Services, Actor, Request, FormData], Awaitable[Response]]

OK = 200


def action(function: Action) -> Page:
    """An endpoint that hands the function the form, once it is known to come from a page of the same visitor."""

    @wraps(function)
    async def answer(services: Services, actor: Actor, request: Request) -> Response:
        someone = visiting(services, actor, request)
        with made_for(someone):
            try:
                form = await read_form(request)
                someone.form, someone.url = form, _where_it_was(request, form)
                check_origin(request, form, someone)
                response = await function(services, actor, request, form)
            except TrackbackError as error:
                response = await _refused(services, actor, request, someone, error)
        someone.remember(response, request.scope)
        return response

    return answer


def see_other(url: str, notice: str = "") -> Response:
    """To a page, by GET; which shows, once, what was done."""
    response = RedirectResponse(url, 303, {"cache-control": "no-store"})
    if notice:
        visitor().leave_notice(response, notice)
    return response


def check_origin(request: Request, form: FormData, someone: Visitor) -> None:
    """Raises PermissionDenied for a form that may be of another site: it would act with the visitor's cookies."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise PermissionDenied("A page of another site may not change anything here.")
    if not someone.proved_by(form.get("csrf")):
        raise PermissionDenied(
            "The page that this was sent from is not of this session any more, so nothing was changed. "
            "Load the page again, and send it from there."
        )


def _where_it_was(request: Request, form: FormData) -> str:
    """The page that the form was on; of a button without a field for it, as the browser says."""
    if "back" in form:
        return form.back
    return page_of(request.headers.get("referer", ""))


async def _refused(
    services: Services, actor: Actor, request: Request, someone: Visitor, error: TrackbackError
) -> Response:
    """The page that the form was on, with the problem; a page of the problem alone where that one can't be made."""
    someone.problem = Problem(request.url.path, error.message)
    page = _page_at(request, actor, someone) if someone.form else None
    if page is not None:
        function, again = page
        response = await function(services, actor, again)
        if response.status_code == OK:
            response.status_code = error.status
            return response
    someone.problem_was_shown = True
    return await render("error.html", error.status, error=error)


def _page_at(request: Request, actor: Actor, someone: Visitor) -> tuple[Page, Request] | None:
    url = urlsplit(someone.url)
    router: Router = request.scope[ROUTER]
    try:
        target, values = router.find("GET", unquote(url.path), url.path.encode())
    except TrackbackError:
        return None
    endpoint, permission = target.route.endpoint, target.route.permission
    may_look = permission is Permission.SELF or access.may_anything(actor, permission)
    if not target.route.is_page or not isinstance(endpoint, Raw) or not may_look:
        return None
    scope: Scope = {
        **request.scope,
        "method": "GET",
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "path_params": values,
        KEPT: someone,
    }
    return endpoint.function, Request(scope)
