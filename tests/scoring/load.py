"""Requests from several connections at once, until told to stop."""

import http.client
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Self

JSON = {"Content-Type": "application/json"}


class Load:
    """``outcomes`` counts what came back: bodies of 200s, statuses of the rest, names of errors.

    ``pause_s``: between two requests of a connection, so that something else gets to run, too.
    """

    def __init__(self, port: int, body: Callable[[int], str], connections: int = 8, pause_s: float = 0.1) -> None:
        self.outcomes: Counter[str] = Counter()
        self._port = port
        self._body = body
        self._pause_s = pause_s
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(connections)]

    @property
    def answers(self) -> int:
        return self.outcomes.total()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._stop.wait(self._pause_s):
            self.outcomes[self._ask(connection, number)] += 1
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, number: int) -> str:
        try:
            connection.request("POST", "/invocations", self._body(number), JSON)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__
        return text if response.status == 200 else str(response.status)
