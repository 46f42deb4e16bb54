"""What is to be done: the input cut into partitions, and what of it is wanted."""

import msgspec

from trackback.scoring.files.predicting import Wanted


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to each row: ``models:/churn/7`` and the digest of its files, in columns of these names."""

    version: str
    digest: str
    version_column: str = "model_version"
    digest_column: str = "model_digest"


class Source(msgspec.Struct, frozen=True):
    """A file of the input.

    ``version``: another one if the file changes. ``columns``: the names in it, in order. ``constants``: columns
    that the folders above it tell, as ``region=eu``; None is null.
    """

    place: str
    size: int
    version: str
    columns: list[str]
    constants: dict[str, str | None]


class Slice(msgspec.Struct, frozen=True, array_like=True):
    """Part of a file. Of Parquet: row groups, from ``first`` to before ``last``, without the first ``skip`` rows of
    them, and ``rows`` at most; of CSV: bytes, from ``first`` to before ``last``.
    """

    source: int
    first: int
    last: int
    skip: int = 0
    rows: int | None = None


class Partition(msgspec.Struct, frozen=True, array_like=True):
    """What is predicted and kept at once. ``size``: in rows of Parquet, in bytes of CSV."""

    slices: tuple[Slice, ...]
    size: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """``job``: the digest of all that decides what the output is. ``types``: of CSV's columns, an Arrow schema.
    ``without_rows``: where there is no partition, the columns of the output, likewise.

    ``rows_at_once``: the model is given so many at most. ``ending``: of the names of parts, tells their format.
    """

    job: str
    format: str
    unit: str
    sources: list[Source]
    partitions: list[Partition]
    wanted: Wanted
    stamp: Stamp
    rows_at_once: int
    ending: str
    types: bytes = b""
    without_rows: bytes = b""

    @property
    def total(self) -> int:
        return sum(each.size for each in self.partitions)

    def part_name(self, number: int) -> str:
        """Of no other plan, lest what another job leaves be taken for this one's."""
        return f"part-{number:05}-{self.job[:8]}{self.ending}"


def encode(plan: Plan) -> bytes:
    return msgspec.json.encode(plan)


def decode(content: bytes | bytearray) -> Plan:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(content, type=Plan)


class Loading(msgspec.Struct, frozen=True):
    """Which model predicts: the folder of its files, and the digests of pickles that may be loaded; None for all."""

    directory: str
    trusted: tuple[str, ...] | None = ()
