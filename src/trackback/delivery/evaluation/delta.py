"""A model compared with the one that is there, on the same rows of the same test set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from trackback.client.api import Client
from trackback.client.cache import sha256_of
from trackback.delivery.evaluation.against import Baseline, baseline
from trackback.delivery.evaluation.asking import Candidate
from trackback.delivery.evaluation.cases import Classified
from trackback.delivery.evaluation.changes import changes_of
from trackback.delivery.evaluation.checks import Checked, metrics_needed
from trackback.delivery.evaluation.delta_checks import DeltaFindings, judge_delta
from trackback.delivery.evaluation.flips import Flips, flips_of
from trackback.delivery.evaluation.foreseen import check_over
from trackback.delivery.evaluation.measuring import Compared, compare
from trackback.delivery.evaluation.prepared import Prepared, bootstrap_of, functions_of, metrics_for, prepare
from trackback.delivery.evaluation.shift import Shift, shift_of
from trackback.delivery.evaluation.slices import slices_of, with_lengths
from trackback.delivery.evaluation.spec import Spec
from trackback.delivery.evaluation.summary import fitting
from trackback.delivery.evaluation.testset import TestSet, read_testset
from trackback.delivery.evaluation.validation import Measuring, input_schema, require_mlmodel
from trackback.delivery.evaluation.versions import library_versions
from trackback.delivery.record import Record
from trackback.delivery.subject import Subject
from trackback.errors import CheckFailed, InvalidParameter
from trackback.provenance.differences import Difference

if TYPE_CHECKING:
    from trackback.delivery.evaluation.metrics import Metric

VERDICT = "delta"


class Delta(msgspec.Struct):
    """What was found. ``against`` is None of a first release, and where only the same files are there: both pass.

    costs: of before and now. failure: why nothing could be compared.
    """

    subject: Subject
    against: Subject | None
    why: str
    verdict: str
    passed: bool
    spec: Spec
    data: dict[str, Any] = {}
    checks: tuple[Checked, ...] = ()
    task: str | None = None
    parts: tuple[Compared, ...] = ()
    left_out: tuple[str, ...] = ()
    flips: Flips | None = None
    shift: Shift | None = None
    changes: list[Difference] = []
    notes: list[str] = []
    costs: dict[str, Any] = {}
    bootstrap: dict[str, Any] = {}
    libraries: dict[str, str] = {}
    spec_sha256: str | None = None
    failure: str | None = None
    first_release: bool = False
    cases: tuple[Prepared, Prepared] | None = None
    verdict_id: int | None = None

    def document(self) -> dict[str, Any]:
        """JSON: all but rows."""
        fields = {
            "subject": self.subject.document(),
            "against": self.against.document() if self.against else None,
            "first_release": self.first_release,
            "why": self.why,
            "verdict": self.verdict,
            "verdict_id": self.verdict_id,
            "passed": self.passed,
            "task": self.task,
            "data": self.data or None,
            "failure": self.failure,
            "checks": self.checks,
            "metrics": self.parts[0].differences if self.parts else None,
            "slices": self.parts[1:],
            "left_out": self.left_out,
            "flips": self.flips and msgspec.structs.replace(self.flips, worse_examples=(), better_examples=()),
            "examples": self.flips and {"worse": self.flips.worse_examples, "better": self.flips.better_examples},
            "shift": self.shift,
            "changes": self.changes,
            "notes": self.notes,
            "costs": self.costs,
            "bootstrap": self.bootstrap,
            "libraries": self.libraries,
            "spec_sha256": self.spec_sha256,
        }
        told: dict[str, Any] = msgspec.to_builtins({k: v for k, v in fields.items() if v is not None})
        return told

    def sentence(self) -> str:
        """The result in one line."""
        if self.against is None:
            how = " as a first release" if self.first_release else ""
            return f"{self.subject.label} passed '{self.verdict}'{how}. {self.why}"
        if self.failure:
            return f"{self.subject.label} failed '{self.verdict}' against {self.against.label}: {self.failure}"
        bad = sum(not each.passed for each in self.checks)
        word = "passed" if self.passed else f"failed {bad} of {len(self.checks)} checks of"
        return f"{self.subject.label} {word} '{self.verdict}' against {self.against.label} on {self.data['name']}."


def delta(client: Client, subject: Subject, against: str, job: Measuring, verdict: str = VERDICT) -> Delta:
    """Compare a model with what ``against`` names. Nothing is told to the server.

    Errors: those of ``validate`` and of ``baseline``; InvalidParameter, too, if the model that is there can't be
    measured on the test set.
    """
    spec = job.spec()
    base = baseline(client, subject, against)
    found = Delta(subject, base.subject, base.why, verdict, False, spec, libraries=library_versions())
    found.spec_sha256 = sha256_of(job.spec_file) if job.spec_file else None
    new = job.candidate(client, subject)
    testset = read_testset(client, job.data, input_schema(new))
    found.data = testset.document()
    if base.subject is None:
        found.checks = (Checked("it is no worse than what is there", True, base.why),)
        found.first_release, found.passed = base.first, True
        return found
    try:
        _compare(client, found, base, new, testset, job)
    except CheckFailed as error:
        found.failure = error.message
        found.checks = (Checked("the model loads and predicts each row", False, error.message.splitlines()[0]),)
    found.passed = all(each.passed for each in found.checks)
    return found


def _compare(client: Client, found: Delta, base: Baseline, new: Candidate, testset: TestSet, job: Measuring) -> None:
    spec = found.spec
    assert base.subject is not None
    old = job.candidate(client, base.subject)
    require_mlmodel(new)
    functions, slices = functions_of(spec, metrics_needed(spec.delta)), slices_of(testset.frame, spec)
    check_over(spec.delta, slices, spec)
    now = prepare(new, testset, spec)
    settled = msgspec.structs.replace(spec, task=now.judged.task)
    before = _prepared_before(old, testset, settled, base)
    before, now = _of_one_kind(before, now, base)
    sliced = with_lengths(slices, testset.frame, now.text(spec), spec)
    metrics = _metrics_of_both(before, now, settled, functions)
    bootstrap = bootstrap_of(testset, settled)
    job.say(f"measuring, by {bootstrap.drawn} resamples")
    found.task, found.cases, found.left_out = now.judged.task, (before, now), sliced.left_out
    found.parts = compare((before.case, before.given), (now.case, now.given), metrics, sliced.slices, bootstrap)
    found.bootstrap = bootstrap.document()
    found.flips = flips_of(before.case, now.case, testset.frame, spec.id, now.inputs)
    found.shift = shift_of(before.case, now.case)
    found.changes, found.notes = changes_of(client, (base.subject, old), (found.subject, new))
    found.costs = {"before": before.asked.costs, "now": now.asked.costs}
    findings = DeltaFindings(
        found.parts,
        sliced.families,
        {metric.name: metric for metric in metrics},
        found.flips,
        found.shift,
        tuple(found.changes),
        before.asked.costs,
        now.asked.costs,
    )
    found.checks = tuple(judge_delta(spec.delta, findings))


def _prepared_before(old: Candidate, testset: TestSet, spec: Spec, base: Baseline) -> Prepared:
    """That what is there fails on the test set is no fault of what is to come."""
    try:
        require_mlmodel(old)
        return prepare(old, testset, spec)
    except (CheckFailed, InvalidParameter) as error:
        assert base.subject is not None
        raise InvalidParameter(
            f"{base.subject.label}, which it is to be compared with, can't be measured on the test set: {error.message}"
        ) from None


def _of_one_kind(before: Prepared, now: Prepared, base: Baseline) -> tuple[Prepared, Prepared]:
    """Both with the same classes, if they have some. InvalidParameter: their tasks are not of one kind."""
    if type(before.case) is not type(now.case):
        assert base.subject is not None
        raise InvalidParameter(
            f"The model has a task of {now.judged.task}, and {base.subject.label} another: they can't be compared."
        )
    if not (isinstance(before.case, Classified) and isinstance(now.case, Classified)):
        return before, now
    classes = tuple(dict.fromkeys((*now.case.classes, *before.case.classes)))
    return _with_classes(before, before.case, classes), _with_classes(now, now.case, classes)


def _with_classes(prepared: Prepared, case: Classified, classes: tuple[str, ...]) -> Prepared:
    return replace(prepared, judged=prepared.judged._replace(case=case.of_classes(classes)))


def _metrics_of_both(before: Prepared, now: Prepared, spec: Spec, functions: list[Metric]) -> list[Metric]:
    """Those that both have: probabilities may be told by one only."""
    needed = metrics_needed(spec.delta)
    of_now = metrics_for(now.case, spec, needed, functions)
    every = msgspec.structs.replace(spec, metrics=())
    of_before = {metric.name for metric in metrics_for(before.case, every, [], functions)}
    per_class = {metric.name for metric in of_now if "[" in metric.name}
    missing = [name for name in needed if name not in of_before | per_class]
    if missing:
        raise InvalidParameter(f"The model that is there has no {missing[0]}: a check can't be about it.")
    return [metric for metric in of_now if metric.name in of_before | per_class]


def report(found: Delta, record: Record) -> None:
    """Tell the server, as a verdict on the digest."""
    told = record.verdict(found.verdict, found.passed, fitting(found.document()))
    found.verdict_id = told.id
    record.passed = found.passed
