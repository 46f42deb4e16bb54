"""Whether something may enter an environment: the policy that is in force, point by point.

Each point that is not met is a sentence that says what to do about it; what was found to be met is the basis, which the
promotion's entry keeps.
"""

import shlex
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from trackback.artifacts.paths import snapshot_root
from trackback.entities import Approval, Permission, Policy, Role, Verdict
from trackback.entities.policy_documents import (
    Metadata,
    PolicyDocument,
    RequiredApprovals,
    RequiredVerdict,
    kept_policy,
)
from trackback.entities.streams import experiment_stream
from trackback.services import run_trees
from trackback.services.package_files import PACKAGE_FILES
from trackback.services.signatures import MLMODEL
from trackback.services.standing import standing_of
from trackback.services.subjects import Subject, of_version
from trackback.storage import Transaction, approvals, evidence, policies, runs, subjects, verdicts

DAY_MS = 24 * 60 * 60 * 1000
_SHOWN_DIGITS = 12


class PolicySubject(NamedTuple):
    """What is to be promoted: a version (``model_version`` is its row) or a run, as ``digest``.

    ``author`` is who made it, who can't approve it; neither can the one whose run it came from.
    """

    stream: str
    digest: str | None
    author: str
    run_id: str | None
    model_version: int | None
    description: str | None

    @classmethod
    def of(cls, subject: Subject, digest: str | None) -> "PolicySubject":
        return cls(subject.stream, digest, subject.author, subject.run_id, subject.model_version, subject.description)


class Judgement(NamedTuple):
    """``unmet``: a sentence for each point of the policy that is not met. ``basis``: what was looked at, for the log.

    Both are empty without a policy.
    """

    unmet: tuple[str, ...]
    basis: dict[str, Any]


class Case(NamedTuple):
    """A subject before an environment. ``text`` is how people name the subject.

    ``run_id`` is that of the run whose records count, if one's do: see ``_evident_run``.
    """

    subject: PolicySubject
    run_id: str | None
    environment: str
    now_ms: int
    text: str
    authors: tuple[str, ...]


def judge(tx: Transaction, subject: PolicySubject, environment: str, now_ms: int) -> Judgement:
    """Hold a subject to the policy in force: its stream's own, else that of all models. Without one, all may enter."""
    policy = policies.in_force(tx, subject.stream, environment)
    if policy is None:
        return Judgement((), {})
    document = kept_policy(policy.document)
    authors = authors_of(tx, subject.author, subject.run_id)
    case = Case(subject, _evident_run(tx, subject), environment, now_ms, _text(tx, subject), authors)
    reported = [(required, _verdict(tx, case, required)) for required in document.verdicts]
    given = _approvals(tx, case) if document.approvals else []
    unmet = [*_unmet_on_digest(tx, case, document, reported, given), *_unmet_elsewhere(tx, case, document)]
    return Judgement(tuple(unmet), _basis(policy, [verdict for _, verdict in reported if verdict], given))


def authors_of(tx: Transaction, author: str, run_id: str | None) -> tuple[str, ...]:
    """Who made a version or a run, as far as is known: whoever registered it, and whose run it was.

    What clients say of a run's user is no proof, so that whoever signed in to make it counts too.
    """
    makers = evidence.makers_of(tx, run_id) if run_id else ()
    return tuple(dict.fromkeys(each for each in (author, *makers) if each))


def current_digest(tx: Transaction, subject: Subject) -> str | None:
    """That of a version; of a run, that which its files have now, else that under which it was last promoted."""
    now = run_trees.collect(tx, subject.run, {}).digest if subject.run else None
    return now or subject.digest


def _evident_run(tx: Transaction, subject: PolicySubject) -> str | None:
    """The run that a version came from, or that is to be promoted.

    Clients name a version's run as they like, so that it is evidence only if whoever registered the version may read
    it: they could name no other but by its id.
    """
    if subject.model_version is None or not subject.run_id:
        return subject.run_id
    run = runs.find(tx, subject.run_id)
    if run is None:
        return None
    registrar = standing_of(tx, subject.author, experiment_stream(run.experiment))
    return run.uuid if registrar is None or Permission.READ in registrar.permissions else None


