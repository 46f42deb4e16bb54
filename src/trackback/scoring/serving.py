"""Runs a scoring server: the model and its processes, and the event loop."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import uvloop

from trackback import __version__
from trackback.scoring.app import ScoringApp
from trackback.scoring.backlog import Backlog
from trackback.scoring.early import EarlyWorker
from trackback.scoring.following import Follower
from trackback.scoring.served import ResolvedModel, Served
from trackback.scoring.settings import Settings
from trackback.scoring.standby import StandbyServer, bind_private, inherited
from trackback.server.deadlines import Deadlines
from trackback.server.guard import make_guard
from trackback.server.http_server import HttpServer, bind, url_of
from trackback.server.logs import configure_logs, logs_requests
from trackback.server.settings import Settings as LogSettings

log = logging.getLogger(__name__)

Resolve = Callable[[], ResolvedModel]


def run(settings: Settings, resolve: Resolve, early: EarlyWorker) -> None:
    """Serve until SIGINT or SIGTERM. ``resolve`` finds the version that the URI stands for now, and fetches it.
    ``early``: a process that may have begun to load it.

    Raises ConfigurationError if the server can't start, ModelNotLoaded if the model can't be loaded, and what
    ``resolve`` raises.
    """
    logs = LogSettings(log_level=settings.log_level, json_logs=settings.json_logs)
    configure_logs(logs)
    with bind(settings.host, settings.port) if settings.fd is None else inherited(settings.fd) as listener:
        model = resolve()
        uvloop.run(_serve(settings, listener, model, resolve, early, logs_requests(logs)))


async def _serve(
    settings: Settings,
    listener: socket.socket,
    model: ResolvedModel,
    resolve: Resolve,
    early: EarlyWorker,
    log_requests: bool,
) -> None:
    async with _open_model(settings, model, resolve, early) as (backlog, served):
        guard = make_guard(settings.host, settings.allowed_hosts)
        app = ScoringApp(backlog, served, guard, settings.max_body_bytes, log_requests)
        gc.freeze()  # all that is there now stays, so collections, which stop every request, need not look at it
        deadlines = Deadlines(settings.keep_alive_s, settings.header_deadline_s, settings.body_deadline_s)
        log.info("trackback %s serves %s on %s", __version__, model.name, url_of(listener))
        if settings.standby:
            path = Path(settings.standby)
            private = bind_private(path)
            server = StandbyServer(app, deadlines, settings.stop_deadline_s, listener, private, path, app.has_door)
            await server.serve(sockets=[])
        else:
            await HttpServer(app, deadlines, settings.stop_deadline_s).serve(sockets=[listener])
        log.info("stopped")


@asynccontextmanager
async def _open_model(
    settings: Settings, model: ResolvedModel, resolve: Resolve, early: EarlyWorker
) -> AsyncIterator[tuple[Backlog, Served]]:
    """The model in its processes; they end at the end."""
    backlog = Backlog(settings.max_waiting, settings.max_batch, settings.timeout_s)
    served = Served(backlog, settings, early)
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
