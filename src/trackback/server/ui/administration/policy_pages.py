"""A policy with its revisions, and the form by which an admin sets another."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, Permission, Policy
from trackback.entities.policy_documents import Metadata, PolicyDocument, RequiredVerdict, kept_policy, requirements
from trackback.entities.streams import ALL_MODELS, parse_stream
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.server.ui.frame.form_data import FormData
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.rendering import page, render
from trackback.server.ui.frame.routes import acts, shows
from trackback.services import Services

PATH = "/settings/policies"
ROWS = 20
SPARE = 3
"""How many more verdicts than a policy has its form has room for."""

_BETWEEN_NAMES = re.compile(r"[,\s]+")


@page
async def show_policy(services: Services, actor: Actor, request: Request) -> Response:
    """The revisions of one policy, the newest first."""
    query = request.query_params
    stream, environment = query.get("stream", "").strip(), query.get("environment", "").strip()
    token = query.get("page_token", "")
    found = await services.policies.history(actor, stream, environment, max_results=ROWS, page_token=token)
    newest = found.items[0] if found.items and not token else None
    in_force = newest if newest and not newest.removed else None
    policy = kept_policy(in_force.document) if in_force else PolicyDocument()
    return await render(
        "administration/policy.html",
        stream=stream,
        called=called(found.items[0]) if found.items else stream,
        environment=environment,
        found=found,
        asked_for=[() if each.removed else requirements(kept_policy(each.document)) for each in found.items],
        older=urlencode({"stream": stream, "environment": environment, "page_token": found.next_page_token or ""}),
        in_force=in_force,
        policy=policy,
        verdicts=_room_for(policy.verdicts),
        known=list(Metadata),
        earlier=_before(services.configuration.environments, environment, policy.after),
        may_set=not token and await services.policies.may_set(actor, stream),
    )


@action
async def set_policy(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    stream, environment = form.get("stream"), form.get("environment")
    done = await services.policies.set(actor, stream, environment, document_of(form))
    return see_other(form.back, f"{environment} of {called(done)} is held to revision {done.revision}.")


@action
async def remove_policy(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    done = await services.policies.remove(actor, form.get("stream"), form.get("environment"))
    return see_other(form.back, f"{done.environment} of {called(done)} has no policy of its own any more.")


def called(policy: Policy) -> str:
    """What the policy is for, as commands name it."""
    if policy.name:
        return f"models:/{policy.name}"
    return policy.stream if policy.stream == ALL_MODELS else parse_stream(policy.stream).uri


def policy_url(policy: Policy) -> str:
    return f"{PATH}?{urlencode({'stream': called(policy), 'environment': policy.environment})}"


def document_of(form: FormData) -> dict[str, Any]:
    """The policy that a form describes. Raises InvalidParameter for what can't be part of one."""
    document: dict[str, Any] = {}
    if verdicts := [found for place in range(len(_rows(form))) if (found := _verdict(form, place))]:
        document["verdicts"] = verdicts
    if after := form.get("after"):
        document["after"] = after
    if count := _number(form.get("approvals"), "The number of approvals"):
        document["approvals"] = {"count": count, "role": form.get("role", "approver")}
    if metadata := form.all("metadata"):
        document["metadata"] = metadata
    return document


def _rows(form: FormData) -> list[str]:
    found: list[str] = []
    while (name := f"verdict_{len(found)}") in form:
        found.append(name)
    return found


def _verdict(form: FormData, place: int) -> dict[str, Any] | None:
    name, age = form.get(f"verdict_{place}"), form.get(f"max_age_{place}")
    reporters = [each for each in _BETWEEN_NAMES.split(form.get(f"reporters_{place}")) if each]
    if not name and (age or reporters):
        raise InvalidParameter(f"Verdict {place + 1} has no name: fill it in, or empty the rest of its row.")
    if not name:
        return None
    days = _days(age, f"The age of the verdict {shown(name)}")
    return {"name": name} | ({"max_age_days": days} if days else {}) | ({"reporters": reporters} if reporters else {})


def _days(text: str, what: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        raise InvalidParameter(f"{what} is {shown(text)}, which is no number of days.") from None


def _number(text: str, what: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidParameter(f"{what} is {shown(text)}, which is no whole number.")
    return int(text or 0)


def _room_for(verdicts: Sequence[RequiredVerdict]) -> list[RequiredVerdict | None]:
    return [*verdicts, *[None] * SPARE]


def _before(environments: Sequence[str], environment: str, kept: str | None) -> list[str]:
    """The environments that come before one; and the one that its policy names, if the order was another then."""
    found = list(environments[: list(environments).index(environment)])
    return found if kept is None or kept in found else [*found, kept]


ROUTES = [
    shows(PATH, show_policy),
    acts(f"{PATH}/set", set_policy, Permission.ADMIN),
    acts(f"{PATH}/remove", remove_policy, Permission.ADMIN),
]