def _text(tx: Transaction, subject: PolicySubject) -> str:
    version = subject.model_version and subjects.find_version_by_id(tx, subject.model_version)
    return of_version(version).text if version else f"runs:/{subject.run_id}"


def _basis(policy: Policy, reported: list[Verdict], given: list[Approval]) -> dict[str, Any]:
    basis: dict[str, Any] = {"policy": {"stream": policy.stream, "revision": policy.revision}}
    if reported:
        basis["verdicts"] = [_kept(each, "id", "name", "passed", "time", "actor", "url") for each in reported]
    if given:
        basis["approvals"] = [_kept(each, "actor", "time", "reason") for each in given]
    return basis


def _kept(each: Verdict | Approval, *fields: str) -> dict[str, Any]:
    values = ((field, getattr(each, field)) for field in fields)
    return {field: value for field, value in values if value is not None}


def _unmet_on_digest(
    tx: Transaction,
    case: Case,
    document: PolicyDocument,
    reported: list[tuple[RequiredVerdict, Verdict | None]],
    given: list[Approval],
) -> Iterator[str]:
    """What has to be said of these very files."""
    if case.subject.digest is None:
        if document.verdicts or document.approvals:
            yield (
                "It is unverified: without a digest there can be no verdicts on it and no approvals of it. Register it "
                "again from files that this server can read."
            )
        return
    for required, verdict in reported:
        if fault := _fault(case, required, verdict):
            yield fault
    if document.approvals and (fault := _missing_approvals(tx, case, document.approvals, given)):
        yield fault


def _verdict(tx: Transaction, case: Case, required: RequiredVerdict) -> Verdict | None:
    subject = case.subject
    if subject.digest is None:
        return None
    return verdicts.latest(tx, subject.digest, subject.stream, required.name, required.reporters)


def _fault(case: Case, required: RequiredVerdict, verdict: Verdict | None) -> str | None:
    name = required.name
    report = f"trackback verdict {case.text} {shlex.quote(name)} --passed"
    if verdict is None:
        who = f"None of {', '.join(required.reporters)}" if required.reporters else "Nobody"
        return (
            f"The verdict '{name}' is missing. {who} has reported one on these files (digest "
            f"{_short(case.subject.digest)}), and those on others don't count. Run the check, then report it: {report}"
        )
    if not verdict.passed:
        at = f" at {verdict.url}" if verdict.url else ""
        return (
            f"The verdict '{name}' failed, as {verdict.actor} reported{at}. Register a version that is repaired, or "
            "run the check again."
        )
    age_days = (case.now_ms - verdict.time) / DAY_MS
    if required.max_age_days is not None and age_days > required.max_age_days:
        return (
            f"The verdict '{name}' is {age_days:.1f} days old, and must not be older than {required.max_age_days:g}. "
            f"Run the check again, then report it: {report}"
        )
    return None


def _approvals(tx: Transaction, case: Case) -> list[Approval]:
    digest = case.subject.digest
    return approvals.of_place(tx, digest, case.subject.stream, case.environment) if digest else []


def _missing_approvals(tx: Transaction, case: Case, required: RequiredApprovals, given: list[Approval]) -> str | None:
    counted = [each.actor for each in given if _counts(tx, case, required.role, each.actor)]
    if len(counted) >= required.count:
        return None
    ignored = [each.actor for each in given if each.actor not in counted]
    so_far = f", by {', '.join(counted)}" if counted else ""
    if ignored:
        so_far += f" (not counting {', '.join(ignored)}: an author, or without the role {required.role})"
    others = f" other than {' and '.join(case.authors)}" if case.authors else ""
    return (
        f"It has {len(counted)} of the {required.count} approvals that {case.environment} needs{so_far}. Somebody"
        f"{others}, with the role {required.role}, has to say: trackback approve {case.text} --for {case.environment}"
    )


