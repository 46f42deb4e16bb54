"""trackback's own server in a thread of the tests' process: the same HTTP, and up in a tenth of the time."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from trackback.server.app import open_app
from trackback.server.deadlines import Deadlines
from trackback.server.dispatch import Dispatcher
from trackback.server.http_server import HttpServer, listen
from trackback.server.settings import Settings

STARTS_WITHIN_S = 60


class ThreadedServer:
    """``log_text`` is what it has logged of errors."""

    def __init__(self, settings: Settings) -> None:
        self._listener = listen("127.0.0.1", 0)
        self.port = int(self._listener.getsockname()[1])
        self._settings = settings
        self._log = _Errors()
        self._answers = threading.Event()
        self._server: HttpServer | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_text(self) -> str:
        return "\n".join(self._log.texts)

    def __enter__(self) -> Self:
        logging.getLogger("trackback").addHandler(self._log)
        self._thread.start()
        assert self._answers.wait(STARTS_WITHIN_S), f"the server did not start: {self.log_text}"
        assert self._server, f"the server did not start: {self.log_text}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.should_exit = True
        self._thread.join()
        logging.getLogger("trackback").removeHandler(self._log)

    async def _serve(self) -> None:
        try:
            async with open_app(self._settings) as app:
                self._server = _Quiet(app, self._settings, self._answers)
                await self._server.serve(sockets=[self._listener])
        finally:
            self._listener.close()
            self._answers.set()


class _Quiet(HttpServer):
    """Signals are the tests', and nobody's connections need watching."""

    def __init__(self, app: Dispatcher, settings: Settings, answers: threading.Event) -> None:
        deadlines = Deadlines(settings.keep_alive_s, settings.header_deadline_s, settings.body_deadline_s)
        super().__init__(app, deadlines, settings.stop_deadline_s, app.stop_waiting)
        self._answers = answers

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._answers.set()


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))
