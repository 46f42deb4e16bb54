"""What buttons on the pages of models and promotions do: promote, approve, demote, roll back, withdraw."""

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, PendingPromotion, Permission, Promotion, PromotionKind
from trackback.errors import NotAdmitted
from trackback.server.ui.frame.form_data import FormData
from trackback.server.ui.frame.forms import action, see_other
from trackback.server.ui.frame.path_numbers import path_number
from trackback.server.ui.frame.routes import acts
from trackback.services import Services


@action
async def promote(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """A version; what is missing is told point by point."""
    try:
        done = await services.promotions.promote(
            actor,
            _version(request),
            _environment(request),
            reason=form.get("reason"),
            pending=form.get("how") == "wait",
            override=form.get("how") == "override",
            allow_unverified="allow_unverified" in form,
        )
    except NotAdmitted as error:
        raise _in_lines(error, _version(request), _environment(request)) from None
    return see_other(form.back, _done(done))


@action
async def promote_run(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """A run, as it is: with its main model."""
    subject = f"runs:/{request.path_params['run_id']}"
    environment = _environment(request)
    try:
        done = await services.promotions.promote(
            actor, subject, environment, reason=form.get("reason"), pending=form.get("how") == "wait"
        )
    except NotAdmitted as error:
        raise _in_lines(error, subject, environment) from None
    return see_other(form.back, _done(done))


@action
async def demote(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    subject, environment = _version(request), _environment(request)
    return see_other(
        form.back, _done(await services.promotions.demote(actor, subject, environment, reason=form.get("reason")))
    )


@action
async def roll_back(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    stream = f"models:/{request.path_params['name']}"
    done = await services.promotions.roll_back(actor, stream, _environment(request), reason=form.get("reason"))
    return see_other(form.back, _done(done))


@action
async def approve(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    subject, environment = _version(request), _environment(request)
    await services.approvals.approve(actor, subject, environment, reason=form.get("reason"))
    return see_other(form.back, f"You approved {subject} for {environment}.")


@action
async def withdraw_approval(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    await services.approvals.withdraw(actor, _version(request), _environment(request))
    return see_other(form.back, "Your approval was withdrawn.")


@action
async def withdraw_promotion(services: Services, actor: Actor, request: Request, form: FormData) -> Response:
    """Of one that waits."""
    await services.promotions.withdraw(actor, path_number(request, "id", "a promotion that waits"))
    return see_other(form.back, "It waits no longer.")


def _version(request: Request) -> str:
    return f"models:/{request.path_params['name']}/{request.path_params['version']}"


def _environment(request: Request) -> str:
    environment: str = request.path_params["environment"]
    return environment


def _done(done: Promotion | PendingPromotion) -> str:
    """What the next page says of it."""
    subject = f"{done.name} {done.version}" if done.name else f"Run {done.run_id}"
    if isinstance(done, PendingPromotion):
        return f"{subject} waits to enter {done.environment}, for: {' '.join(done.unmet)}"
    words = {
        PromotionKind.PROMOTED: "is promoted to",
        PromotionKind.DEMOTED: "has left",
        PromotionKind.ROLLED_BACK: "is back in",
    }
    return f"{subject} {words[done.kind]} {done.environment}, by promotion {done.seq}."


def _in_lines(error: NotAdmitted, subject: str, environment: str) -> NotAdmitted:
    """The same, a line each point."""
    points = "\n".join(f"{number}. {each}" for number, each in enumerate(error.unmet, 1))
    return NotAdmitted(f"{subject} can't enter {environment} yet. Missing:\n{points}", error.unmet)


ROUTES = [
    acts("/registry/{name}/roll-back/{environment}", roll_back, Permission.PROMOTE),
    acts("/registry/{name}/{version}/promote/{environment}", promote, Permission.PROMOTE),
    acts("/registry/{name}/{version}/demote/{environment}", demote, Permission.PROMOTE),
    acts("/registry/{name}/{version}/approve/{environment}", approve, Permission.APPROVE),
    acts("/registry/{name}/{version}/withdraw-approval/{environment}", withdraw_approval, Permission.APPROVE),
    acts("/runs/{run_id}/promote/{environment}", promote_run, Permission.PROMOTE),
    acts("/promotions/waiting/{id}/withdraw", withdraw_promotion, Permission.READ),
]
