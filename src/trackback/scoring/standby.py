"""A server that waits beside another one for its place: both have the same listening socket, and one takes from it.

The one that waits answers on a Unix socket of its own, PATH, so that it can be tried. Its door to the shared socket is
open as long as there is a file PATH.open. A signal opens it (SIGUSR1) or closes it (SIGUSR2) at once, but only for a
while: then the file counts again. So whoever moves requests from one server to another may die meanwhile, and both go
back to where they were.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from trackback.errors import ConfigurationError
from trackback.scoring.turns import LEASE_S, open_file
from trackback.server.deadlines import Deadlines
from trackback.server.http_server import BACKLOG, HttpServer

ABANDONED_S = 900.0
_LOOK_S = 0.25

log = logging.getLogger(__name__)


def bind_private(path: Path) -> socket.socket:
    """A Unix socket at ``path``, for this user only; one that an earlier server left is replaced.

    ConfigurationError: there can't be one.
    """
    private = socket.socket(socket.AF_UNIX)
    try:
        with suppress(FileNotFoundError):
            path.unlink()
        private.bind(str(path))
        path.chmod(0o600)
    except OSError as error:
        private.close()
        raise ConfigurationError(f"There can't be a socket at {path}: {error.strerror or error}.") from error
    return private


def inherited(descriptor: int) -> socket.socket:
    """The listening socket that whoever started this process has handed over. ConfigurationError: it is none."""
    try:
        listener = socket.socket(fileno=descriptor)
        if listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listener.setblocking(False)
            return listener
    except OSError as error:
        raise ConfigurationError(f"--fd {descriptor} is no socket: {error.strerror or error}.") from error
    raise ConfigurationError(f"--fd {descriptor} is a socket that does not listen.")


class StandbyServer(HttpServer):
    """Answers on ``private`` always, and on ``public`` while its door is open.

    told: is called with whether the door is open, whenever that changes.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        deadlines: Deadlines,
        stop_deadline_s: float,
        public: socket.socket,
        private: socket.socket,
        path: Path,
        told: Callable[[bool], None],
    ) -> None:
        super().__init__(app, deadlines, stop_deadline_s)
        self._public = public
        self._private = private
        self._marker = open_file(path)
        self._told = told
        self._door: asyncio.Server | None = None
        self._lease_until = 0.0
        self._wanted = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_unix_server(self._make_protocol, sock=self._private, backlog=BACKLOG))
        loop.add_signal_handler(signal.SIGUSR1, self._ask, True)
        loop.add_signal_handler(signal.SIGUSR2, self._ask, False)
        self._told(False)
        await self._follow(self._marker.exists())
        self._watcher = asyncio.create_task(self._watch())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._watcher.cancel()
        await self._follow(False)
        await super().shutdown(sockets)

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg] # as uvicorn calls it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def _ask(self, wanted: bool) -> None:
        self._wanted = wanted
        self._lease_until = asyncio.get_running_loop().time() + LEASE_S

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        last_open = loop.time()
        while True:
            now = loop.time()
            try:
                await self._follow(self._wanted if now < self._lease_until else self._marker.exists())
            except OSError:
                log.exception("the door to the shared socket could not be moved; it is tried again")
            last_open = now if self._door else last_open
            if now - last_open > ABANDONED_S:
                log.error("nobody has wanted this server for %g s: it stops", ABANDONED_S)
                self.should_exit = True
            await asyncio.sleep(_LOOK_S)

    async def _follow(self, wanted: bool) -> None:
        """Open or close the door. Connections that are there stay; others wait for whoever takes them next."""
        if wanted == (self._door is not None):
            return
        if wanted:
            loop = asyncio.get_running_loop()
            self._door = await loop.create_server(self._make_protocol, sock=self._public.dup(), backlog=BACKLOG)
        else:
            assert self._door is not None
            self._door.close()
            self._door = None
        self._told(wanted)
        log.info("the door is %s", "open" if wanted else "closed")
