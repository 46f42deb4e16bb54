"""Our API for approvals: people give them, and take their own back."""

import msgspec

from trackback.entities import Actor, Approval, Permission
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Message, NonEmpty
from trackback.services import Services


class Approve(Message, frozen=True):
    subject: NonEmpty
    environment: NonEmpty
    reason: str = ""


class Withdraw(Message, frozen=True):
    subject: NonEmpty
    environment: NonEmpty


class ListApprovals(Message, frozen=True):
    subject: NonEmpty
    environment: str = ""


class ApprovalAnswer(msgspec.Struct):
    approval: Approval


class ApprovalsAnswer(msgspec.Struct, omit_defaults=True):
    approvals: tuple[Approval, ...] = ()


async def approve(services: Services, actor: Actor, request: Approve) -> ApprovalAnswer:
    return ApprovalAnswer(
        await services.approvals.approve(actor, request.subject, request.environment, reason=request.reason)
    )


async def withdraw(services: Services, actor: Actor, request: Withdraw) -> None:
    await services.approvals.withdraw(actor, request.subject, request.environment)


async def list_approvals(services: Services, actor: Actor, request: ListApprovals) -> ApprovalsAnswer:
    return ApprovalsAnswer(tuple(await services.approvals.search(actor, request.subject, request.environment)))


ROUTES = [
    *rpc("GET", "approvals", Permission.READ, ListApprovals, list_approvals, under=API),
    *rpc("POST", "approvals", Permission.APPROVE, Approve, approve, under=API),
    *rpc("DELETE", "approvals", Permission.APPROVE, Withdraw, withdraw, under=API),
]
