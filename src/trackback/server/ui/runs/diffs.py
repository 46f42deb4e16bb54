"""A diff as git writes it, by files and lines."""

from typing import NamedTuple

LINES = 5000
LINE_LENGTH = 2000

_KINDS = {"+": "added", "-": "removed", "@": "place", "\\": "aside"}


class DiffLine(NamedTuple):
    """``kind`` is added, removed, place (where a piece is), aside, or nothing: a line on both sides."""

    kind: str
    text: str


class FileDiff(NamedTuple):
    path: str
    lines: list[DiffLine]
    added: int
    removed: int


class Diff(NamedTuple):
    """``remarks`` are the lines before all files; ``left_out`` counts the lines that are not told."""

    remarks: list[str]
    files: list[FileDiff]
    left_out: int


def read_diff(text: str) -> Diff:
    """Whatever the text is: what stands before a line that begins with ``diff `` is a remark."""
    lines = text.split("\n")
    remarks: list[str] = []
    files: list[FileDiff] = []
    found: list[str] | None = None
    for line in lines[:LINES]:
        if line.startswith("diff "):
            files.extend(_file(found))
            found = [line]
        elif found is None:
            remarks.append(_cut(line.removeprefix("# ")))
        else:
            found.append(line)
    files.extend(_file(found))
    return Diff([each for each in remarks if each.strip()], files, max(len(lines) - LINES, 0))


def _file(lines: list[str] | None) -> list[FileDiff]:
    if not lines:
        return []
    start = next((number for number, line in enumerate(lines) if line.startswith(("@@", "Binary "))), len(lines))
    told = [DiffLine(_KINDS.get(line[:1], ""), _cut(line)) for line in lines[start:] if line]
    added, removed = (sum(line.kind == kind for line in told) for kind in ("added", "removed"))
    return [FileDiff(_path(lines[:start]), told, added, removed)]


def _path(head: list[str]) -> str:
    """The name after the change, or before it where the file is gone."""
    names = {line[:4]: line[4:] for line in head if line.startswith(("--- ", "+++ "))}
    for mark in ("+++ ", "--- "):
        if (name := names.get(mark, "")) and name != "/dev/null":
            return name.removeprefix("a/").removeprefix("b/")
    return head[0].removeprefix("diff --git ").rpartition(" b/")[2]


def _cut(line: str) -> str:
    return line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]}…"
