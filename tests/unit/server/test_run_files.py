"""Runs as CSV and Parquet: what is in a column, and that no more than a piece is held."""

import csv
import io
import math
from collections.abc import AsyncIterator, Sequence

import pyarrow.parquet as pq

from trackback.entities import LifecycleStage, RunInfo, RunStatus
from trackback.server.ui.experiments.run_files import ROWS_OF_A_GROUP, write_csv, write_parquet
from trackback.services.run_columns import Fact, parse_columns
from trackback.services.run_tables import Extremes, RunRow, UsedData

COLUMNS = parse_columns(
    [*Fact, "metrics.loss", "min(metrics.loss)", "curve(metrics.loss)", "params.`a b`", "tags.team"]
)
NAMES = [
    *("run_id", "run_name", "status", "start_time", "end_time", "duration_ms", "user_id", "source", "datasets"),
    *("models", "metrics.loss", "min(metrics.loss)", "params.a b", "tags.team"),
]


def row(name: str, *, loss: float | None = None, ended: bool = True, p: str = "") -> RunRow:
    info = RunInfo(
        "id", "id", name, "1", "ann", RunStatus.FINISHED, 1000, "", LifecycleStage.ACTIVE, 3500 if ended else None
    )
    metrics = {} if loss is None else {"loss": Extremes(loss, None if math.isnan(loss) else loss - 1, loss, 0)}
    return RunRow(info, metrics, {"a b": p} if p else {}, {}, [UsedData(1, "wine", "d1", "")], [])


async def pieces(*found: Sequence[RunRow]) -> AsyncIterator[list[RunRow]]:
    for each in found:
        yield list(each)


async def joined(written: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in written])


async def test_csv_has_what_there_is_and_nothing_where_there_is_none() -> None:
    text = await joined(write_csv(COLUMNS, pieces([row('a "b", c\nd', loss=0.1, p="x")], [row("e", ended=False)])))

    head, first, second = csv.reader(io.StringIO(text.decode()))

    assert head == NAMES
    assert first[1:] == [
        *('a "b", c\nd', "FINISHED", "1970-01-01T00:00:01.000Z", "1970-01-01T00:00:03.500Z", "2500", "ann", ""),
        *("wine@d1", "", "0.1", "-0.9", "x", ""),
    ]
    assert second[4:6] == ["", ""]
    assert second[-4:] == ["", "", "", ""]


async def test_nan_is_a_number_of_its_own_in_both() -> None:
    text = await joined(
        write_csv(parse_columns(["metrics.loss", "min(metrics.loss)"]), pieces([row("a", loss=math.nan)]))
    )
    table = pq.read_table(io.BytesIO(await joined(write_parquet(COLUMNS, pieces([row("a", loss=math.nan)])))))

    assert text.splitlines()[1] == b"id,a,NaN,"
    assert math.isnan(table.column("metrics.loss")[0].as_py())
    assert table.column("min(metrics.loss)")[0].as_py() is None


async def test_parquet_has_types_and_nulls() -> None:
    content = await joined(write_parquet(COLUMNS, pieces([row("a", loss=0.5, p="x")], [row("b", ended=False)])))
    table = pq.read_table(io.BytesIO(content))

    assert table.schema.names == NAMES
    assert [
        str(table.schema.field(name).type) for name in ("start_time", "duration_ms", "metrics.loss", "params.a b")
    ] == [
        "timestamp[ms, tz=UTC]",
        "int64",
        "double",
        "string",
    ]
    assert table.column("duration_ms").to_pylist() == [2500, None]
    assert table.column("params.a b").to_pylist() == ["x", None]


async def test_parquet_without_runs_is_a_table_without_rows() -> None:
    table = pq.read_table(io.BytesIO(await joined(write_parquet(COLUMNS, pieces()))))
    assert (table.num_rows, table.schema.names) == (0, NAMES)


async def test_parquet_is_sent_on_while_runs_are_still_read() -> None:
    read = 0

    async def many() -> AsyncIterator[list[RunRow]]:
        nonlocal read
        for _ in range(5):
            read += 1
            yield [row("a", loss=0.5)] * (ROWS_OF_A_GROUP // 2)

    written = write_parquet(COLUMNS, many())
    first = await anext(written)
    assert (read, first[:4]) == (2, b"PAR1")
    rest = b"".join([piece async for piece in written])
    assert pq.ParquetFile(io.BytesIO(first + rest)).metadata.num_row_groups == 3
