"""A client that speaks HTTP byte by byte, to say what no decent client says."""

import json
import select
import socket
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

LOG_METRIC = "/api/2.0/mlflow/runs/log-metric"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json["error_code"]


class Wire:
    """One connection to a server on loopback."""

    def __init__(self, port: int, timeout_s: float = 20) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def send(self, *parts: bytes) -> Self:
        for part in parts:
            self._socket.sendall(part)
        return self

    def answer(self, method: str = "GET") -> Answer:
        """Read one response; ConnectionError if the server closes before it is whole."""
        head, self._received = self._read_until(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        while len(self._received) < length:
            self._received += self._read()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(int(first.split()[1]), headers, body)

    def wait_until_closed(self) -> float:
        """The seconds until the server closed the connection; TimeoutError if it does not."""
        began = time.monotonic()
        try:
            while self._socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return time.monotonic() - began

    @property
    def has_answer(self) -> bool:
        """Whether the server has said anything, or closed the connection."""
        return bool(self._received or select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_until(self, end: bytes) -> tuple[bytes, bytes]:
        while end not in self._received:
            self._received += self._read()
        before, _, after = self._received.partition(end)
        return before, after

    def _read(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError(f"the server closed the connection after {self._received!r}")
        return data


def request(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, version: str = "1.1"
) -> bytes:
    """A request as bytes; JSON by default where there is a body."""
    lines = {"Host": "localhost"}
    if body is not None:
        lines |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/{version}\r\n{head}\r\n".encode("latin-1") + (body or b"")


def ask(port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    with Wire(port) as wire:
        return wire.send(request(method, path, body, headers)).answer(method)


def post(port: int, endpoint: str, fields: object) -> Any:
    """Call one of MLflow's endpoints, which is expected to answer 200."""
    answer = ask(port, "POST", f"/api/2.0/mlflow/{endpoint}", json.dumps(fields).encode())
    assert answer.status == 200, answer
    return answer.json


def metric(run_id: str, step: int = 0) -> bytes:
    return json.dumps({"run_id": run_id, "key": "loss", "value": 0.5, "timestamp": 1, "step": step}).encode()


def new_run(port: int) -> str:
    run_id: str = post(port, "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    return run_id


def steps_logged(port: int, run_id: str) -> list[int]:
    answer = ask(port, "GET", f"/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=loss")
    return [point["step"] for point in answer.json.get("metrics", [])]
