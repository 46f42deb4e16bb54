"""The load generator reads an answer whole, however it arrives, and nothing of the next."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from benchmarks.connection import Connection, Response, UnexpectedAnswerError
from benchmarks.messages import for_run, log_metric


@contextmanager
def answering(*pieces: bytes) -> Iterator[Connection]:
    """A connection to a server that answers anything with these pieces, with a pause between them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, pieces))
        thread.start()
        with Connection(listener.getsockname()[1]) as connection:
            yield connection
        thread.join()


def _answer(listener: socket.socket, pieces: Sequence[bytes]) -> None:
    accepted, _ = listener.accept()
    with accepted:
        accepted.recv(1000)
        for piece in pieces:
            accepted.sendall(piece)
            time.sleep(0.01)


def test_a_body_of_known_length_is_read_to_its_end() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 6\r\n\r\nab", b"cd", b"ef") as connection:
        assert connection.call(b"GET") == Response(200, b"abcdef")


def test_chunks_are_joined_wherever_they_are_cut() -> None:
    pieces = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab",
        b"c\r",
        b"\nA;x=y\r\n0123456789\r\n0\r\n\r",
        b"\n",
    )
    with answering(*pieces) as connection:
        assert connection.call(b"GET") == Response(200, b"abc0123456789")


def test_an_error_is_no_result() -> None:
    with (
        answering(b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno") as connection,
        pytest.raises(UnexpectedAnswerError, match="status 500: no"),
    ):
        connection.expect(b"GET")


def test_a_broken_answer_is_no_result() -> None:
    with (
        answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc") as connection,
        pytest.raises(ConnectionError, match="before its answer was complete"),
    ):
        connection.call(b"GET")


def test_one_encoding_of_a_request_serves_every_run() -> None:
    filled = for_run(log_metric("loss", 0.5, 1, 2), "a" * 32)
    head, _, body = filled.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.count(b"a" * 32) == 2
