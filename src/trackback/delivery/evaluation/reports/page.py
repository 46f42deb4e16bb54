"""A report as data, and the forms that it is written in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trackback.delivery.written import write_whole

if TYPE_CHECKING:
    from trackback.delivery.evaluation.reports.plots import Plot


@dataclass(frozen=True)
class Section:
    """A table under a heading. ``numbers``: places of columns that hold numbers."""

    title: str
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    numbers: frozenset[int] = frozenset()
    text: str = ""


@dataclass(frozen=True)
class Page:
    """``facts``: a name and a value each. ``document``: what the JSON holds."""

    title: str
    passed: bool
    sentence: str
    document: dict[str, Any]
    notes: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = ()
    plots: Sequence[Plot] = field(default=())


def write_reports(page: Page, folder: Path, name: str) -> list[Path]:
    """Write ``<name>.html``, ``.md`` and ``.json``, each whole or not at all; where they are.

    StorageFull, InvalidParameter: they can't be written there.
    """
    forms = {
        ".json": msgspec.json.format(msgspec.json.encode(page.document), indent=2).decode() + "\n",
        ".md": as_markdown(page),
        ".html": as_html(page),
    }
    for ending, text in forms.items():
        write_whole(folder / f"{name}{ending}", text)
    return [folder / f"{name}{ending}" for ending in (".html", ".md", ".json")]


def as_html(page: Page) -> str:
    """A page that needs nothing beside itself."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only who writes reports needs it

    loader = PackageLoader("trackback.delivery.evaluation.reports")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("page.html").render(vars(page)) + "\n"


def as_markdown(page: Page) -> str:
    """For pull requests and logs: no plots."""
    word = "Passed" if page.passed else "Failed"
    lines = [f"# {_safe(page.title)}", "", f"**{word}.** {_safe(page.sentence)}", ""]
    for note in page.notes:
        lines += [_safe(note), ""]
    if page.facts:
        lines += ["| | |", "| --- | --- |", *(f"| {_safe(name)} | {_safe(value)} |" for name, value in page.facts), ""]
    for section in page.sections:
        lines += [f"## {_safe(section.title)}", ""]
        if section.text:
            lines += [_safe(section.text), ""]
        if section.rows:
            marks = ["---:" if place in section.numbers else "---" for place in range(len(section.headings))]
            lines += [_row(section.headings), f"| {' | '.join(marks)} |", *map(_row, section.rows), ""]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_safe, cells))} |"


def _safe(text: str) -> str:
    """Text that Markdown takes for itself, on one line."""
    told = " ".join(str(text).split())
    return "".join(f"\\{each}" if each in "|*_`<>[]\\" else each for each in told)
