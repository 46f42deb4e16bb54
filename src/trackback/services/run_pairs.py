"""Two runs beside each other: the files of their code line by line, and the columns of their data sets."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from trackback.entities import PROVENANCE_PATH, Actor, CodeRecord, DatasetRecord, FileRecord
from trackback.entities.particulars import called, of_columns
from trackback.errors import InvalidParameter, NotFound, TrackbackError
from trackback.services.artifacts import Artifacts
from trackback.services.code_comparison import Line, LineKind, Text, read_text, side_by_side
from trackback.services.provenance import ProvenanceIndex
from trackback.services.provenance_documents import DOCUMENT_BYTES, read_document

FILE_BYTES = 1 << 20
NOTHING = Text(())

_FILES = {"diff": "Changes beyond the commit", "script": "Script", "notebook": "Notebook"}


class ComparedFile(NamedTuple):
    """A file of the code of two runs; a ``path`` is None where a run has none. ``problems`` say what can't be shown."""

    title: str
    paths: tuple[str | None, str | None]
    lines: Sequence[Line]
    problems: Sequence[str]

    @property
    def is_equal(self) -> bool:
        return not self.problems and all(line.kind in (LineKind.EQUAL, LineKind.SKIPPED) for line in self.lines)


class RunPairs:
    def __init__(self, provenance: ProvenanceIndex, artifacts: Artifacts) -> None:
        self._provenance = provenance
        self._artifacts = artifacts

    async def code(self, actor: Actor, a: str, b: str) -> list[ComparedFile]:
        """The files of code that either run kept: what it had beyond its commit, its script, its notebook.

        Raises NotFound for an unknown run. A file that can't be read, or is too long to compare, says so itself.
        """
        known = [(await self._provenance.get(actor, each)).code or CodeRecord() for each in (a, b)]
        found = []
        for name, title in _FILES.items():
            files: list[FileRecord | None] = [getattr(code, name) for code in known]
            if any(files):
                texts = [await self._text(actor, run, file) for run, file in zip((a, b), files, strict=True)]
                found.append(await _compared(title, files, texts))
        return found

    async def columns(self, actor: Actor, a: str, b: str) -> Mapping[str, Mapping[int, Any]]:
        """Of data sets that both runs used and that differ, the columns, rows and sources, by name and place (0, 1)."""
        left, right = [await self._datasets(actor, each) for each in (a, b)]
        found: dict[str, dict[int, Any]] = {}
        for name in left:
            if name in right and left[name].sha256 != right[name].sha256:
                for place, dataset in enumerate((left[name], right[name])):
                    for part, value in of_columns(name, dataset).items():
                        found.setdefault(part, {})[place] = value
        return found

    async def _text(self, actor: Actor, run_id: str, file: FileRecord | None) -> Text:
        if file is None:
            return NOTHING
        try:
            content = await self._read(actor, run_id, file.path, FILE_BYTES)
        except TrackbackError as error:
            return Text((), f"{file.path}: {error.message}")
        return await asyncio.to_thread(read_text, file.path, content)

    async def _datasets(self, actor: Actor, run_id: str) -> dict[str, DatasetRecord]:
        """Those that the run's document tells of; none where it has no document that can be read."""
        try:
            content = await self._read(actor, run_id, PROVENANCE_PATH, DOCUMENT_BYTES)
        except (InvalidParameter, NotFound):
            return {}
        record = (await asyncio.to_thread(read_document, content)).record
        return {called(each.name, each.context): each for each in record.datasets}

    async def _read(self, actor: Actor, run_id: str, path: str, most: int) -> bytes:
        file = await self._artifacts.open_of_run(actor, run_id, path)
        if file.size > most:
            raise InvalidParameter(f"The file has {file.size} bytes, and no more than {most} are compared here.")
        async with aclosing(await file.read(0, file.size)) as pieces:
            return b"".join([piece async for piece in pieces])


async def _compared(title: str, files: Sequence[FileRecord | None], texts: Sequence[Text]) -> ComparedFile:
    paths = [file.path if file else None for file in files]
    problems = [text.problem for text in texts if text.problem]
    lines = [] if problems else await asyncio.to_thread(side_by_side, texts[0].lines, texts[1].lines)
    return ComparedFile(title, (paths[0], paths[1]), lines, problems)
