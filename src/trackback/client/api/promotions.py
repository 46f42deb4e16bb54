"""Calls for promotions: the log, what is in force, what waits, and the ways to promote. Trackback only."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from trackback.client.api.calls import OURS, Calls
from trackback.client.pages import Page
from trackback.entities import PendingPromotion, Promotion

PROMOTIONS = f"{OURS}promotions"
WAIT_S = 30.0


class LogPage(NamedTuple):
    """Entries of the log, in its order; ``cursor`` is what to read on after."""

    promotions: tuple[Promotion, ...]
    cursor: int


class Outcome(msgspec.Struct):
    """An entry of the log, or what waits to be one."""

    promotion: Promotion | None = None
    pending: PendingPromotion | None = None


class LogAnswer(msgspec.Struct):
    promotions: tuple[Promotion, ...] = ()
    cursor: int | None = None


class Promotions(Calls):
    def promote(
        self,
        subject: str,
        environment: str,
        *,
        reason: str = "",
        pending: bool = False,
        override: bool = False,
        allow_unverified: bool = False,
    ) -> Promotion | PendingPromotion:
        """Promote a version (``models:/churn/7``, ``models:/churn@candidate``) or a run (``runs:/<id>``).

        What is in the environment already stays there, and its entry is the answer. ``pending``: where the policy says
        no as yet, wait until it is met. ``override``: go in all the same, with a reason. ``allow_unverified``: also a
        version without a digest.

        InvalidState: it may not go in; the message says all that is missing. NotFound: there is no such version or run.
        PermissionDenied: you may not promote it.
        """
        fields = {
            "subject": subject,
            "environment": environment,
            "reason": reason,
            "pending": pending,
            "override": override,
            "allow_unverified": allow_unverified,
        }
        done = self._whole(Outcome, "POST", PROMOTIONS, fields)
        outcome = done.promotion or done.pending
        assert outcome is not None, "a promotion was answered with neither an entry nor one that waits"
        return outcome

    def demote(self, subject: str, environment: str, *, reason: str = "") -> Promotion:
        """Take a version or a run, or whatever is there of a model (``models:/churn``), out of an environment.

        NotFound: it is not there. PermissionDenied: you may not promote it.
        """
        fields = {"subject": subject, "environment": environment, "reason": reason}
        return self._one("promotion", Promotion, "POST", f"{PROMOTIONS}/demote", fields, idempotent=False)

    def roll_back(self, stream: str, environment: str, *, reason: str = "") -> Promotion:
        """Promote again what was in an environment before, of ``models:/churn`` or ``experiments:/12``.

        NotFound or InvalidState: there is nothing to go back to. PermissionDenied: you may not promote it.
        """
        fields = {"stream": stream, "environment": environment, "reason": reason}
        return self._one("promotion", Promotion, "POST", f"{PROMOTIONS}/rollback", fields, idempotent=False)

    def get_promotion(self, seq: int) -> Promotion:
        """The entry of this number. NotFound: there is none, or you may not read it."""
        return self._one("promotion", Promotion, "GET", f"{PROMOTIONS}/{seq}", {})

    def read_promotions(
        self,
        *,
        stream: str = "",
        environment: str = "",
        after: int = 0,
        max_results: int | None = None,
        wait_s: float = 0.0,
    ) -> LogPage:
        """The entries after a number, of one stream or environment or of all; none, once ``wait_s`` is over.

        wait_s: how long to wait for the first, at most 60 seconds.
        """
        fields = {
            "stream": stream,
            "environment": environment,
            "after": after,
            "max_results": max_results,
            "wait": wait_s,
        }
        page = self._whole(LogAnswer, "GET", PROMOTIONS, fields)
        return LogPage(page.promotions, after if page.cursor is None else page.cursor)

    def walk_promotions(self, *, stream: str = "", environment: str = "", after: int = 0) -> Iterator[Promotion]:
        """All entries after a number, to the end that the log has when it is reached."""
        while True:
            page = self.read_promotions(stream=stream, environment=environment, after=after)
            if not page.promotions:
                return
            yield from page.promotions
            after = page.cursor

    def follow_promotions(
        self, *, stream: str = "", environment: str = "", after: int = 0
    ) -> Iterator[tuple[Promotion, ...]]:
        """The entries after a number, as many at a time as there are, and then those to come, for ever."""
        while True:
            page = self.read_promotions(stream=stream, environment=environment, after=after, wait_s=WAIT_S)
            if page.promotions:
                yield page.promotions
            after = page.cursor

    def promotions_in_force(
        self, *, stream: str = "", environment: str = "", at: str = "now", page_token: str | None = None
    ) -> Page[Promotion]:
        """What held each environment at a time: ``2026-11-01T00:00:00Z``, milliseconds since the epoch, or now.

        InvalidParameter: it is no time.
        """
        fields = {"stream": stream, "environment": environment, "at": at, "page_token": page_token}
        return self._page("promotions", Promotion, "GET", PROMOTIONS, fields)

    def list_pending_promotions(self, stream: str = "", *, page_token: str | None = None) -> Page[PendingPromotion]:
        """What was asked for and waits, and for what."""
        fields = {"stream": stream, "page_token": page_token}
        return self._page("pending", PendingPromotion, "GET", f"{PROMOTIONS}/pending", fields)

    def withdraw_pending_promotion(self, pending_id: int) -> None:
        """End one's waiting. NotFound: it waits no more. PermissionDenied: it is not yours to end."""
        self._do("DELETE", f"{PROMOTIONS}/pending/{pending_id}", {}, idempotent=False)
