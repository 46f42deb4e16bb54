"""A run's logs: the files among its artifacts that are some, and the end of one of them."""

import re
from typing import NamedTuple

from trackback.entities import FileInfo
from trackback.errors import TrackbackError
from trackback.server.ui.files.file_trees import FileTree
from trackback.server.ui.files.previews import pieces
from trackback.services.artifacts import OpenFile

TAIL_BYTES = 64 << 10
FILES = 200
_FOLDERS = ("logs", "log", "trackback/logs")
_ENDINGS = ("log", "out", "err", "stdout", "stderr")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class Logs(NamedTuple):
    """``tail`` is the end of the file at ``path``, ``skipped`` how many bytes stand before it.

    ``problem`` says what could not be shown, with the ``status`` that the page is to have.
    """

    files: list[FileInfo]
    path: str
    file: OpenFile | None
    tail: str
    skipped: int
    problem: str = ""
    status: int = 200


async def read(tree: FileTree, path: str) -> Logs:
    """The logs of a run, and the end of the one at ``path``; without one, of the first."""
    try:
        files = await _files(tree)
    except TrackbackError as error:
        return Logs([], path, None, "", 0, error.message, error.status)
    path = path or (files[0].path if files else "")
    if not path:
        return Logs(files, "", None, "", 0)
    try:
        file = await tree.open(path)
        start = max(file.size - TAIL_BYTES, 0)
        piece = await pieces.read(file, start, file.size)
    except TrackbackError as error:
        return Logs(files, path, None, "", 0, error.message, error.status)
    if start and (cut := piece.find(b"\n") + 1):
        start, piece = start + cut, piece[cut:]
    return Logs(files, path, file, _ANSI.sub("", piece.decode(errors="replace")), start)


async def _files(tree: FileTree) -> list[FileInfo]:
    """Those at the top that are named as logs are, and all in the folders that are."""
    top = (await tree.list("")).files
    names = {each.path.partition("/")[0] for each in top if each.is_dir}
    found = [each for each in top if not each.is_dir and each.path.rpartition(".")[2].lower() in _ENDINGS]
    for folder in _FOLDERS:
        if folder.partition("/")[0] in names:
            found += [each for each in (await tree.list(folder)).files if not each.is_dir]
    return sorted(found, key=lambda each: each.path)[:FILES]
