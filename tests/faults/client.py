"""A plain client of the protocol: one connection, opened anew when it broke."""

import http.client
import json
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

API = "/api/2.0/mlflow/"
TIMEOUT_S = 30.0

Unreachable = (OSError, http.client.HTTPException)
"""What a call raises when no whole answer came."""


class Answer(NamedTuple):
    """``body``: what JSON holds, or bytes."""

    status: int
    body: Any

    @property
    def error(self) -> tuple[int, str]:
        """The status, and the error code of MLflow's JSON."""
        return self.status, self.body["error_code"]


class Client:
    """Not for several threads at once."""

    def __init__(self, port: int, timeout_s: float = TIMEOUT_S) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def post(self, endpoint: str, fields: object) -> Answer:
        return self.ask("POST", API + endpoint, json.dumps(fields).encode())

    def get(self, endpoint: str, fields: Mapping[str, str | int]) -> Answer:
        return self.ask("GET", f"{API}{endpoint}?{urlencode(fields)}")

    def ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One request, sent once; raises one of ``Unreachable`` where no whole answer comes."""
        connection = self._connection or self._connect()
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            with connection.getresponse() as response:
                body = response.read()
        except Unreachable:
            self.close()
            raise
        if response.will_close:
            self.close()
        is_json = response.headers.get("Content-Type") == "application/json"
        return Answer(response.status, json.loads(body) if is_json else body)

    def result(self, method: str, endpoint: str, fields: Mapping[str, Any]) -> Any:
        """The body of an answer that must be 200."""
        answer = self.get(endpoint, fields) if method == "GET" else self.post(endpoint, fields)
        assert answer.status == 200, answer
        return answer.body

    def new_run(self) -> str:
        run_id: str = self.result("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
        return run_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout_s)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        return connection
