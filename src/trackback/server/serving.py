"""Runs a server: the socket, the event loop, signals, and the stop."""

import asyncio
import errno
import gc
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
import uvloop

from trackback import __version__
from trackback.errors import ConfigurationError
from trackback.server.app import open_app
from trackback.server.deadlines import STOPPING_S, Deadlines
from trackback.server.dispatch import Dispatcher
from trackback.server.guard import is_loopback
from trackback.server.logs import configure_logs
from trackback.server.protocol import Protocol
from trackback.server.settings import Settings

BACKLOG = 2048

log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigurationError if the server can't start."""
    check_who_may_come(settings)
    configure_logs(settings)
    with listen(settings.host, settings.port) as listener:
        uvloop.run(_serve(settings, listener))


def check_who_may_come(settings: Settings) -> None:
    """Raises ConfigurationError for a server that others can reach and that does not ask who they are."""
    if settings.auth or settings.allow_anonymous or is_loopback(settings.host):
        return
    raise ConfigurationError(
        f"Whoever reaches {settings.host} could read, change and delete everything. Give the server accounts with "
        "--auth; or, if only those reach it who may do everything, say so with --allow-anonymous."
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes any."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigurationError(_why_not(error, host, port)) from error
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use: is a server running already? Stop it, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} of {host} is not for ordinary users. Choose one above 1023 with --port."
    return f"Can't listen on port {port} of {host}: {error.strerror or error}."


async def _serve(settings: Settings, listener: socket.socket) -> None:
    async with open_app(settings) as app:
        gc.freeze()  # all that is there now stays, so collections, which stop every request, need not look at it
        server = Server(app, settings)
        host, port = listener.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        log.info("trackback %s listens on http://%s:%d", __version__, name, port)
        await server.serve(sockets=[listener])
        log.info("stopped")


class Server(uvicorn.Server):
    """uvicorn's server, which looks at its connections once in a while and cuts off those that took too long."""

    def __init__(self, app: Dispatcher, settings: Settings) -> None:
        self._stop_waiting = app.stop_waiting
        self._deadlines = Deadlines(settings.keep_alive_s, settings.header_deadline_s, settings.body_deadline_s)
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
                timeout_graceful_shutdown=settings.stop_deadline_s,  # type: ignore[arg-type] # it takes fractions
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._sweeper = asyncio.create_task(self._sweep())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop_waiting()
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
