"""Reading the audit log."""

from trackback import limits
from trackback.entities import Actor, AuditEntry, Permission
from trackback.services import access
from trackback.services.pages import Page, decode, encode
from trackback.storage import Storage, audit
from trackback.storage.audit import AuditQuery

PER_PAGE = 1000


class AuditLog:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def search(
        self,
        actor: Actor,
        *,
        by: str = "",
        object: str = "",  # noqa: A002 - the log's word
        action: str = "",
        since_ms: int | None = None,
        until_ms: int | None = None,
        max_results: int = 100,
        page_token: str = "",
    ) -> Page[AuditEntry]:
        """The newest entries first; those of one actor (``by``), object or action, from a time to before another."""
        access.require(actor, Permission.ADMIN)
        limits.check_max_results(max_results, PER_PAGE)
        for what, value in (("actor", by), ("object", object), ("action", action)):
            limits.check_text(value, what)
        for what, moment in (("since", since_ms), ("until", until_ms)):
            if moment is not None:
                limits.check_int64(moment, what)
        before = decode(page_token) if page_token else None
        query = AuditQuery(by, object, action, since_ms, until_ms, before, max_results + 1)
        found = await self._storage.read(lambda tx: audit.entries(tx, query))
        page = found[:max_results]
        return Page(page, encode(page[-1].seq) if len(found) > max_results else None)
