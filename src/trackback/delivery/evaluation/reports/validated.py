"""The report of a validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trackback.delivery.evaluation.cases import Classified
from trackback.delivery.evaluation.checks import MB, Checked, metrics_needed
from trackback.delivery.evaluation.measuring import Figure, Part
from trackback.delivery.evaluation.reports.page import Page, Section
from trackback.delivery.evaluation.reports.plots import plots_of
from trackback.delivery.evaluation.validation import Validation
from trackback.delivery.subject import Subject

_MOST_CLASSES = 20
_MOST_COLUMNS = 4


def page(found: Validation) -> Page:
    """All that was found, for people."""
    return Page(
        title=f"Validation of {found.subject.label}",
        passed=found.passed,
        sentence=found.sentence(),
        document=found.document(),
        notes=list(_notes(found)),
        facts=[*subject_facts(found.subject), *data_facts(found.data), *_how(found)],
        sections=list(_sections(found)),
        plots=list(plots_of(found.prepared.case, found.parts)) if found.prepared and found.parts else (),
    )


def subject_facts(subject: Subject) -> Iterator[tuple[str, str]]:
    yield "model", subject.label
    yield "digest", subject.digest
    if subject.run_id:
        yield "run", subject.run_id
    if subject.promotion is not None:
        yield "promotion", f"{subject.promotion}, to {subject.environment}"


def data_facts(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "test set", f"{data['name']}, {data['rows']} rows"
    yield "its digest", str(data["sha256"])


def resampling(told: Mapping[str, Any]) -> str:
    """How intervals were found, in words."""
    unit = f" of whole {told['unit']}s" if told.get("unit") else ""
    drawn = f"{told['resamples']} bootstrap resamples{unit}, seed {told['seed']}"
    return f"{told['confidence']:.0%} by the percentiles of {drawn}"


def _how(found: Validation) -> Iterator[tuple[str, str]]:
    if found.task:
        yield "task", found.task
    case = found.prepared.case if found.prepared else None
    if isinstance(case, Classified) and case.positive is not None:
        yield "positive class", case.classes[case.positive]
    yield "loaded in", "a clean environment of its requirements" if found.isolated else "this environment"
    if found.bootstrap:
        yield "intervals", resampling(found.bootstrap)
    yield "libraries", ", ".join(f"{name} {version}" for name, version in found.libraries.items())


def _notes(found: Validation) -> Iterator[str]:
    if found.failure:
        yield f"Nothing could be measured. {found.failure}"
    if found.left_out:
        yield f"Slices with fewer rows than {found.spec.min_rows}, which are left out: {', '.join(found.left_out)}."
    wanted = found.spec.bootstrap.resamples
    if found.bootstrap and found.bootstrap["resamples"] < wanted:
        yield f"There are fewer resamples than {wanted}, since there are so many rows."


def _sections(found: Validation) -> Iterator[Section]:
    yield checks_section(found.checks)
    if not found.parts:
        return
    whole = found.parts[0]
    yield Section(
        "Metrics",
        ("Metric", "Value", "Low", "High"),
        [(name, *cells(figure)) for name, figure in whole.figures.items()],
        frozenset({1, 2, 3}),
    )
    if len(found.parts) > 1:
        yield _slices(found.parts, metrics_needed(found.spec.checks))
    case = found.prepared.case if found.prepared else None
    if isinstance(case, Classified) and len(case.classes) <= _MOST_CLASSES:
        yield _confusion(case)
    yield Section("Costs", ("", ""), list(cost_rows(found.costs)), frozenset({1}))


def checks_section(checks: Sequence[Checked]) -> Section:
    rows = [("passed" if each.passed else "failed", each.check, each.found) for each in checks]
    return Section("Checks", ("", "What has to be so", "What is"), rows)


def _slices(parts: Sequence[Part], asked_for: Sequence[str]) -> Section:
    """What checks are about comes first."""
    names = list(dict.fromkeys((*asked_for, *parts[0].figures)))[:_MOST_COLUMNS]
    rows = [(part.name, str(part.rows), *(interval(part.figures[name]) for name in names)) for part in parts]
    return Section("Slices", ("Slice", "Rows", *names), rows, frozenset(range(1, len(names) + 2)))


def _confusion(case: Classified) -> Section:
    import numpy as np  # noqa: PLC0415 - heavy

    number = len(case.classes)
    table = np.bincount(case.truth * number + case.predicted, minlength=number**2).reshape(number, number)
    rows = [(name, *map(str, counts)) for name, counts in zip(case.classes, table.tolist(), strict=True)]
    headings = ("target / prediction", *case.classes)
    return Section("Confusion", headings, rows, frozenset(range(1, len(headings))))


def cost_rows(costs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a model costs, in units that people read."""
    yield "size of the files", f"{costs['size'] / MB:.4g} MB"
    yield "to load", f"{costs['load_s']:.3g} s"
    yield "all rows at once", f"{costs['rows_per_s']:,.0f} rows/s"
    for name, value in (costs.get("latency_ms") or {}).items():
        if name != "rows":
            yield f"one row ({name})", f"{value:.3g} ms"
    for name, value in (costs.get("memory") or {}).items():
        yield f"memory ({name})", f"{value / MB:.4g} MB"


def cells(figure: Figure) -> tuple[str, str, str]:
    """Value and both ends of the interval."""
    return number(figure.value), number(figure.low), number(figure.high)


def interval(figure: Figure) -> str:
    if figure.value is None:
        return "–"
    ends = f" ({figure.low:.3g} to {figure.high:.3g})" if figure.low is not None and figure.high is not None else ""
    return f"{figure.value:.4g}{ends}"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
