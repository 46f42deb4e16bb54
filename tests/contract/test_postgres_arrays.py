"""Columns on their way to PostgreSQL: numbers in its binary form, the rest as text, with nothing changed by either."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from trackback.storage.postgres import DIALECT
from trackback.storage.postgres_arrays import FEW, arrays
from trackback.storage.postgres_exchange import PREPARED_AFTER, Exchange
from trackback.storage.postgres_sessions import connect

TYPES = "bigint, integer, smallint, double precision, text, bytea"
INSERT = f"INSERT INTO t {{columns {TYPES}}}"
ROWS = [
    (2**63 - 1, 2**31 - 1, 2**15 - 1, 1.7976931348623157e308, 'ä"\\{},', b"\0\xff"),
    (-(2**63), -(2**31), -(2**15), 5e-324, "", b""),
    (0, 0, 0, -0.0, "NULL", b"\\"),
    (1, 1, 1, math.inf, "1", b"1"),
    (2, 2, 2, -math.inf, "2", b"2"),
    (3, 3, 3, 0.1, "3", b"3"),
]


@pytest.fixture
def exchange(postgres_uri: str) -> Iterator[Exchange]:
    exchange = Exchange(connect(postgres_uri))
    columns = ", ".join(f"c{place} {type_}" for place, type_ in enumerate(TYPES.split(", ")))
    exchange.run(f"CREATE TABLE t (place bigint GENERATED ALWAYS AS IDENTITY, {columns})")
    yield exchange
    exchange.close()


def insert(exchange: Exchange, rows: Sequence[tuple[Any, ...]]) -> None:
    sql = DIALECT.render(INSERT.replace("t {", "t (c0, c1, c2, c3, c4, c5) {"))
    assert exchange.run(sql, arrays(INSERT, list(zip(*rows, strict=True)))) == len(rows)


def kept(exchange: Exchange) -> list[tuple[Any, ...]]:
    return exchange.rows("SELECT c0, c1, c2, c3, c4, c5 FROM t ORDER BY place")


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, len(ROWS)])
def test_columns_of_any_length_come_back_as_they_were_sent(exchange: Exchange, count: int) -> None:
    times = PREPARED_AFTER + 2  # a statement's first uses go another way than those once it is prepared
    for _ in range(times):
        insert(exchange, ROWS[:count])
    assert repr(kept(exchange)) == repr(ROWS[:count] * times)  # == does not tell 0.0 from -0.0


def test_columns_with_gaps_come_back_with_them(exchange: Exchange) -> None:
    rows = [*ROWS, (None,) * 6]
    for _ in range(PREPARED_AFTER + 2):
        insert(exchange, rows)
        insert(exchange, ROWS)  # by the same prepared statement, in the other form
    assert kept(exchange) == (rows + ROWS) * (PREPARED_AFTER + 2)


def test_a_number_of_many_that_is_none_stays_none(exchange: Exchange) -> None:
    insert(exchange, [(0, 0, 0, math.nan, "", b"")] * (FEW + 1))
    assert all(math.isnan(row[3]) for row in kept(exchange))


@pytest.mark.parametrize("count", [1, FEW + 1])
def test_a_number_beyond_its_type_is_refused_and_not_cut(exchange: Exchange, count: int) -> None:
    with pytest.raises(psycopg.DataError):
        insert(exchange, [(2**63, 0, 0, 0.0, "", b"")] * count)
    with pytest.raises(psycopg.DataError):
        insert(exchange, [(0, 0, 2**15, 0.0, "", b"")] * count)
    assert kept(exchange) == []
