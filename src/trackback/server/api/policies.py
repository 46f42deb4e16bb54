"""Our API for policies: the revisions, which is in force, and what something still lacks to enter an environment."""

from typing import Any

import msgspec

from trackback.entities import Actor, Permission, Policy
from trackback.limits import POLICIES_PER_PAGE_DEFAULT
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services


class SetPolicy(Message, frozen=True):
    stream: NonEmpty
    environment: NonEmpty
    document: dict[str, Any]


class PolicyRequest(Message, frozen=True):
    stream: NonEmpty
    environment: NonEmpty


class ListPolicies(Message, frozen=True):
    stream: str = ""
    environment: str = ""
    max_results: Int64 = POLICIES_PER_PAGE_DEFAULT
    page_token: str = ""


class ListRevisions(Message, frozen=True):
    stream: NonEmpty
    environment: NonEmpty
    max_results: Int64 = POLICIES_PER_PAGE_DEFAULT
    page_token: str = ""


class Judge(Message, frozen=True):
    subject: NonEmpty
    environment: NonEmpty


class PolicyAnswer(msgspec.Struct):
    policy: Policy


class PoliciesAnswer(msgspec.Struct, omit_defaults=True):
    policies: tuple[Policy, ...] = ()
    next_page_token: str | None = None


class JudgementAnswer(msgspec.Struct):
    """``unmet``: a sentence for each point of the policy that is not met; ``basis``: what was looked at."""

    unmet: tuple[str, ...]
    basis: dict[str, Any]


async def set_policy(services: Services, actor: Actor, request: SetPolicy) -> PolicyAnswer:
    return PolicyAnswer(
        await services.policies.set(actor, request.stream, request.environment, request.document),
    )


async def remove(services: Services, actor: Actor, request: PolicyRequest) -> PolicyAnswer:
    return PolicyAnswer(await services.policies.remove(actor, request.stream, request.environment))


async def get_in_force(services: Services, actor: Actor, request: PolicyRequest) -> PolicyAnswer:
    return PolicyAnswer(await services.policies.get(actor, request.stream, request.environment))


async def list_policies(services: Services, actor: Actor, request: ListPolicies) -> PoliciesAnswer:
    page = await services.policies.search(
        actor,
        stream=request.stream,
        environment=request.environment,
        max_results=request.max_results,
        page_token=request.page_token,
    )
    return PoliciesAnswer(tuple(page.items), page.next_page_token)


async def list_revisions(services: Services, actor: Actor, request: ListRevisions) -> PoliciesAnswer:
    page = await services.policies.history(
        actor, request.stream, request.environment, max_results=request.max_results, page_token=request.page_token
    )
    return PoliciesAnswer(tuple(page.items), page.next_page_token)


async def judge(services: Services, actor: Actor, request: Judge) -> JudgementAnswer:
    return JudgementAnswer(*await services.policies.judge(actor, request.subject, request.environment))


ROUTES = [
    *rpc("GET", "policies", Permission.READ, ListPolicies, list_policies, under=API),
    *rpc("POST", "policies", Permission.ADMIN, SetPolicy, set_policy, under=API),
    *rpc("DELETE", "policies", Permission.ADMIN, PolicyRequest, remove, under=API),
    *rpc("GET", "policies/in-force", Permission.READ, PolicyRequest, get_in_force, under=API),
    *rpc("GET", "policies/history", Permission.READ, ListRevisions, list_revisions, under=API),
    *rpc("GET", "policies/judgement", Permission.READ, Judge, judge, under=API),
]
