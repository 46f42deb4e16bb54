"""Our API for verdicts: checks report them, people read them."""

from typing import Any

import msgspec

from trackback.entities import Actor, Permission, Verdict
from trackback.limits import VERDICTS_PER_PAGE_DEFAULT
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty, encode_as_it_is
from trackback.services import Services


class ReportVerdict(Message, frozen=True):
    subject: NonEmpty
    name: NonEmpty
    passed: bool
    url: str = ""
    report: dict[str, Any] | None = None
    key: str = ""


class ListVerdicts(Message, frozen=True):
    subject: NonEmpty
    name: str = ""
    max_results: Int64 = VERDICTS_PER_PAGE_DEFAULT
    page_token: str = ""


class VerdictAnswer(msgspec.Struct):
    verdict: Verdict


class VerdictsAnswer(msgspec.Struct, omit_defaults=True):
    verdicts: tuple[Verdict, ...] = ()
    next_page_token: str | None = None


async def report(services: Services, actor: Actor, request: ReportVerdict) -> VerdictAnswer:
    verdict = await services.verdicts.report(
        actor,
        request.subject,
        request.name,
        passed=request.passed,
        url=request.url,
        report=request.report,
        key=request.key,
    )
    return VerdictAnswer(verdict)


async def list_verdicts(services: Services, actor: Actor, request: ListVerdicts) -> VerdictsAnswer:
    page = await services.verdicts.search(
        actor,
        request.subject,
        name=request.name,
        max_results=request.max_results,
        page_token=request.page_token,
    )
    return VerdictsAnswer(tuple(page.items), page.next_page_token)


ROUTES = [
    *rpc("GET", "verdicts", Permission.READ, ListVerdicts, list_verdicts, under=API, encoder=encode_as_it_is),
    *rpc("POST", "verdicts", Permission.WRITE, ReportVerdict, report, under=API, encoder=encode_as_it_is),
]
