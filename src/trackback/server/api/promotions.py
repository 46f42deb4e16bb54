"""Our API for promotions: the log, what is in force, what waits, and the ways to promote."""

from collections.abc import AsyncIterator, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trackback.entities import Actor, PendingPromotion, Permission, Promotion
from trackback.errors import InvalidParameter, NotFound, PermissionDenied, Unauthenticated
from trackback.limits import INT64_MAX, PROMOTIONS_PER_PAGE, PROMOTIONS_PER_PAGE_DEFAULT, shown
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import poll, raw, rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.server.routing import READMIT, Readmit
from trackback.services import Services
from trackback.services.promotions import LogPage
from trackback.services.times import parse_time_ms

HEARTBEAT_S = 15.0


class ReadLog(Message, frozen=True):
    stream: str = ""
    environment: str = ""
    after: Int64 = 0
    max_results: Int64 = PROMOTIONS_PER_PAGE_DEFAULT
    wait: float = 0.0
    at: str = ""
    page_token: str = ""


class GetPromotion(Message, frozen=True):
    seq: Int64


class Promote(Message, frozen=True):
    subject: NonEmpty
    environment: NonEmpty
    reason: str = ""
    pending: bool = False
    override: bool = False
    allow_unverified: bool = False


class Demote(Message, frozen=True):
    subject: NonEmpty
    environment: NonEmpty
    reason: str = ""


class RollBack(Message, frozen=True):
    stream: NonEmpty
    environment: NonEmpty
    reason: str = ""


class ListPending(Message, frozen=True):
    stream: str = ""
    max_results: Int64 = PROMOTIONS_PER_PAGE_DEFAULT
    page_token: str = ""


class Withdraw(Message, frozen=True):
    id: Int64


class LogAnswer(msgspec.Struct, omit_defaults=True):
    """``cursor``, for the next request's ``after``, is the log's; ``next_page_token`` that of what was in force."""

    promotions: Sequence[Promotion]
    cursor: int | None = None
    next_page_token: str | None = None


class PromotionAnswer(msgspec.Struct, omit_defaults=True):
    """One of the two: the entry, or what waits to be one."""

    promotion: Promotion | None = None
    pending: PendingPromotion | None = None


class PendingAnswer(msgspec.Struct, omit_defaults=True):
    pending: Sequence[PendingPromotion]
    next_page_token: str | None = None


async def read_log(services: Services, readmit: Readmit, request: ReadLog) -> LogAnswer:
    actor = await readmit()
    if request.at:
        in_force = await services.promotions.in_force(
            actor,
            stream=request.stream,
            environment=request.environment,
            at_ms=None if request.at == "now" else parse_time_ms(request.at, "at"),
            max_results=request.max_results,
            page_token=request.page_token,
        )
        return LogAnswer(in_force.items, next_page_token=in_force.next_page_token)
    if request.page_token:
        raise InvalidParameter(
            "The log has no 'page_token': read on with 'after', which is the cursor of the answer before. It goes with "
            "'at'."
        )
    page = await services.promotions.log(
        actor,
        stream=request.stream,
        environment=request.environment,
        after=request.after,
        max_results=request.max_results,
        wait_s=request.wait,
        again=readmit,
    )
    return LogAnswer(page.promotions, page.cursor)


async def get(services: Services, actor: Actor, request: GetPromotion) -> PromotionAnswer:
    return PromotionAnswer(await services.promotions.get(actor, request.seq))


async def promote(services: Services, actor: Actor, request: Promote) -> PromotionAnswer:
    done = await services.promotions.promote(
        actor,
        request.subject,
        request.environment,
        reason=request.reason,
        pending=request.pending,
        override=request.override,
        allow_unverified=request.allow_unverified,
    )
    return PromotionAnswer(done) if isinstance(done, Promotion) else PromotionAnswer(pending=done)


async def demote(services: Services, actor: Actor, request: Demote) -> PromotionAnswer:
    done = await services.promotions.demote(actor, request.subject, request.environment, reason=request.reason)
    return PromotionAnswer(done)


async def roll_back(services: Services, actor: Actor, request: RollBack) -> PromotionAnswer:
    done = await services.promotions.roll_back(actor, request.stream, request.environment, reason=request.reason)
    return PromotionAnswer(done)


async def list_pending(services: Services, actor: Actor, request: ListPending) -> PendingAnswer:
    page = await services.promotions.pending(
        actor, stream=request.stream, max_results=request.max_results, page_token=request.page_token
    )
    return PendingAnswer(page.items, page.next_page_token)


async def withdraw(services: Services, actor: Actor, request: Withdraw) -> None:
    await services.promotions.withdraw(actor, request.id)


async def follow(services: Services, actor: Actor, request: Request) -> Response:
    """The log as server-sent events, from ``after`` or the header Last-Event-ID on; each has the entry's number.

    It ends when the actor may not read it any more: a client that comes back is told why.
    """
    asked = request.query_params
    after = _number(request.headers.get("last-event-id") or asked.get("after", "0"))
    stream, environment = asked.get("stream", ""), asked.get("environment", "")
    readmit: Readmit = request.scope[READMIT]
    # What is wrong with the request is said before the stream begins.
    first = await services.promotions.log(actor, stream=stream, environment=environment, after=after)

    async def later(cursor: int) -> LogPage | None:
        try:
            return await services.promotions.log(
                await readmit(),
                stream=stream,
                environment=environment,
                after=cursor,
                max_results=PROMOTIONS_PER_PAGE,
                wait_s=HEARTBEAT_S,
                again=readmit,
            )
        except (Unauthenticated, PermissionDenied, NotFound):
            return None

    async def events() -> AsyncIterator[bytes]:
        page: LogPage | None = first
        while page is not None:
            for entry in page.promotions:
                yield b"id: %d\nevent: promotion\ndata: %b\n\n" % (entry.seq, msgspec.json.encode(entry))
            if not page.promotions:
                yield b": nothing new\n\n"
            page = None if services.promotions.stopping else await later(page.cursor)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"cache-control": "no-store"})


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text[:20]) <= INT64_MAX:
        return int(text[:20])
    raise InvalidParameter(f"Invalid value {shown(text)} for parameter 'after' supplied: give a promotion's number.")


ROUTES = [
    *poll("GET", "promotions", Permission.READ, ReadLog, read_log, under=API),
    *rpc("POST", "promotions", Permission.PROMOTE, Promote, promote, under=API),
    *rpc("POST", "promotions/demote", Permission.PROMOTE, Demote, demote, under=API),
    *rpc("POST", "promotions/rollback", Permission.PROMOTE, RollBack, roll_back, under=API),
    *rpc("GET", "promotions/pending", Permission.READ, ListPending, list_pending, under=API),
    *rpc("DELETE", "promotions/pending/{id}", Permission.WRITE, Withdraw, withdraw, under=API),
    *raw("GET", "promotions/events", Permission.READ, follow, under=API),
    *rpc("GET", "promotions/{seq}", Permission.READ, GetPromotion, get, under=API),
]
