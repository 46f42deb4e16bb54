"""Runs a scoring server: the model, the socket, the event loop, and the stop."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Any

import uvicorn
import uvloop

from trackback import __version__
from trackback.errors import ConfigurationError
from trackback.scoring.app import ScoringApp
from trackback.scoring.backlog import Backlog
from trackback.scoring.following import Follower
from trackback.scoring.served import ResolvedModel, Served
from trackback.scoring.settings import Settings
from trackback.server.deadlines import STOPPING_S, Deadlines
from trackback.server.guard import make_guard
from trackback.server.logs import configure_logs, logs_requests
from trackback.server.protocol import Protocol
from trackback.server.settings import Settings as LogSettings

BACKLOG = 2048

log = logging.getLogger(__name__)

Resolve = Callable[[], ResolvedModel]


def run(settings: Settings, resolve: Resolve) -> None:
    """Serve until SIGINT or SIGTERM. ``resolve`` finds the version that the URI stands for now, and fetches it.

    Raises ConfigurationError if the server can't start, ModelNotLoaded if the model can't be loaded, and what
    ``resolve`` raises.
    """
    logs = LogSettings(log_level=settings.log_level, json_logs=settings.json_logs)
    configure_logs(logs)
    with listen(settings.host, settings.port) as listener:
        model = resolve()
        uvloop.run(_serve(settings, listener, model, resolve, logs_requests(logs)))


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound there, and listens once the model is loaded; port 0 takes any."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"Can't listen on port {port} of {host}: {error.strerror or error}. Choose another with --port."
        ) from error
    return listener


async def _serve(
    settings: Settings, listener: socket.socket, model: ResolvedModel, resolve: Resolve, log_requests: bool
) -> None:
    async with _open_model(settings, model, resolve) as (backlog, served):
        guard = make_guard(settings.host, settings.allowed_hosts)
        app = ScoringApp(backlog, served, guard, settings.max_body_bytes, log_requests)
        gc.freeze()  # all that is there now stays, so collections, which stop every request, need not look at it
        server = Server(app, settings)
        host, port = listener.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        log.info("trackback %s serves %s on http://%s:%d", __version__, model.name, name, port)
        await server.serve(sockets=[listener])
        log.info("stopped")


@asynccontextmanager
async def _open_model(
    settings: Settings, model: ResolvedModel, resolve: Resolve
) -> AsyncIterator[tuple[Backlog, Served]]:
    """The model in its processes; they end at the end."""
    backlog = Backlog(settings.max_waiting, settings.max_batch, settings.timeout_s)
    served = Served(backlog, settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(served.close)
        await served.move(model)
        tasks = [asyncio.create_task(served.sweep())]
        if settings.follow:
            follower = Follower(served, resolve, settings.follow_every_s)
            tasks.append(asyncio.create_task(follower.follow()))
        for task in tasks:
            stack.push_async_callback(_end, task)
        yield backlog, served


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Server(uvicorn.Server):
    """uvicorn's server, which looks at its connections once in a while and cuts off those that took too long."""

    def __init__(self, app: ScoringApp, settings: Settings) -> None:
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
        await super().shutdown(sockets)
        self._sweeper.cancel()
        if requests := list(self.server_state.tasks):  # under way after the deadline, or a second Ctrl-C
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
