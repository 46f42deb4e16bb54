"""What buttons on the pages of accounts do."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission, Role
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server.ui.administration.account_pages import PATH, find_account, show_account
from trackback.server.ui.frame.form_data import FormData
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.path_numbers import parsed_number
from trackback.server.ui.frame.routes import acts
from trackback.services import Services


@action
async def add_user(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    name = form.required("name", "The name")
    user = await services.accounts.add_user(
        actor, name, password=form.secret("password"), service=form.get("kind") == "service", roles=_roles(form)
    )
    return see_other(f"{PATH}/{quote(user.name, safe='')}", f"{user.name} is added.")


@action
async def disable(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.accounts.disable(actor, _name(request))
    return see_other(form.back, f"{_name(request)} can't sign in any more, by password or token.")


@action
async def enable(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.accounts.enable(actor, _name(request))
    return see_other(form.back, f"{_name(request)} can sign in again.")


@action
async def grant(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    role, resource = _role(form.get("role")), form.get("resource")
    await services.accounts.grant(actor, _name(request), role, resource)
    return see_other(form.back, f"{_name(request)} is a {role} for {resource or 'everything'}.")


@action
async def revoke(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    role, resource = _role(form.get("role")), form.get("resource")
    await services.accounts.revoke(actor, _name(request), role, resource)
    return see_other(form.back, f"{_name(request)} is no {role} for {resource or 'everything'} any more.")


@action
async def set_password(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    password = form.secret("password")
    if password != form.secret("again"):
        raise InvalidParameter("The two new passwords differ. Type the same one twice.")
    await services.accounts.set_password(actor, _name(request), password, form.secret("current"))
    return see_other(form.back, "The password is changed.")


@action
async def create_token(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """Answers with the page itself: the secret is shown this once, and kept nowhere."""
    name, days = form.required("name", "The name"), form.get("days")
    created = await services.accounts.create_token(
        actor, name, user=_name(request), scopes=_roles(form), days=parsed_number(days, "days") if days else None
    )
    return await show_account(await find_account(services, actor, _name(request)), created=created)


@action
async def revoke_token(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.accounts.revoke_token(actor, request.path_params["id"])
    return see_other(form.back, "The token signs nobody in any more.")


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name


def _roles(form: FormData) -> list[Role]:
    return list(map(_role, form.all("roles")))


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise InvalidParameter(f"There is no role {shown(text)}. It is one of {', '.join(Role)}.") from None


_ONE = f"{PATH}/{{name}}"

ROUTES = [
    acts(PATH, add_user, Permission.ADMIN),
    acts(f"{_ONE}/disable", disable, Permission.ADMIN),
    acts(f"{_ONE}/enable", enable, Permission.ADMIN),
    acts(f"{_ONE}/grant", grant, Permission.ADMIN),
    acts(f"{_ONE}/revoke", revoke, Permission.ADMIN),
    acts(f"{_ONE}/password", set_password, Permission.SELF),
    acts(f"{_ONE}/tokens", create_token, Permission.SELF),
    acts(f"{_ONE}/tokens/{{id}}/revoke", revoke_token, Permission.SELF),
]
