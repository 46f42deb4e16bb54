"""What speaks HTTP: the socket, the connections and their deadlines, signals, and the stop."""

import asyncio
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn

from trackback.errors import ConfigurationError
from trackback.server.deadlines import STOPPING_S, Deadlines
from trackback.server.protocol import Protocol

BACKLOG = 2048

log = logging.getLogger(__name__)


def bind(host: str, port: int) -> socket.socket:
    """A socket of that address, which does not listen yet; port 0 takes any. Raises ConfigurationError."""
    with _explained(host, port):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        return bound


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any. Raises ConfigurationError."""
    listener = bind(host, port)
    try:
        with _explained(host, port):
            listener.listen(BACKLOG)
    except ConfigurationError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _explained(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(_why_not(error, host, port)) from error


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use: is a server running already? Stop it, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} of {host} is not for ordinary users. Choose one above 1023 with --port."
    return f"Can't listen on port {port} of {host}: {error.strerror or error}."


class HttpServer(uvicorn.Server):
    """uvicorn's server, which looks at its connections once in a while and cuts off those that took too long.

    ``stop_deadline_s``: how long requests under way may take when it is told to stop; ``stopping`` is called first.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        deadlines: Deadlines,
        stop_deadline_s: float,
        stopping: Callable[[], None] = lambda: None,
    ) -> None:
        self._deadlines = deadlines
        self._stopping = stopping
        make_protocol: Any = partial(Protocol, self._deadlines)
        super().__init__(
            uvicorn.Config(
                app,
                http=make_protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=stop_deadline_s,  # type: ignore[arg-type] # it takes fractions
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._sweeper = asyncio.create_task(self._sweep())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        await super().shutdown(sockets)
        self._sweeper.cancel()
        await self._give_up_requests()

    async def _give_up_requests(self) -> None:
        """End what is still under way after the deadline or a second Ctrl-C, while it can clean up after itself."""
        if requests := list(self.server_state.tasks):
            for request in requests:
                request.cancel()
            await asyncio.wait(requests, timeout=STOPPING_S)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(self._deadlines.sweep_s, STOPPING_S / 4 if self.should_exit else 1.0))
            for connection in list(self.server_state.connections):
                assert isinstance(connection, Protocol)
                try:
                    connection.sweep(loop.time(), self.should_exit)
                except Exception:
                    log.exception("could not look at a connection; the others keep their deadlines")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn raises the signal again after its stop, so that the process seems to have been killed by it."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
