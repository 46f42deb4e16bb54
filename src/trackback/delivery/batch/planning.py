"""From what is asked for to a plan: which files there are, and how they are cut into partitions.

The same input and wishes give the same plan, on any machine, so that a job goes on where another one of it ended.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import msgspec

from trackback.delivery.batch import csv_cuts, parquet_cuts
from trackback.delivery.batch.no_rows import schema_of_output
from trackback.delivery.batch.places import Found, Place, is_hidden, lies_in
from trackback.delivery.batch.plans import Partition, Plan, Slice, Source, Stamp
from trackback.errors import InvalidParameter, NotFound
from trackback.flavors import MLmodel
from trackback.limits import shown
from trackback.scoring.files.predicting import Wanted, kept_columns
from trackback.scoring.inputs import Inputs
from trackback.scoring.predictors import inputs_of, outputs_of

FORMAT = 1  # of plans and parts: others are not gone on with
BATCH_BYTES = 32 << 20
MOST_ROWS = 131_072
LEAST_ROWS = 1_024
READ_AT_ONCE = 16
_NULL = "__HIVE_DEFAULT_PARTITION__"
_FORMATS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv"}


class Input(msgspec.Struct, frozen=True):
    """The files that are to be scored, in order, with the columns that the folders above them tell."""

    format: str
    files: tuple[tuple[Found, dict[str, str | None]], ...]

    @property
    def cuts(self) -> Any:
        return parquet_cuts if self.format == "parquet" else csv_cuts

    @property
    def partitions(self) -> int:
        """About how many it will be cut into, by nothing but its size: rather fewer than more."""
        most: int = self.cuts.PARTITION_BYTES
        return max(1, sum(found.size for found, _ in self.files) // most)

    def versions(self) -> dict[str, str]:
        return {found.place.text: f"{found.size} {found.version}" for found, _ in self.files}


def look(places: Sequence[Place], output: Place) -> Input:
    """NotFound: there is nothing. InvalidParameter: not all files are of one format that can be read, or the output
    lies among them.
    """
    files = [each for place in places for each in _files(place)]
    if inner := next((place for place in places if lies_in(output, place)), None):
        raise InvalidParameter(
            f"The output {output.text} lies in the input {inner.text}: another run would read it. Write it elsewhere."
        )
    kinds = {_FORMATS.get(PurePosixPath(found.place.name).suffix.lower()): found for found, _ in files}
    if None in kinds or len(kinds) > 1:
        names = ", ".join(sorted(shown(found.place.text) for found in kinds.values()))
        raise InvalidParameter(
            f"All files of the input are to be of one format, and end with .parquet or .csv: here are {names}. "
            "`trackback models predict` reads JSON."
        )
    return Input(str(next(iter(kinds))), tuple(files))


def _files(place: Place) -> Iterator[tuple[Found, dict[str, str | None]]]:
    none = True
    for found in place.found():
        if not found.path or (not is_hidden(found.path) and found.size):
            none = False
            yield found, _constants(found.path)
    if none:
        raise NotFound(f"There is no file at {place.text}, and none below it.")


def _constants(path: str) -> dict[str, str | None]:
    """Of folders named as ``region=eu``."""
    pairs = (name.partition("=") for name in path.split("/")[:-1] if "=" in name)
    return {unquote(key): None if value == _NULL else unquote(value) for key, _, value in pairs}


def digest_of(given: Input, wanted: Wanted, stamp: Stamp, rows_at_once: int | None, ending: str) -> str:
    """What is the same for a job that is run again, and for no other."""
    said = [FORMAT, given.versions(), msgspec.to_builtins(wanted), msgspec.to_builtins(stamp), rows_at_once, ending]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def make_plan(
    given: Input, mlmodel: MLmodel, wanted: Wanted, stamp: Stamp, rows_at_once: int | None, ending: str
) -> Plan:
    """``rows_at_once``: None for as many as a model is quick with.

    InvalidParameter: a file has not the columns that are needed. BadRequest: a file is not what its name says. OSError,
    Unavailable: it can't be read.
    """
    cuts, inputs = given.cuts, inputs_of(mlmodel)
    first = given.files[0][0].place
    with ThreadPoolExecutor(READ_AT_ONCE) as threads:
        looked = list(threads.map(lambda file: cuts.look_into(file[0]), given.files))
    sources = []
    for (found, constants), each in zip(given.files, looked, strict=True):
        added = {name: value for name, value in constants.items() if name not in each.columns}
        _check(found, [*each.columns, *added], inputs, wanted, stamp)
        sources.append(Source(found.place.text, found.size, found.version, each.columns, added))
    pieces = [
        (Slice(number, *where), size) for number, each in enumerate(looked) for where, size in cuts.cut(each.shape)
    ]
    most = cuts.partition_size(each.shape for each in looked)
    row_bytes = max((each.row_bytes for each in looked), default=0.0)
    return Plan(
        job=digest_of(given, wanted, stamp, rows_at_once, ending),
        format=given.format,
        unit=cuts.UNIT,
        sources=sources,
        partitions=list(_packed(pieces, most)),
        wanted=wanted,
        stamp=stamp,
        rows_at_once=rows_at_once or _rows_at_once(row_bytes),
        ending=ending,
        types=csv_cuts.types_of(first, inputs) if cuts is csv_cuts else b"",
        without_rows=b"" if pieces else _without_rows(cuts.types_of(first, inputs), sources[0], mlmodel, wanted),
    )


def _without_rows(types: bytes, first: Source, mlmodel: MLmodel, wanted: Wanted) -> bytes:
    columns = [*first.columns, *first.constants]
    return schema_of_output(types, columns, inputs_of(mlmodel), outputs_of(mlmodel), wanted)


def _rows_at_once(row_bytes: float) -> int:
    return max(LEAST_ROWS, min(MOST_ROWS, int(BATCH_BYTES / max(row_bytes, 1))))


def _check(found: Found, columns: list[str], inputs: Inputs, wanted: Wanted, stamp: Stamp) -> None:
    kept = kept_columns(columns, inputs, wanted)
    schema = inputs.schema
    needed = [] if schema is None or not inputs.named else [each.name for each in schema.columns if each.required]
    if missing := [name for name in needed if name not in columns]:
        raise InvalidParameter(
            f"{found.place.text} has no column {shown(str(missing[0]))}, which the model needs. "
            f"It has: {shown(', '.join(columns))}."
        )
    for name in (stamp.version_column, stamp.digest_column):
        if name in kept or name == wanted.column:
            raise InvalidParameter(
                f"The column {shown(name)} would be there twice: choose another --version-column or --digest-column, "
                "or other ids."
            )


def _packed(pieces: list[tuple[Slice, int]], most: int) -> Iterator[Partition]:
    """Small pieces together, in their order."""
    some: list[Slice] = []
    size = 0
    for piece, its in pieces:
        if some and size + its > most:
            yield Partition(tuple(some), size)
            some, size = [], 0
        some.append(piece)
        size += its
    if some:
        yield Partition(tuple(some), size)
