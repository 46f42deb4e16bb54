"""Runs a server: who may come, the event loop, and what is opened and closed around it."""

import gc
import logging
import socket

import uvloop

from trackback import __version__
from trackback.errors import ConfigurationError
from trackback.server.app import open_app
from trackback.server.deadlines import Deadlines
from trackback.server.guard import is_loopback
from trackback.server.http_server import HttpServer, listen, url_of
from trackback.server.logs import configure_logs
from trackback.server.settings import Settings

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


async def _serve(settings: Settings, listener: socket.socket) -> None:
    async with open_app(settings) as app:
        gc.freeze()  # all that is there now stays, so collections, which stop every request, need not look at it
        deadlines = Deadlines(settings.keep_alive_s, settings.header_deadline_s, settings.body_deadline_s)
        server = HttpServer(app, deadlines, settings.stop_deadline_s, app.stop_waiting)
        log.info("trackback %s listens on %s", __version__, url_of(listener))
        await server.serve(sockets=[listener])
        log.info("stopped")
