"""The digest of data in memory: the same for the same values, whatever library holds them.

docs/reference/capture.md defines it. What is hashed depends on nothing but the values: no library's own form of them.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trackback.provenance.datasets.columns import Chunk, Column, Columns
from trackback.provenance.datasets.profiles import ColumnProfile

FORMAT: Final = "trackback-dataset-1"
VALID: Final = "valid"
_CHUNK_BYTES = 1 << 18  # of one column: it stays in a processor's cache until all that is asked of it is known
_CHUNK_ROWS = 1 << 15
_SCATTERED_ROWS = 1 << 12  # of columns that lie across the rows of an array: they share what a cache loads


@dataclass(frozen=True)
class Digested:
    """``columns`` are the lines of the manifest, whose SHA-256 ``sha256`` is; ``profile`` is of each of them."""

    sha256: str
    rows: int
    columns: tuple[dict[str, Any], ...]
    profile: tuple[dict[str, Any], ...]


def digest(groups: Sequence[Columns]) -> Digested:
    """Read everything once: hash it, and count what the profile tells."""
    lines: list[dict[str, Any]] = []
    profiles: list[dict[str, Any]] = []
    for group in groups:
        readers = [_Reader(column, group.rows) for column in group.columns]
        for start, stop in _batches(group):
            for reader in readers:
                reader.read(start, stop)
        lines += [reader.line() for reader in readers]
        profiles += [reader.profile.told() for reader in readers]
    rows = groups[0].rows if groups else 0
    return Digested(manifest_digest(lines), rows, tuple(lines), tuple(profiles))


def manifest_digest(lines: Sequence[dict[str, Any]]) -> str:
    """The SHA-256 of the manifest that these lines make."""
    texts = [FORMAT, *(json.dumps(line, sort_keys=True, separators=(",", ":")) for line in lines)]
    return hashlib.sha256("".join(f"{text}\n" for text in texts).encode()).hexdigest()


def _batches(group: Columns) -> Iterator[tuple[int, int]]:
    widest = max((column.row_bytes for column in group.columns), default=1)
    most = _SCATTERED_ROWS if any(column.scattered for column in group.columns) else _CHUNK_ROWS
    size = max(1, min(most, _CHUNK_BYTES // max(widest, 1)))
    for start in range(0, group.rows, size):
        yield start, min(start + size, group.rows)


class _Reader:
    def __init__(self, column: Column, rows: int) -> None:
        self._column = column
        self._rows = rows
        self._parts: dict[str, Any] = {}
        self._masks: dict[str, _MaskHash] = {}
        self.profile = ColumnProfile(column, rows)

    def read(self, start: int, stop: int) -> None:
        chunk = self._column.chunk(start, stop)
        self._hash(chunk)
        self.profile.add(chunk, start, stop)

    def _hash(self, chunk: Chunk) -> None:
        for name, content in chunk.parts:
            if len(content):
                if name not in self._parts:
                    self._parts[name] = hashlib.sha256()
                self._parts[name].update(content)
        for name, rows, missing in chunk.masks:
            self._masks.setdefault(name, _MaskHash()).add(rows, missing)

    def line(self) -> dict[str, Any]:
        parts = {name: each.hexdigest() for name, each in self._parts.items()}
        parts |= {name: each.hash.hexdigest() for name, each in self._masks.items() if each.hash}
        shape = {"shape": list(self._column.shape)} if self._column.shape else {}
        return {"name": self._column.name, "type": self._column.type, **shape, "rows": self._rows, "parts": parts}


class _MaskHash:
    """Of a byte a row: 1 where there is a value, 0 where not. ``hash`` is None as long as nothing is missing."""

    def __init__(self) -> None:
        self._rows = 0
        self.hash: Any = None

    def add(self, rows: int, missing: Any) -> None:
        if missing is not None and self.hash is None and missing.any():
            self.hash = hashlib.sha256()
            self._present(self._rows)
        if self.hash is None:
            self._rows += rows
        elif missing is None:
            self._present(rows)
        else:
            self.hash.update((~missing).tobytes())

    def _present(self, rows: int) -> None:
        while rows:
            piece = min(rows, 1 << 20)
            self.hash.update(b"\x01" * piece)
            rows -= piece
