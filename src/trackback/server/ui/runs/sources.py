"""The code of a run, as it was kept: its notebook, its script, and what was changed since the commit."""

from typing import NamedTuple

from markupsafe import Markup

from trackback.entities import CodeRecord, FileRecord
from trackback.errors import TrackbackError
from trackback.server.ui.files.file_trees import FileTree
from trackback.server.ui.files.previews import Preview, pieces, preview, texts
from trackback.server.ui.runs.commits import commit_url
from trackback.server.ui.runs.diffs import Diff, read_diff

DIFF_BYTES = 512 << 10


class Sources(NamedTuple):
    """``problems`` say what could not be read. ``diff_cut``: the diff is longer than what was read of it."""

    tree: FileTree
    commit_url: str
    notebook: Preview | None
    script: list[Markup]
    diff: Diff | None
    diff_cut: bool
    problems: list[str]


async def read(tree: FileTree, code: CodeRecord | None) -> Sources:
    """Files that are missing, or lie where the server can't read, are said to."""
    code = code or CodeRecord()
    problems: list[str] = []
    notebook = await _notebook(tree, code.notebook, problems)
    script = await _bytes(tree, code.script, texts.HIGHLIGHTED_BYTES, problems)
    diff = await _bytes(tree, code.diff, DIFF_BYTES, problems)
    lines = texts.lines_of(script.decode(errors="replace"), "python")[0] if script else []
    return Sources(
        tree,
        commit_url(code.repository, code.commit),
        notebook,
        lines,
        read_diff(diff.decode(errors="replace")) if diff else None,
        len(diff) >= DIFF_BYTES,
        problems,
    )


async def _notebook(tree: FileTree, record: FileRecord | None, problems: list[str]) -> Preview | None:
    if record is None:
        return None
    try:
        return await preview(await tree.open(record.path))
    except TrackbackError as error:
        problems.append(error.message)
        return None


async def _bytes(tree: FileTree, record: FileRecord | None, most: int, problems: list[str]) -> bytes:
    if record is None:
        return b""
    try:
        return await pieces.read(await tree.open(record.path), 0, most)
    except TrackbackError as error:
        problems.append(error.message)
        return b""
