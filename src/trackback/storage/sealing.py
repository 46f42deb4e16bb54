"""Sealing: a run's records are re-cut into chunks, one series at a time.

It takes two steps, so that compressing does not hold up the writer: ``cut`` reads and packs, ``replace`` swaps what was
read for what was packed, and gives up when another process has swapped some of it meanwhile. A reader's snapshot sees
the points before or after the swap, never in between.
"""

from typing import NamedTuple

import numpy as np

from trackback.storage import summaries
from trackback.storage.codec import Series, merged, pack_chunk, unpack_chunk, unpack_records
from trackback.storage.interface import Transaction
from trackback.storage.summaries import Stretches

CHUNK_POINTS = 8192  # a multiple of summaries.STRETCHES
RECORDS_PER_CUT = 2000
POINTS_PER_CUT = 200_000
CHUNKS_PER_SUMMARY = 100


class StaleCut(Exception):
    """Some of what was cut is not there any more."""


class Chunk(NamedTuple):
    """A row of metric_chunks, without its id."""

    run: int
    key: int
    points: int
    first_ms: int
    first_step: int
    last_ms: int
    last_step: int
    data: bytes


class Filled(NamedTuple):
    """A chunk that will not be cut again, and what charts draw of it."""

    chunk: Chunk
    stretches: Stretches


class Cut(NamedTuple):
    """New chunks of a run, and the ids of the records and unfilled chunks whose points they hold.

    ``is_partial``: the run had more records than one cut takes.
    """

    run: int
    is_partial: bool
    records: list[int]
    unfilled: list[int]
    chunks: list[Chunk]
    filled: list[Filled]


def due(tx: Transaction, run_ids: list[str], records: int, points: int) -> list[int]:
    """Those of some runs, by their numbers, that have at least so many records, or so many points in them."""
    rows = tx.rows(
        "SELECT k.run FROM runs r JOIN metric_records k ON k.run = r.id WHERE r.uuid {texts}"
        " GROUP BY k.run HAVING count(*) >= ? OR sum(k.points) >= ?",
        run_ids,
        records,
        points,
    )
    return [run for (run,) in rows]


def cut(tx: Transaction, run: int) -> Cut:
    """Pack the oldest records of a run, together with the chunks that their series have not filled yet."""
    oldest, is_partial = _oldest(tx, run)
    if not oldest:
        return Cut(run, False, [], [], [], [])
    rows = tx.rows("SELECT id, data FROM metric_records WHERE run = ? AND id {ints} ORDER BY id", run, oldest)
    columns, points = unpack_records(data for _, data in rows)
    order = np.argsort(columns, kind="stable")
    keys, starts = np.unique(columns[order], return_index=True)
    parts: dict[int, list[Series]] = {int(key): [] for key in keys}
    unfilled = tx.rows(
        "SELECT id, key, data FROM metric_chunks WHERE run = ? AND key {ints} AND points < ?",
        run,
        list(parts),
        CHUNK_POINTS,
    )
    for _, key, data in unfilled:
        parts[key].append(unpack_chunk(data))
    for series, which in zip(parts.values(), np.split(order, starts[1:]), strict=True):
        series.append(points.taken(which))  # after what came earlier: points in order need not be sorted
    pieces = [(key, piece) for key, series in parts.items() for piece in _pieces(merged(series))]
    return Cut(
        run,
        is_partial,
        [number for number, _ in rows],
        [number for number, _, _ in unfilled],
        [_chunk(run, key, piece) for key, piece in pieces if piece.size < CHUNK_POINTS],
        [
            Filled(_chunk(run, key, piece), summaries.summarize(piece))
            for key, piece in pieces
            if piece.size == CHUNK_POINTS
        ],
    )


def _oldest(tx: Transaction, run: int) -> tuple[list[int], bool]:
    """The numbers of the oldest records, no more than one cut can hold in memory at ease; whether there are others."""
    numbers: list[int] = []
    total = 0
    rows = tx.rows("SELECT id, points FROM metric_records WHERE run = ? ORDER BY id LIMIT ?", run, RECORDS_PER_CUT + 1)
    for number, points in rows[:RECORDS_PER_CUT]:
        total += points
        if numbers and total > POINTS_PER_CUT:
            break
        numbers.append(number)
    return numbers, len(numbers) < len(rows)


def replace(tx: Transaction, cut: Cut) -> None:
    """Put the new chunks in the place of what they hold; StaleCut if some of that is gone."""
    if tx.run("DELETE FROM metric_records WHERE run = ? AND id {ints}", cut.run, cut.records) != len(cut.records):
        raise StaleCut
    if tx.run("DELETE FROM metric_chunks WHERE id {ints}", cut.unfilled) != len(cut.unfilled):
        raise StaleCut
    if cut.chunks:
        tx.insert_columns(f"{_ADD} {{columns {_TYPES}}}", *zip(*cut.chunks, strict=True))
    added = [(_add(tx, chunk), stretches) for chunk, stretches in cut.filled]
    summaries.add(tx, cut.run, added)


def lacking_summaries(tx: Transaction, run_ids: list[str]) -> list[int]:
    """Those of some runs, by their numbers, that have filled chunks that were not summed up."""
    return summaries.lacking(tx, run_ids, CHUNK_POINTS)


def summarize(tx: Transaction, run: int) -> list[tuple[int, Stretches]]:
    """Sum up some filled chunks of a run that were not: those that were sealed before there were summaries."""
    found = summaries.unsummarized(tx, run, CHUNK_POINTS, CHUNKS_PER_SUMMARY)
    return [(chunk, summaries.summarize(unpack_chunk(data))) for chunk, data in found]


_ADD = "INSERT INTO metric_chunks (run, key, points, first_ms, first_step, last_ms, last_step, data)"
_TYPES = "bigint, bigint, integer, bigint, bigint, bigint, bigint, bytea"


def _add(tx: Transaction, chunk: Chunk) -> int:
    """The new chunk's id."""
    row = tx.row(f"{_ADD} VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id", *chunk)
    assert row is not None
    return int(row[0])


def _pieces(series: Series) -> list[Series]:
    return [series.taken(slice(start, start + CHUNK_POINTS)) for start in range(0, series.size, CHUNK_POINTS)]


def _chunk(run: int, key: int, piece: Series) -> Chunk:
    return Chunk(
        run,
        key,
        piece.size,
        int(piece.timestamps_ms[0]),
        int(piece.steps[0]),
        int(piece.timestamps_ms[-1]),
        int(piece.steps[-1]),
        pack_chunk(piece),
    )
