"""Files and folders of data: their digests, and what their form tells of their content."""

import csv
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackback.errors import InvalidParameter, InvalidState
from trackback.limits import shown

_BLOCK = 1 << 20
_CSV_SAMPLE_ROWS = 1000
_CSV_ENDINGS = (".csv", ".tsv")


@dataclass(frozen=True)
class FileFacts:
    """``schema`` and ``profile`` are JSON, as far as the form of the file is known."""

    sha256: str
    size: int
    rows: int | None = None
    schema: Any = None
    profile: Any = None


def file_facts(path: Path) -> FileFacts:
    """What is known of a file: its digest is that of its bytes.

    InvalidParameter: it can't be read. InvalidState: it was written to meanwhile.
    """
    try:
        before = path.stat()
        is_csv = path.suffix.lower() in _CSV_ENDINGS
        counter = _LineCounter() if is_csv else None
        digest = file_digest(path, counter)
        after = path.stat()
    except OSError as error:
        raise InvalidParameter(f"The data set {shown(str(path))} can't be read: {error.strerror}.") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise InvalidState(f"{path} was written to while it was read. Log it once it is complete.")
    if path.suffix.lower() in (".parquet", ".pq"):
        return _of_parquet(path, digest, after.st_size)
    if counter:
        return _of_csv(path, digest, after.st_size, counter.lines)
    return FileFacts(digest, after.st_size, profile={"bytes": after.st_size})


def file_digest(path: Path, also: "_LineCounter | None" = None) -> str:
    """The SHA-256 of a file's bytes, in hex digits. OSError: it can't be read."""
    found = hashlib.sha256()
    buffer = bytearray(_BLOCK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            found.update(view[:count])
            if also:
                also.add(bytes(view[:count]))
    return found.hexdigest()


def folder_files(folder: Path) -> list[str]:
    """The paths of a folder's files, in the order of their bytes. No link to a folder is followed."""
    found = [
        (Path(place) / name).relative_to(folder).as_posix()
        for place, _, names in os.walk(folder)
        for name in names
        if (Path(place) / name).is_file()
    ]
    if bad := next((name for name in found if "\n" in name or "\\" in name), None):
        raise InvalidParameter(
            f"The file {shown(bad)} of {folder} has a name with a line end or a backslash. Rename it."
        )
    return sorted(found, key=os.fsencode)


@dataclass(frozen=True)
class Checksums:
    """``text`` is what ``sha256sum`` prints for all files of a folder, by path; its SHA-256 is the folder's digest."""

    text: str
    size: int

    @property
    def content(self) -> bytes:
        return self.text.encode(errors="surrogateescape")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def profile(self) -> dict[str, Any]:
        lines = self.text.splitlines()
        endings = Counter(Path(line.partition("  ")[2]).suffix for line in lines)
        return {"bytes": self.size, "files": len(lines), "endings": dict(endings.most_common(20))}


def checksums(folder: Path) -> Checksums:
    """InvalidParameter: there are no files, or one can't be read."""
    names = folder_files(folder)
    if not names:
        raise InvalidParameter(f"The folder {shown(str(folder))} has no files, so it is no data set.")
    try:
        lines = [f"{file_digest(folder / name)}  {name}\n" for name in names]
        return Checksums("".join(lines), sum((folder / name).stat().st_size for name in names))
    except OSError as error:
        raise InvalidParameter(f"A file of {shown(str(folder))} can't be read: {error}.") from error


def _of_parquet(path: Path, digest: str, size: int) -> FileFacts:
    """Rows, columns and statistics are in the file's own metadata; only its end is read for them."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - heavy
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        return FileFacts(digest, size, profile={"bytes": size})
    try:
        with pq.ParquetFile(path) as file:
            metadata, schema = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError):
        return FileFacts(digest, size, profile={"bytes": size})
    columns = [{"name": name, "type": str(kind)} for name, kind in zip(schema.names, schema.types, strict=True)]
    profile = {"bytes": size, "columns": list(_parquet_columns(metadata))}
    return FileFacts(digest, size, metadata.num_rows, {"columns": columns}, profile)


def _parquet_columns(metadata: Any) -> Iterator[dict[str, Any]]:
    for place in range(metadata.num_columns):
        groups = [metadata.row_group(number).column(place) for number in range(metadata.num_row_groups)]
        found: dict[str, Any] = {"name": groups[0].path_in_schema if groups else metadata.schema.column(place).path}
        statistics = [group.statistics for group in groups]
        if all(each is not None and each.has_null_count for each in statistics):
            found["missing"] = sum(each.null_count for each in statistics)
        if statistics and all(each is not None and each.has_min_max for each in statistics):
            least, most = min(each.min for each in statistics), max(each.max for each in statistics)
            if isinstance(least, bool | int | float) and least == least and most == most:
                found |= {"min": least, "max": most}
        yield found


def _of_csv(path: Path, digest: str, size: int, lines: int) -> FileFacts:
    """Names of the columns from the first line; types from the first rows."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        try:
            heading = next(rows, [])
            sample = [row for row, _ in zip(rows, range(_CSV_SAMPLE_ROWS), strict=False)]
        except csv.Error:
            return FileFacts(digest, size, profile={"bytes": size})
    values = [[row[i] for row in sample if i < len(row) and row[i]] for i in range(len(heading))]
    columns = [{"name": name, "type": _text_type(texts)} for name, texts in zip(heading, values, strict=True)]
    return FileFacts(digest, size, max(lines - 1, 0), {"columns": columns}, {"bytes": size})


def _text_type(texts: list[str]) -> str:
    for kind, name in ((int, "int64"), (float, "float64")):
        try:
            for text in texts:
                kind(text)
        except ValueError:
            continue
        return name if texts else "string"
    return "string"


class _LineCounter:
    """Counts the lines of a CSV file as they pass by, but for line ends within quotes."""

    def __init__(self) -> None:
        self._ends = 0
        self._quoted = False
        self._last = b"\n"

    def add(self, piece: bytes) -> None:
        if b'"' not in piece and not self._quoted:
            self._ends += piece.count(b"\n")
        else:
            parts = piece.split(b'"')
            self._ends += sum(part.count(b"\n") for part in parts[self._quoted :: 2])
            self._quoted ^= len(parts) % 2 == 0
        self._last = piece[-1:]

    @property
    def lines(self) -> int:
        return self._ends + (self._last != b"\n")