def _counts(tx: Transaction, case: Case, role: Role, actor: str) -> bool:
    """Whether an actor's approval counts: authors' never do, users' only while they have the role."""
    if actor in case.authors:
        return False
    standing = standing_of(tx, actor, case.subject.stream)
    if standing is None:
        return True  # somebody that another system knows
    return not (standing.service or standing.disabled or standing.roles.isdisjoint({role, Role.ADMIN}))


def _unmet_elsewhere(tx: Transaction, case: Case, document: PolicyDocument) -> Iterator[str]:
    """What has to be known of it beside."""
    subject = case.subject
    if document.after and not evidence.was_in(
        tx, subject.stream, document.after, subject.digest, subject.model_version, subject.run_id
    ):
        yield (
            f"It has not been in {document.after} with these files. Promote it there first: "
            f"trackback promote {case.text} --to {document.after}"
        )
    for required in document.metadata:
        known = _KNOWN[required](tx, case)
        if not known:
            yield (_UNKNOWN if known is None else _missing(case, required)).format(text=case.text, point=required)


def _missing(case: Case, required: Metadata) -> str:
    hidden = required in _OF_RUNS and case.run_id != case.subject.run_id
    return f"{_MISSING[required]} {_HIDDEN_RUN}" if hidden else _MISSING[required]


def _has_dataset(tx: Transaction, case: Case) -> bool:
    return case.run_id is not None and evidence.has_dataset(tx, case.run_id)


def _has_environment(tx: Transaction, case: Case) -> bool:
    if case.run_id is not None and evidence.has_recorded_packages(tx, case.run_id):
        return True
    return bool(_files(tx, case.subject, PACKAGE_FILES))


def _has_signature(tx: Transaction, case: Case) -> bool | None:
    digest = _files(tx, case.subject, (MLMODEL,)).get(MLMODEL)
    return False if digest is None else evidence.is_signed(tx, digest)


def _has_description(tx: Transaction, case: Case) -> bool:
    description = case.subject.description
    return bool(description and description.strip())


def _files(tx: Transaction, subject: PolicySubject, paths: Collection[str]) -> dict[str, str]:
    """Those of the paths that are files beside the model, with the digest of each."""
    if subject.digest is None:
        return {}
    if subject.model_version is not None:
        return evidence.files_named(tx, snapshot_root(subject.digest), paths)
    run = runs.find(tx, subject.run_id or "")
    trees = run_trees.collect(tx, run, {}).trees if run else []  # they are frozen only when the run enters
    files = next((tree.files for tree in trees if tree.digest == subject.digest), [])
    return {file.path: file.digest for file in files if file.path in paths}


_KNOWN: dict[Metadata, Callable[[Transaction, Case], bool | None]] = {
    Metadata.DATASET: _has_dataset,
    Metadata.ENVIRONMENT: _has_environment,
    Metadata.SIGNATURE: _has_signature,
    Metadata.DESCRIPTION: _has_description,
}
_MISSING = {
    Metadata.DATASET: "No data set is logged with the run that {text} came from. Log it there: mlflow.log_input(…)",
    Metadata.ENVIRONMENT: (
        "The environment of {text} is not captured: there is no requirements.txt, conda.yaml or python_env.yaml beside "
        "the model, and no provenance record of its run says it. Log the model with its requirements, and register it "
        "again."
    ),
    Metadata.SIGNATURE: (
        "{text} has no signature, which says what goes into the model and what comes out. Log the model with one "
        "(signature=…, or an input_example), and register it again."
    ),
    Metadata.DESCRIPTION: "{text} has no description. Write one that says what it is for, and what changed.",
}
_OF_RUNS = (Metadata.DATASET, Metadata.ENVIRONMENT)
_HIDDEN_RUN = (
    "(The run that it names does not count: it is not on this server, or whoever registered the version may not read "
    "it. Have somebody register it again who may.)"
)
_UNKNOWN = "It is not known yet whether {text} has what the policy calls '{point}': it is being read. Try again soon."


def _short(digest: str | None) -> str:
    return f"{(digest or '')[:_SHOWN_DIGITS]}…"
