"""Two texts side by side: the code of two runs, as files of theirs say it."""

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from typing import NamedTuple

CONTEXT = 3
"""Equal lines that are shown around what differs."""
MOST_LINES = 4000
"""Of either text: beyond, the time to compare them grows with the square of it."""


class LineKind(StrEnum):
    EQUAL = "equal"
    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    SKIPPED = "skipped"


class Side(NamedTuple):
    """A line of one of the texts; ``number`` counts from 1, None where it has none there."""

    number: int | None = None
    text: str = ""


class Line(NamedTuple):
    """A line of both; ``skipped`` is how many equal lines one of that kind stands for."""

    kind: LineKind
    left: Side = Side()
    right: Side = Side()
    skipped: int = 0


class Text(NamedTuple):
    """The text of a file, or why it can't be shown."""

    lines: Sequence[str]
    problem: str = ""


def side_by_side(left: Sequence[str], right: Sequence[str]) -> list[Line]:
    """The lines of two texts beside each other; of longer stretches of equal ones only those next to a change."""
    found: list[Line] = []
    blocks = SequenceMatcher(None, left, right).get_opcodes()
    for place, (tag, i, i_end, j, j_end) in enumerate(blocks):
        if tag == "equal":
            found.extend(_equal(left, i, j, i_end - i, is_first=place == 0, is_last=place == len(blocks) - 1))
        else:
            found.extend(_different(left[i:i_end], right[j:j_end], i, j))
    return found


def _equal(lines: Sequence[str], i: int, j: int, count: int, *, is_first: bool, is_last: bool) -> Iterator[Line]:
    before, after = 0 if is_first else CONTEXT, 0 if is_last else CONTEXT
    if count <= before + after + 1:
        before, after = count, 0
    for k in range(before):
        yield _both(lines, i + k, j + k)
    if count > before + after:
        yield Line(LineKind.SKIPPED, skipped=count - before - after)
    for k in range(count - after, count):
        yield _both(lines, i + k, j + k)


def _both(lines: Sequence[str], i: int, j: int) -> Line:
    return Line(LineKind.EQUAL, Side(i + 1, lines[i]), Side(j + 1, lines[i]))


def _different(left: Sequence[str], right: Sequence[str], i: int, j: int) -> Iterator[Line]:
    for k in range(max(len(left), len(right))):
        one = Side(i + k + 1, left[k]) if k < len(left) else Side()
        other = Side(j + k + 1, right[k]) if k < len(right) else Side()
        kind = LineKind.REMOVED if k >= len(right) else LineKind.ADDED if k >= len(left) else LineKind.CHANGED
        yield Line(kind, one, other)


def read_text(path: str, content: bytes) -> Text:
    """The lines of a file; of a notebook the sources of its cells, as outputs would hide what was changed."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return Text((), f"{path} is no text in UTF-8.")
    lines = _cells(text) if path.endswith(".ipynb") else text.splitlines()
    if lines is None:
        return Text((), f"{path} is no notebook.")
    if len(lines) > MOST_LINES:
        return Text((), f"{path} has {len(lines)} lines, and no more than {MOST_LINES} are compared here.")
    return Text(lines)


def _cells(text: str) -> list[str] | None:
    try:
        cells = json.loads(text)["cells"]
        found: list[str] = []
        for cell in cells:
            source = cell["source"]
            found.append(f"# %% {cell['cell_type']}")
            found.extend(("".join(source) if isinstance(source, list) else str(source)).splitlines())
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found
