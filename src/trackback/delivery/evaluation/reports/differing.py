"""The report of a comparison with what is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trackback.delivery.evaluation.checks import metrics_needed
from trackback.delivery.evaluation.delta import Delta
from trackback.delivery.evaluation.flips import Example, Flips
from trackback.delivery.evaluation.measuring import Compared, Difference
from trackback.delivery.evaluation.reports.page import Page, Section
from trackback.delivery.evaluation.reports.plots import plots_of_both
from trackback.delivery.evaluation.reports.validated import (
    checks_section,
    cost_rows,
    data_facts,
    number,
    resampling,
    subject_facts,
)

_MOST_CHANGES = 300
_MOST_COLUMNS = 3
_LONG = 80


def page(found: Delta) -> Page:
    """All that was found, for people."""
    plots = []
    if found.cases and found.parts:
        plots = list(plots_of_both(found.cases[0].case, found.cases[1].case, found.parts))
    against = found.against.label if found.against else "nothing yet" if found.first_release else "itself"
    return Page(
        title=f"{found.subject.label} against {against}",
        passed=found.passed,
        sentence=found.sentence(),
        document=found.document(),
        notes=list(_notes(found)),
        facts=list(_facts(found)),
        sections=list(_sections(found)),
        plots=plots,
    )


def _facts(found: Delta) -> Iterator[tuple[str, str]]:
    yield from subject_facts(found.subject)
    if found.against:
        yield "compared with", found.against.label
        yield "its digest", found.against.digest
    yield "why that", found.why
    if found.data:
        yield from data_facts(found.data)
    if found.task:
        yield "task", found.task
    if found.bootstrap:
        yield "intervals", f"{resampling(found.bootstrap)}, of the same rows for both"
    yield "libraries", ", ".join(f"{name} {version}" for name, version in found.libraries.items())


def _notes(found: Delta) -> Iterator[str]:
    if found.failure:
        yield f"Nothing could be compared. {found.failure}"
    if found.left_out:
        yield f"Slices with fewer rows than {found.spec.min_rows}, which are left out: {', '.join(found.left_out)}."
    yield from found.notes


def _sections(found: Delta) -> Iterator[Section]:
    yield checks_section(found.checks)
    if found.parts:
        yield _metrics(found.parts[0])
    if len(found.parts) > 1:
        yield _slices(found.parts, metrics_needed(found.spec.delta))
    if found.flips is not None:
        yield from _flips(found.flips)
    if found.shift is not None:
        shift = found.shift
        ks = f", KS {shift.ks:.4g} (p {shift.ks_p:.3g})" if shift.ks is not None and shift.ks_p is not None else ""
        rows = [
            (name, f"{before:.2%}", f"{now:.2%}")
            for name, before, now in zip(shift.bins, shift.before, shift.now, strict=True)
        ]
        headings = (shift.of.capitalize(), "Before", "Now")
        yield Section("Shift of predictions", headings, rows, frozenset({1, 2}), f"PSI {shift.psi:.4g}{ks}.")
    if found.against is not None and not found.failure:
        yield _changes(found)
    if found.costs:
        yield _costs(found.costs)


def _metrics(whole: Compared) -> Section:
    headings = ("Metric", "Before", "Now", "Change", "Low", "High", "p", "")
    rows = [(name, *difference_cells(each)) for name, each in whole.differences.items()]
    return Section("Metrics", headings, rows, frozenset(range(1, 7)))


def difference_cells(each: Difference) -> tuple[str, ...]:
    """Before, now, the change, both ends of its interval, its p-value, and a word where it is sure."""
    signed = [f"{value:+.4g}" if value is not None else "–" for value in (each.change, each.low, each.high)]
    word = "" if each.better is None else "better" if each.better else "worse"
    return (number(each.before), number(each.now), *signed, "–" if each.p is None else f"{each.p:.3g}", word)


def _slices(parts: Sequence[Compared], asked_for: Sequence[str]) -> Section:
    """What checks are about comes first."""
    names = list(dict.fromkeys((*asked_for, *parts[0].differences)))[:_MOST_COLUMNS]
    rows = [(part.name, str(part.rows), *(_change(part.differences[name]) for name in names)) for part in parts]
    text = "The change of each metric, with its interval; p-values of slices are by Holm's method."
    return Section("Slices", ("Slice", "Rows", *names), rows, frozenset(range(1, len(names) + 2)), text)


def _change(each: Difference) -> str:
    if each.change is None:
        return "–"
    ends = f" ({each.low:+.3g} to {each.high:+.3g})" if each.low is not None and each.high is not None else ""
    return f"{each.change:+.4g}{ends}" + (f", p {each.p:.3g}" if each.p is not None else "")


def _flips(flips: Flips) -> Iterator[Section]:
    what = "are wrong that were right" if flips.tolerance is None else f"have an error larger by {flips.tolerance:.4g}"
    other = "the other way round" if flips.tolerance is None else "one smaller by as much"
    p = f" Of as many both ways the p-value is {flips.p:.3g}." if flips.p is not None else ""
    both = f"{flips.worse} {what}, {flips.better} {other}"
    text = f"{flips.changed} of {flips.rows} rows are predicted otherwise: {both}.{p}"
    yield Section("Flips", text=text)
    surest = "of which the model is surest" if flips.tolerance is None else "whose errors differ most"
    told = ("Worse", flips.worse, flips.worse_examples), ("Better", flips.better, flips.better_examples)
    for title, count, examples in told:
        if examples:
            some = f"{len(examples)} of {count}, {surest}." if count > len(examples) else ""
            yield _examples(f"{title} than before", examples, some)


def _examples(title: str, examples: Sequence[Example], text: str) -> Section:
    inputs = list(examples[0].inputs)
    rows = [(each.name, each.target, each.before, each.now, *each.inputs.values()) for each in examples]
    return Section(title, ("Row", "Target", "Before", "Now", *inputs), rows, text=text)


def _changes(found: Delta) -> Section:
    rows = [(each.part, each.name, _shown(each.a), _shown(each.b)) for each in found.changes[:_MOST_CHANGES]]
    more = len(found.changes) - len(rows)
    text = "They do not differ in anything that is known." if not rows else f"And {more} more." if more else ""
    return Section("What went into them", ("What", "Name", "Before", "Now"), rows, text=text)


def _shown(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def _costs(costs: dict[str, Any]) -> Section:
    before, now = dict(cost_rows(costs["before"])), dict(cost_rows(costs["now"]))
    rows = [(name, before.get(name, "–"), now.get(name, "–")) for name in dict.fromkeys((*before, *now))]
    return Section("Costs", ("", "Before", "Now"), rows, frozenset({1, 2}))
