"""The parts of Markdown that tests look at: fenced blocks, tables and links."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")


class Block(NamedTuple):
    """A fenced block; ``output`` is the text of the one that follows it with nothing in between, if there is one."""

    language: str
    text: str
    line: int
    output: "Block | None" = None


def pages() -> list[Path]:
    """All that there is to read for users: the README and docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[Block]:
    """The blocks of one language, in order."""
    text = page.read_text()
    found = [_block(text, match) for match in _FENCE.finditer(text) if match[1] == language]
    assert found, f"{page} has no block of {language}"
    return found


def _block(text: str, match: re.Match[str]) -> Block:
    output = _FENCE.match(text, match.end() + 1)
    line = text.count("\n", 0, match.start()) + 1
    return Block(match[1], match[2], line, Block(output[1], output[2], line) if output else None)


def tables(page: Path, heading: str) -> list[list[list[str]]]:
    """The tables of the section with this heading, subsections included: rows of cells, without the title row."""
    found: list[list[list[str]]] = []
    in_table = False
    for line in section(page, heading).splitlines():
        if not line.startswith("|"):
            in_table = False
            continue
        if not in_table:
            found.append([])
        in_table = True
        found[-1].append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return [rows[2:] for rows in found]


def section(page: Path, heading: str) -> str:
    """The text below a heading, subsections included."""
    text, level = page.read_text(), heading.partition(" ")[0]
    start = re.search(rf"^{re.escape(heading)}$", text, re.MULTILINE)
    assert start, f"{page} has no heading {heading!r}"
    end = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(text, start.end())
    return text[start.end() : end.start() if end else len(text)]


def quoted(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", text)


def links(page: Path) -> list[str]:
    """Where links lead that stay in this repository."""
    return [target for target in _LINK.findall(page.read_text()) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page may say after its #."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
