"""HTTP over a raw keep-alive socket, so that the servers are measured and not a client library."""

import re
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple, Self

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_RECEIVED_AT_ONCE = 1 << 16
_DRAINED_AT_ONCE = 1 << 20


class Response(NamedTuple):
    status: int
    body: bytes | bytearray


class UnexpectedAnswerError(Exception):
    """A server answered otherwise than with 200 and the expected content: its figures would mean nothing."""


class Connection:
    """One connection to a server on loopback, with Nagle's algorithm off."""

    def __init__(self, port: int, timeout_s: int = 300) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The kernel's own timeout: Python's would cost a poll for every read.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", timeout_s, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def call(self, request: bytes) -> Response:
        """Sends a whole request, encoded beforehand, and reads the whole response."""
        self._socket.sendall(request)
        return self._read()

    def expect(self, request: bytes) -> bytes | bytearray:
        """The body of the answer, which must be a 200."""
        return body_of(self.call(request))

    def upload(self, head: bytes, pieces: Iterable[bytes | memoryview]) -> Response:
        """Sends a request whose body comes in pieces; the head already says how long it is."""
        self._socket.sendall(head)
        for piece in pieces:
            self._socket.sendall(piece)
        return self._read()

    def drain(self, request: bytes) -> int:
        """Reads a response of any length without keeping it; returns the bytes of its body."""
        self._socket.sendall(request)
        status, head, rest = self._read_head()
        length = _LENGTH.search(head)
        if status != 200 or length is None:
            raise UnexpectedAnswerError(f"{head.decode(errors='replace')}: expected a 200 with a Content-Length")
        left = total = int(length[1])
        left -= len(rest)
        scratch = bytearray(_DRAINED_AT_ONCE)
        while left:
            left -= self._receive_into(memoryview(scratch)[: min(left, _DRAINED_AT_ONCE)])
        return total

    def _read(self) -> Response:
        status, head, rest = self._read_head()
        if length := _LENGTH.search(head):
            return Response(status, self._read_rest(rest, int(length[1])))
        if _CHUNKED.search(head):
            return Response(status, self._read_chunks(bytearray(rest)))
        raise UnexpectedAnswerError(f"an answer of unknown length: {head.decode(errors='replace')}")

    def _read_head(self) -> tuple[int, bytes, bytes]:
        received = self._receive()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        return int(received[9:12]), received[:end], received[end + 4 :]

    def _read_rest(self, rest: bytes, length: int) -> bytes | bytearray:
        if len(rest) == length:
            return rest
        body = bytearray(length)
        body[: len(rest)] = rest
        view, position = memoryview(body), len(rest)
        while position < length:
            position += self._receive_into(view[position:])
        return body

    def _read_chunks(self, received: bytearray) -> bytearray:
        body = bytearray()
        position = 0
        while True:
            while (line_end := received.find(b"\r\n", position)) < 0:
                received += self._receive()
            size = int(received[position:line_end].partition(b";")[0], 16)
            position = line_end + 2 + size + 2
            while len(received) < position:
                received += self._receive()
            if size == 0:
                return body
            body += memoryview(received)[line_end + 2 : line_end + 2 + size]

    def _receive(self) -> bytes:
        received = self._socket.recv(_RECEIVED_AT_ONCE)
        if not received:
            raise ConnectionError("the server closed the connection before its answer was complete")
        return received

    def _receive_into(self, view: memoryview) -> int:
        received = self._socket.recv_into(view)
        if not received:
            raise ConnectionError("the server closed the connection before its answer was complete")
        return received


def body_of(response: Response) -> bytes | bytearray:
    if response.status != 200:
        text = bytes(response.body[:500]).decode(errors="replace")
        raise UnexpectedAnswerError(f"status {response.status}: {text}")
    return response.body
