"""Calls for policies, and for the verdicts and approvals that they ask for. Trackback only."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from trackback.client.api.calls import OURS, Calls
from trackback.client.pages import Page
from trackback.entities import Approval, Policy, Verdict

POLICIES = f"{OURS}policies"
VERDICTS = f"{OURS}verdicts"
APPROVALS = f"{OURS}approvals"


class Judgement(NamedTuple):
    """A sentence for each point of a policy that is not met, and what was looked at."""

    unmet: tuple[str, ...]
    basis: dict[str, Any]


class JudgementAnswer(msgspec.Struct):
    unmet: tuple[str, ...] = ()
    basis: dict[str, Any] = {}


class Policies(Calls):
    """A stream is ``models:/churn``, ``experiments:/12``, or ``*``: all models without a policy of their own."""

    def set_policy(self, stream: str, environment: str, document: Mapping[str, object]) -> Policy:
        """Hold what enters an environment to a policy; the revision in force. The same one again changes nothing.

        InvalidParameter: the document is no policy. PermissionDenied: you are no admin.
        """
        fields = {"stream": stream, "environment": environment, "document": document}
        return self._one("policy", Policy, "POST", POLICIES, fields)

    def remove_policy(self, stream: str, environment: str) -> Policy:
        """End a stream's own policy; the revision that says so. NotFound: it has none. PermissionDenied: no admin."""
        fields = {"stream": stream, "environment": environment}
        return self._one("policy", Policy, "DELETE", POLICIES, fields, idempotent=False)

    def get_policy(self, stream: str, environment: str) -> Policy:
        """The policy in force: the stream's own, else that of all models. NotFound: there is none."""
        fields = {"stream": stream, "environment": environment}
        return self._one("policy", Policy, "GET", f"{POLICIES}/in-force", fields)

    def list_policies(
        self,
        stream: str = "",
        environment: str = "",
        max_results: int | None = None,
        page_token: str | None = None,
    ) -> Page[Policy]:
        """The policies that are in force."""
        fields = {"stream": stream, "environment": environment, "max_results": max_results, "page_token": page_token}
        return self._page("policies", Policy, "GET", POLICIES, fields)

    def list_policy_revisions(
        self, stream: str, environment: str, max_results: int | None = None, page_token: str | None = None
    ) -> Page[Policy]:
        """All revisions of one policy, the newest first."""
        fields = {"stream": stream, "environment": environment, "max_results": max_results, "page_token": page_token}
        return self._page("policies", Policy, "GET", f"{POLICIES}/history", fields)

    def judge(self, subject: str, environment: str) -> Judgement:
        """What a version or a run still lacks to enter an environment. NotFound: there is no such version or run."""
        fields = {"subject": subject, "environment": environment}
        found = self._whole(JudgementAnswer, "GET", f"{POLICIES}/judgement", fields)
        return Judgement(found.unmet, found.basis)

    def report_verdict(
        self,
        subject: str,
        name: str,
        passed: bool,
        *,
        url: str = "",
        report: Mapping[str, object] | None = None,
        key: str = "",
    ) -> Verdict:
        """Report what a check found of a version, a run, or the digest of files.

        key: the reporter's own name for it; a repeat with the same one writes nothing.

        NotFound: there is no such subject. InvalidState: it has no digest. Conflict: the key is another verdict's.
        """
        fields = {"subject": subject, "name": name, "passed": passed, "url": url, "report": report, "key": key}
        return self._one("verdict", Verdict, "POST", VERDICTS, fields, idempotent=bool(key))

    def list_verdicts(
        self, subject: str, name: str = "", max_results: int | None = None, page_token: str | None = None
    ) -> Page[Verdict]:
        """The verdicts on a version, a run or a digest, the newest first. NotFound: there is no such subject."""
        fields = {"subject": subject, "name": name, "max_results": max_results, "page_token": page_token}
        return self._page("verdicts", Verdict, "GET", VERDICTS, fields)

    def approve(self, subject: str, environment: str, *, reason: str = "") -> Approval:
        """Approve that a version, or a run as its files are now, enters an environment.

        NotFound: there is no such subject. PermissionDenied: it is your own work, or you are no approver.
        """
        fields = {"subject": subject, "environment": environment, "reason": reason}
        return self._one("approval", Approval, "POST", APPROVALS, fields)

    def withdraw_approval(self, subject: str, environment: str) -> None:
        """Take your approval back; what was promoted meanwhile, stays. NotFound: you have given none."""
        fields = {"subject": subject, "environment": environment}
        self._do("DELETE", APPROVALS, fields, idempotent=False)

    def list_approvals(self, subject: str, environment: str = "") -> tuple[Approval, ...]:
        """Who has approved of a version, or of a run as its files are now. NotFound: there is no such subject."""
        return self._several("approvals", Approval, "GET", APPROVALS, {"subject": subject, "environment": environment})
