"""CSV files, cut at ends of records: at line ends that are not within quotes."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from trackback.delivery.batch.places import Found, Place
from trackback.errors import BadRequest
from trackback.scoring.files.reading import csv_types
from trackback.scoring.inputs import Inputs

UNIT = "bytes"
PARTITION_BYTES = 32 << 20
BLOCK_BYTES = 4 << 20
HEAD_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"

#: Where the records begin, and where each partition's end.
Ends = list[int]


@dataclass(frozen=True)
class Looked:
    columns: list[str]
    shape: Ends
    row_bytes: float


def look_into(found: Found) -> Looked:
    """Raises BadRequest if it does not begin with the names of columns."""
    with found.place.open() as file:
        names, begin, sample = _head(file, found.place.text)
        ends = [begin]
        if found.size - begin > 2 * PARTITION_BYTES:
            file.seek(begin)
            ends += [begin + end for end in record_ends(file, PARTITION_BYTES)]
    if ends[-1] != found.size:
        ends.append(found.size)
    return Looked(names, ends, len(sample) / max(1, sample.count(b"\n")))


def types_of(place: Place, inputs: Inputs) -> bytes:
    """The types of columns, as an Arrow schema: the signature's; without one, what the first records suggest."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    from pyarrow import csv as arrow_csv  # noqa: PLC0415 - heavy

    with place.open() as file:
        names, _, sample = _head(file, place.text)
    types = csv_types(names, inputs)
    try:
        if not types and sample:
            whole = next(reversed(list(record_ends(io.BytesIO(sample), 1))), len(sample))
            read = arrow_csv.ReadOptions(column_names=names)
            parse = arrow_csv.ParseOptions(newlines_in_values=True)
            guess = arrow_csv.ConvertOptions(strings_can_be_null=False)
            table = arrow_csv.read_csv(pa.py_buffer(sample[:whole]), read, parse, guess)
            types = dict(zip(table.schema.names, table.schema.types, strict=True))
    except pa.ArrowException as error:
        raise BadRequest(f"{place.text} is no CSV that can be read: {error}") from error
    known = pa.schema([(name, pa.string() if kind == pa.null() else kind) for name, kind in types.items()])
    content: bytes = known.serialize().to_pybytes()
    return content


def _head(file: BinaryIO, text: str) -> tuple[list[str], int, bytes]:
    """The names of columns, where the records begin, and the first of them."""
    start = file.read(HEAD_BYTES)
    begin = next(record_ends(io.BytesIO(start), 1), len(start))
    try:
        names = next(csv.reader(io.StringIO(start[:begin].removeprefix(_BOM).decode(), newline="")), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadRequest(f"{text} does not begin with the names of columns in UTF-8: {error}") from error
    if not names:
        raise BadRequest(f"{text} does not begin with the names of columns: it is empty, or its first line is.")
    return names, begin, start[begin:]


def record_ends(file: BinaryIO, at_least: int) -> Iterator[int]:
    """Positions after ends of records, each so many bytes or more after the one before. Quotes in a value are doubled,
    so that the number of those before a position tells whether it is within a value.
    """
    position, last, quotes = 0, 0, 0
    while block := file.read(BLOCK_BYTES):
        counted, at = 0, max(0, last + at_least - 1 - position)
        while (at := block.find(b"\n", at)) >= 0:
            quotes += block.count(b'"', counted, at)
            counted = at
            at += 1
            if quotes % 2 == 0:
                last = position + at
                yield last
                at += at_least - 1
        quotes += block.count(b'"', counted)
        position += len(block)


def partition_size(shapes: Iterable[Ends]) -> int:
    return PARTITION_BYTES


def cut(ends: Ends) -> Iterator[tuple[tuple[int, ...], int]]:
    """Slices, without their source, and the bytes of each."""
    for first, last in pairwise(ends):
        yield (first, last), last - first
