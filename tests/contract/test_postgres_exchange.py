"""What goes over a connection to PostgreSQL, statement by statement."""

from collections.abc import Iterator

import psycopg
import pytest

from trackback.storage import postgres_exchange
from trackback.storage.postgres_exchange import PREPARED_AFTER, Exchange
from trackback.storage.postgres_sessions import connect

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"


@pytest.fixture
def exchange(postgres_uri: str) -> Iterator[Exchange]:
    exchange = Exchange(connect(postgres_uri))
    yield exchange
    exchange.close()


def test_values_come_back_as_they_were_sent(exchange: Exchange) -> None:
    sql = "SELECT $1::bigint, $2::float8, $3::text, $4::bytea, $5::bool, $6::text"
    values = (2**63 - 1, 0.1, "ä'\\", b"\0\xff", True, None)
    for _ in range(PREPARED_AFTER + 2):
        assert exchange.rows(sql, values) == [values]


def test_what_fails_is_raised_by_what_waits_next_and_nothing_after_it_is_done(exchange: Exchange) -> None:
    exchange.run("CREATE TABLE t (number bigint PRIMARY KEY)")
    exchange.send(BEGIN)
    exchange.send("INSERT INTO t VALUES ($1)", [1])
    exchange.send("INSERT INTO t VALUES ($1)", [1])
    exchange.send("INSERT INTO t VALUES ($1)", [2])
    with pytest.raises(psycopg.errors.UniqueViolation):
        exchange.run("COMMIT")
    exchange.roll_back()
    assert exchange.rows("SELECT number FROM t") == []


def test_a_text_that_postgresql_cant_hold_leaves_a_transaction_that_can_be_rolled_back(exchange: Exchange) -> None:
    exchange.send(BEGIN)
    with pytest.raises(psycopg.DataError, match="NUL"):
        exchange.rows("SELECT $1", ["\0"])
    exchange.roll_back()
    assert exchange.rows("SELECT $1::bigint", [1]) == [(1,)]


def test_more_is_sent_and_comes_back_than_the_connection_holds_at_once(exchange: Exchange) -> None:
    text = "x" * 20_000_000
    exchange.send("SELECT $1::text", [text])
    assert exchange.rows("SELECT $1::text", [text]) == [(text,)]


def test_few_statements_are_kept_whatever_comes_between(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_exchange, "REMEMBERED", 4)
    for number in range(20):
        for _ in range(PREPARED_AFTER + 1):
            exchange.send(BEGIN)
            for word in ("one", "two"):
                assert exchange.rows(f"SELECT '{word}', {number} + $1::bigint", [1]) == [(word, number + 1)]
            exchange.run("COMMIT")
        exchange.send(BEGIN)
        exchange.roll_back()
    ((kept,),) = exchange.rows("SELECT count(*) FROM pg_prepared_statements")
    assert kept <= 6


def test_a_connection_that_is_ended_is_an_error_and_no_endless_wait(exchange: Exchange, postgres_uri: str) -> None:
    ((pid,),) = exchange.rows("SELECT pg_backend_pid()")
    with connect(postgres_uri) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert not exchange.is_usable
    with pytest.raises(psycopg.OperationalError):
        exchange.rows("SELECT 1")
