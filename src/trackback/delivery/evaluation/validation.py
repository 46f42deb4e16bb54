"""A model validated on a test set: measured, held against what it has to show, and told to the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trackback.client.api import Client
from trackback.client.cache import sha256_of
from trackback.delivery.evaluation.asking import TIMEOUT_S, Candidate, Say, silent, trusted_of
from trackback.delivery.evaluation.check_kinds import Check
from trackback.delivery.evaluation.checks import Checked, Findings, judge, metrics_needed
from trackback.delivery.evaluation.foreseen import check_columns, check_over
from trackback.delivery.evaluation.measuring import Part, measure
from trackback.delivery.evaluation.prepared import (
    Prepared,
    bootstrap_of,
    functions_of,
    metrics_for,
    prepare,
    signature_names,
)
from trackback.delivery.evaluation.slices import columns_of, slices_of, with_lengths
from trackback.delivery.evaluation.spec import Spec, read_spec, with_options
from trackback.delivery.evaluation.summary import fitting
from trackback.delivery.evaluation.testset import TestSet, read_testset
from trackback.delivery.evaluation.versions import library_versions
from trackback.delivery.record import Record
from trackback.delivery.subject import Subject
from trackback.errors import CheckFailed, InvalidModel, NotFound
from trackback.flavors import read_mlmodel
from trackback.flavors.schema import Schema

if TYPE_CHECKING:
    from trackback.client.progress import Progress

VERDICT = "validation"


@dataclass(frozen=True)
class Measuring:
    """What a model is to be measured by, and how.

    data: the place of the test set; ``spec_file``: of the spec. ``options``: fields of the spec that count before it.
    further_checks: beside those of the spec. trust: digests of pickles, or ``all``. isolated: in a clean environment.
    timeout_s: how long it may take to load and to predict. say: is told what is being done.
    """

    data: str
    spec_file: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    further_checks: tuple[Check, ...] = ()
    trust: tuple[str, ...] = ()
    isolated: bool = False
    timeout_s: float = TIMEOUT_S
    say: Say = silent

    def candidate(self, client: Client, subject: Subject, progress: Progress | None = None) -> Candidate:
        """The model, fetched. Errors: those of ``Subject.fetch``."""
        local = subject.fetch(client, progress)

        def say(text: str) -> None:
            self.say(f"{subject.label}: {text}")

        return Candidate(local, trusted_of(client, local, self.trust), self.isolated, self.timeout_s, say)

    def spec(self) -> Spec:
        """InvalidParameter: the file is no spec."""
        read = with_options(read_spec(self.spec_file), **self.options)
        return msgspec.structs.replace(read, checks=(*read.checks, *self.further_checks))

    def inputs(self) -> dict[str, Any]:
        """What makes a run of a stage the same as another, beside the subject."""
        spec = sha256_of(self.spec_file) if self.spec_file and self.spec_file.is_file() else None
        options = {name: str(value) for name, value in self.options.items()}
        return {"data": self.data, "spec": spec, "options": options, "isolated": self.isolated}


class Validation(msgspec.Struct):
    """What was found. ``parts`` are all rows, then slices; ``failure`` is why nothing could be measured."""

    subject: Subject
    verdict: str
    passed: bool
    data: dict[str, Any]
    checks: tuple[Checked, ...]
    isolated: bool
    task: str | None = None
    parts: tuple[Part, ...] = ()
    left_out: tuple[str, ...] = ()
    bootstrap: dict[str, Any] = {}
    costs: dict[str, Any] = {}
    libraries: dict[str, str] = {}
    spec_sha256: str | None = None
    failure: str | None = None
    prepared: Prepared | None = None
    spec: Spec = Spec()
    verdict_id: int | None = None

    def document(self) -> dict[str, Any]:
        """JSON: all but rows."""
        fields = {
            "subject": self.subject.document(),
            "verdict": self.verdict,
            "verdict_id": self.verdict_id,
            "passed": self.passed,
            "task": self.task,
            "data": self.data,
            "isolated": self.isolated,
            "failure": self.failure,
            "checks": self.checks,
            "metrics": self.parts[0].figures if self.parts else None,
            "slices": self.parts[1:],
            "left_out": self.left_out,
            "bootstrap": self.bootstrap,
            "costs": self.costs,
            "libraries": self.libraries,
            "spec_sha256": self.spec_sha256,
        }
        told: dict[str, Any] = msgspec.to_builtins({k: v for k, v in fields.items() if v is not None})
        return told

    def sentence(self) -> str:
        """The result in one line."""
        bad = sum(not each.passed for each in self.checks)
        if self.failure:
            return f"{self.subject.label} failed '{self.verdict}': {self.failure}"
        word = "passed" if self.passed else f"failed {bad} of {len(self.checks)} checks of"
        rows = "1 row" if self.data["rows"] == 1 else f"{self.data['rows']} rows"
        return f"{self.subject.label} {word} '{self.verdict}' on {self.data['name']} ({rows})."


def validate(
    client: Client, subject: Subject, job: Measuring, verdict: str = VERDICT, progress: Progress | None = None
) -> Validation:
    """Measure a model, and hold it against its checks.

    A model that can't be loaded, or does not predict the test set, has failed. Nothing is told to the server.

    NotFound, InvalidParameter: the test set or the spec is not as it should be. UntrustedModel, MissingLibrary,
    Unavailable, DataLoss: it could not be tried.
    """
    spec = job.spec()
    model = job.candidate(client, subject, progress)
    testset = read_testset(client, job.data, input_schema(model))
    found = Validation(
        subject, verdict, False, testset.document(), (), job.isolated, spec=spec, libraries=library_versions()
    )
    found.spec_sha256 = sha256_of(job.spec_file) if job.spec_file else None
    try:
        _measure(found, model, testset, spec, job.say)
    except CheckFailed as error:
        found.failure = error.message
        found.checks = (Checked("the model loads and predicts each row", False, error.message.splitlines()[0]),)
    found.passed = all(each.passed for each in found.checks)
    return found


def input_schema(model: Candidate) -> Schema | None:
    """That of the model's signature; None, too, if its MLmodel file can't be read, which loading it will tell."""
    try:
        return model.signature.inputs if model.signature else None
    except (InvalidModel, NotFound):
        return None


def require_mlmodel(model: Candidate) -> None:
    """CheckFailed: the files are no model."""
    try:
        read_mlmodel(model.local.path)
    except (InvalidModel, NotFound) as error:
        raise CheckFailed(f"The model can't be loaded: {error.message}") from None


def _measure(found: Validation, model: Candidate, testset: TestSet, spec: Spec, say: Say) -> None:
    require_mlmodel(model)
    needed = metrics_needed(spec.checks)
    functions, slices = functions_of(spec, needed), slices_of(testset.frame, spec)
    check_over(spec.checks, slices, spec)
    check_columns(spec.checks, testset.frame)
    prepared = prepare(model, testset, spec)
    case = prepared.case
    sliced = with_lengths(slices, testset.frame, prepared.text(spec), spec)
    found.left_out = sliced.left_out
    metrics = metrics_for(case, spec, needed, functions)
    bootstrap = bootstrap_of(testset, spec)
    say(f"measuring, by {bootstrap.drawn} resamples")
    found.task = prepared.judged.task
    found.prepared = prepared
    found.parts = measure(case, prepared.given, metrics, sliced.slices, bootstrap)
    found.bootstrap = bootstrap.document()
    found.costs = prepared.asked.costs
    findings = Findings(
        found.parts,
        found.left_out,
        sliced.families,
        {metric.name: metric for metric in metrics},
        testset.frame,
        prepared.predictions,
        _used(spec, prepared),
        signature_names(model),
        found.costs,
    )
    always = Checked("the model loads and predicts each row", True, f"{len(case)} rows")
    found.checks = (always, *(each for check in spec.checks for each in judge(check, findings)))


def _used(spec: Spec, prepared: Prepared) -> frozenset[str]:
    """The columns of the test set that something uses."""
    of_slices = {name for each in spec.slices for name in columns_of(each)}
    named = {spec.target, spec.id, spec.group, spec.text, spec.bootstrap.unit}
    return frozenset({*prepared.inputs, *of_slices, *(name for name in named if name)})


def report(found: Validation, record: Record) -> None:
    """Tell the server, as a verdict on the digest."""
    told = record.verdict(found.verdict, found.passed, fitting(found.document()))
    found.verdict_id = told.id
    record.passed = found.passed
