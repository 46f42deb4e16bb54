"""What buttons on the pages of webhooks do: make, change, try, switch off, delete, tell again."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission, WebhookEvent, WebhookStatus, WebhookTarget
from trackback.errors import InvalidParameter, InvalidState
from trackback.limits import shown
from trackback.server.ui.administration.webhook_pages import PATH
from trackback.server.ui.frame.form_data import FormData
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.path_numbers import parsed_number
from trackback.server.ui.frame.routes import acts
from trackback.services import Services
from trackback.services.webhook_examples import EXAMPLES
from trackback.services.webhook_settings import WebhookChange, WebhookSettings

_BY_NAME = {str(event): event for event in EXAMPLES}
_ANSWER_SHOWN = 300


@action
async def create(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    settings = WebhookSettings(
        name=form.required("name", "The name"),
        url=form.get("url"),
        events=_events(form),
        description=form.get("description"),
        secret=form.secret("secret"),
        credential=form.secret("credential"),
        target=_target(form.get("target", WebhookTarget.PLAIN)),
        options=_options(form),
        stream=form.get("stream"),
        environment=form.get("environment"),
    )
    made = await services.webhooks.create(actor, settings)
    return see_other(f"{PATH}/{made.webhook_id}", f"{made.name} is told of events from now on.")


@action
async def change(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """Secrets that are left empty stay; a URL does too where the target makes it."""
    webhook = await services.webhooks.get(actor, _webhook(request))
    changes = WebhookChange(
        name=form.required("name", "The name"),
        description=form.get("description"),
        url=form.get("url") if webhook.target is WebhookTarget.PLAIN else None,
        events=_events(form),
        secret=form.secret("secret") or ("" if "forget_secret" in form else None),
        credential=form.secret("credential") or None,
        options=_options(form) or None,
        stream=form.get("stream"),
        environment=form.get("environment"),
    )
    await services.webhooks.update(actor, webhook.webhook_id, changes)
    return see_other(form.back, "Changed.")


@action
async def switch_on(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    return await _switch(services, actor, request, form, WebhookStatus.ACTIVE)


@action
async def switch_off(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    return await _switch(services, actor, request, form, WebhookStatus.DISABLED)


@action
async def delete(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.webhooks.delete(actor, _webhook(request))
    return see_other(PATH, "The webhook is deleted: it is told nothing any more.")


@action
async def test(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """Raises InvalidState where the receiver did not take the example, with what it answered."""
    event = _event(form.get("event")) if form.get("event") else None
    result = await services.webhooks.test(actor, _webhook(request), event)
    answer = (result.response_body or "").strip()[:_ANSWER_SHOWN]
    if result.success:
        return see_other(form.back, f"The example was answered with {result.response_status}. {answer}".strip())
    why = result.error_message or f"It answered {result.response_status}."
    raise InvalidState(f"The example was not taken. {why} {answer}".strip())


@action
async def replay(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    again = await services.webhook_history.replay(actor, _webhook(request), request.path_params["delivery_id"])
    return see_other(f"{PATH}/{again.webhook_id}/deliveries/{again.id}", "It is sent again, as this delivery.")


@action
async def replay_from(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    start = parsed_number(form.required("from_seq", "The number of a promotion"), "a promotion")
    found = await services.webhook_history.replay_from(actor, _webhook(request), start)
    more = f" More follow: go on from {found.next_seq}." if found.next_seq else ""
    return see_other(form.back, f"{found.replayed} promotions are told again.{more}")


async def _switch(
    services: Services, actor: Actor, request: Request, form: FormData, status: WebhookStatus
) -> Response:
    await services.webhooks.update(actor, _webhook(request), WebhookChange(status=status))
    return see_other(form.back, "It is told of events again." if status is WebhookStatus.ACTIVE else "It is off.")


def _webhook(request: Request) -> str:
    webhook_id: str = request.path_params["webhook_id"]
    return webhook_id


def _events(form: FormData) -> list[WebhookEvent]:
    return [_event(text) for text in form.all("event")]


def _event(text: str) -> WebhookEvent:
    if text not in _BY_NAME:
        raise InvalidParameter(f"There is no event {shown(text)} here. It is one of {', '.join(_BY_NAME)}.")
    return _BY_NAME[text]


def _target(text: str) -> WebhookTarget:
    try:
        return WebhookTarget(text)
    except ValueError:
        raise InvalidParameter(f"There is no target {shown(text)}. It is one of {', '.join(WebhookTarget)}.") from None


def _options(form: FormData) -> Mapping[str, str]:
    """A line an option, as ``repository=acme/churn``."""
    found = {}
    for line in filter(None, map(str.strip, form.get("options").splitlines())):
        name, equals, value = line.partition("=")
        if not equals:
            raise InvalidParameter(f"Invalid option {shown(line)}: write NAME=VALUE, one a line.")
        found[name.strip()] = value.strip()
    return found


_ONE = f"{PATH}/{{webhook_id}}"

ROUTES = [
    acts(PATH, create, Permission.ADMIN),
    acts(f"{_ONE}/change", change, Permission.ADMIN),
    acts(f"{_ONE}/enable", switch_on, Permission.ADMIN),
    acts(f"{_ONE}/disable", switch_off, Permission.ADMIN),
    acts(f"{_ONE}/delete", delete, Permission.ADMIN),
    acts(f"{_ONE}/test", test, Permission.ADMIN),
    acts(f"{_ONE}/replay", replay_from, Permission.ADMIN),
    acts(f"{_ONE}/deliveries/{{delivery_id}}/replay", replay, Permission.ADMIN),
]
