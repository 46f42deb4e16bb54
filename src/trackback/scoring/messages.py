"""What the server and its workers tell each other: structs as MessagePack, each after its length in eight bytes."""

import socket
from struct import Struct

import msgspec

from trackback.scoring.settings import Settings

HEAD = Struct("<Q")


class Start(msgspec.Struct, array_like=True, frozen=True):
    """The first word to a worker: which model it is to load, and how.

    ``trusted``: the digests of pickles that may be loaded, or None for all of them.
    ``batch``: whether requests may be predicted together; None leaves it to the model's flavor. The last two say how
    the log is written.
    """

    directory: str
    trusted: tuple[str, ...] | None = ()
    batch: bool | None = None
    log_level: str = "info"
    json_logs: bool = False


def start_of(settings: Settings, directory: str, trusted: tuple[str, ...] | None) -> Start:
    return Start(directory, trusted, settings.batch, settings.log_level, settings.json_logs)


class Started(msgspec.Struct, array_like=True, frozen=True):
    """The worker's answer: the model is loaded, or why it can't be."""

    problem: str | None = None
    batches: bool = False


class Question(msgspec.Struct, array_like=True, frozen=True):
    """The body of one request, and what its Content-Type says."""

    content_type: str
    body: bytes


class Answer(msgspec.Struct, array_like=True, frozen=True):
    status: int
    body: bytes
    content_type: str = "application/json"


encode = msgspec.msgpack.Encoder().encode
decode_start = msgspec.msgpack.Decoder(Start).decode
decode_started = msgspec.msgpack.Decoder(Started).decode
decode_questions = msgspec.msgpack.Decoder(list[Question]).decode
decode_answers = msgspec.msgpack.Decoder(list[Answer]).decode


def framed(message: object) -> bytes:
    body = encode(message)
    return HEAD.pack(len(body)) + body


class Frames:
    """Takes bytes as they arrive and yields the messages that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        buffer = self._buffer
        buffer += data
        found: list[bytes] = []
        start = 0
        while len(buffer) - start >= HEAD.size:
            (length,) = HEAD.unpack_from(buffer, start)
            end = start + HEAD.size + length
            if len(buffer) < end:
                break
            found.append(bytes(memoryview(buffer)[start + HEAD.size : end]))
            start = end
        if start:
            del buffer[:start]
        return found


def receive(connection: socket.socket) -> bytearray | None:
    """The next message, waited for; None when the other side is gone."""
    head = _receive_exactly(connection, HEAD.size)
    return None if head is None else _receive_exactly(connection, HEAD.unpack(head)[0])


def _receive_exactly(connection: socket.socket, size: int) -> bytearray | None:
    buffer = bytearray(size)
    rest = memoryview(buffer)
    while rest:
        if not (count := connection.recv_into(rest)):
            return None
        rest = rest[count:]
    return buffer
