"""What a policy says, and how it is read: from a file in a repository, or from a request."""

import re
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from trackback import limits
from trackback.entities.accounts import Permission, Role
from trackback.entities.base import Entity
from trackback.errors import InvalidParameter

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
Days = Annotated[float, msgspec.Meta(gt=0, le=36_500)]
Count = Annotated[int, msgspec.Meta(ge=1, le=100)]

_PLACE = re.compile(r" - at `\$\.?(.*)`$")


class Metadata(StrEnum):
    """What must be known of a version, beside its files."""

    DATASET = "dataset"
    ENVIRONMENT = "environment"
    SIGNATURE = "signature"
    DESCRIPTION = "description"


class RequiredVerdict(Entity, frozen=True, forbid_unknown_fields=True):
    """The last verdict of this name, on this very digest, must have passed, at most ``max_age_days`` ago.

    ``reporters``: whose verdicts count; everybody's, if there are none.
    """

    name: Name
    max_age_days: Days | None = None
    reporters: tuple[Name, ...] = ()


class RequiredApprovals(Entity, frozen=True, forbid_unknown_fields=True):
    """So many people with the role must have approved, none of them an author."""

    count: Count = 1
    role: Role = Role.APPROVER

    def __post_init__(self) -> None:
        if Permission.APPROVE not in self.role.permissions:
            raise ValueError(f"The role '{self.role}' does not approve; write 'approver' or 'admin'")


class PolicyDocument(Entity, frozen=True, forbid_unknown_fields=True):
    """All of it must be so. ``after`` is an environment that the same files must have been in before."""

    verdicts: tuple[RequiredVerdict, ...] = ()
    after: Name | None = None
    approvals: RequiredApprovals | None = None
    metadata: tuple[Metadata, ...] = ()

    def __post_init__(self) -> None:
        names = [verdict.name for verdict in self.verdicts]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"The verdict '{twice}' is required twice")


def read_policy(document: object) -> PolicyDocument:
    """The policy that a file's or a request's JSON, or YAML, holds. InvalidParameter says what is wrong, and where.

    A verdict that it requires has a name that one can be reported under.
    """
    policy = kept_policy(document)
    for place, verdict in enumerate(policy.verdicts):
        limits.check_key(verdict.name, f"verdicts[{place}].name")
    return policy


def kept_policy(document: object) -> PolicyDocument:
    """A policy that was set once, whatever names were taken then."""
    try:
        return msgspec.convert(document, PolicyDocument)
    except msgspec.ValidationError as error:
        fault = _PLACE.sub(lambda match: f", at '{match[1]}'" if match[1] else "", str(error))
        known = ", ".join(PolicyDocument.__struct_fields__)
        raise InvalidParameter(
            f"The policy is not valid: {fault}. It may have {known}. `trackback policy init` writes one that is "
            "explained."
        ) from None


def requirements(policy: PolicyDocument) -> list[str]:
    """What a policy asks for, a line each."""
    lines = [_verdict(verdict) for verdict in policy.verdicts]
    if policy.after:
        lines.append(f"the same files have been in {policy.after} before")
    if approvals := policy.approvals:
        people = "approval" if approvals.count == 1 else "approvals"
        lines.append(f"{approvals.count} {people} by others than the author, with the role {approvals.role}")
    return [*lines, *(_METADATA[each] for each in policy.metadata)]


_METADATA = {
    Metadata.DATASET: "a data set is logged with the run",
    Metadata.ENVIRONMENT: "the environment is captured",
    Metadata.SIGNATURE: "the model has a signature",
    Metadata.DESCRIPTION: "it has a description",
}


def _verdict(verdict: RequiredVerdict) -> str:
    age = f", at most {verdict.max_age_days:g} days ago" if verdict.max_age_days else ""
    reporters = f", reported by {' or '.join(verdict.reporters)}" if verdict.reporters else ""
    return f"the last verdict '{verdict.name}' on these files passed{age}{reporters}"


def canonical(policy: PolicyDocument) -> dict[str, Any]:
    """The document without what says nothing: equal policies have equal ones."""
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(policy))
    return fields
