"""The process that holds a slot's listening socket and the servers on it: `python -m … FOLDER HOST PORT`.

It starts a server again that ends by itself while there is a file by which it is to take requests, and is told what
else to do over a Unix socket: a line of JSON each way. Servers end with it.
"""

import asyncio
import fcntl
import json
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from trackback.delivery.deploy.slots import Slot
from trackback.delivery.parents import end_with_parent

RESTARTS_S = (0.5, 1, 2, 5, 10, 30)
STOP_S = 30.0
BACKLOG = 2048
_HEALTHY_S = 60.0

log = logging.getLogger(__name__)


def control_socket(slot: Slot) -> Path:
    return slot.folder / "holder.sock"


class Holder:
    def __init__(self, slot: Slot, host: str, port: int) -> None:
        self._slot = slot
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        self._address = [host, self._listener.getsockname()[1]]
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._ending = asyncio.Event()

    async def run(self) -> None:
        path = control_socket(self._slot)
        with suppress(FileNotFoundError):
            path.unlink()
        server = await asyncio.start_unix_server(self._serve, path)
        path.chmod(0o600)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._ending.set)
        for each in self._slot.releases():
            if self._slot.marker(each).exists():
                await self._start(each)
        log.info("holds %s:%s for %s", *self._address, self._slot.name)
        async with server:
            await self._ending.wait()
        self._listener.close()
        await asyncio.gather(*(self._stop(each) for each in list(self._processes)))
        path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    answer = await self._do(json.loads(line))
                except Exception as error:
                    log.exception("could not do what was asked for")
                    answer = {"error": f"{type(error).__name__}: {error}"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _do(self, asked: dict[str, Any]) -> dict[str, Any]:
        release = str(asked.get("release", ""))
        match asked["do"]:
            case "start":
                await self._start(release)
            case "signal":
                if process := self._processes.get(release):
                    with suppress(ProcessLookupError):
                        process.send_signal(asked["number"])
            case "stop":
                await self._stop(release)
            case "end":
                self._ending.set()
        running = {name: process.pid for name, process in self._processes.items() if process.returncode is None}
        return {"running": running, "address": self._address, "pid": os.getpid()}

    async def _start(self, release_id: str) -> None:
        if release_id in self._processes:
            return
        await self._launch(release_id)
        self._keepers[release_id] = asyncio.create_task(self._keep(release_id))

    async def _launch(self, release_id: str) -> None:
        release = json.loads((self._slot.folder / f"{release_id}.json").read_bytes())
        descriptor = self._listener.fileno()
        command = [part.replace("{fd}", str(descriptor)) for part in release["command"]]
        with self._slot.log(release_id).open("ab") as output:
            self._processes[release_id] = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(descriptor,),
                preexec_fn=partial(end_with_parent, signal.SIGTERM),
            )

    async def _keep(self, release_id: str) -> None:
        """Start it again when it ends although it is to take requests; forget it when it ends otherwise."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            started = loop.time()
            code = await self._processes[release_id].wait()
            if not self._slot.marker(release_id).exists() or self._ending.is_set():
                self._processes.pop(release_id, None)
                return
            failures = 0 if loop.time() - started > _HEALTHY_S else failures + 1
            pause_s = RESTARTS_S[min(max(failures - 1, 0), len(RESTARTS_S) - 1)]
            log.error("%s has ended by itself with %s; it is started again in %g s", release_id, code, pause_s)
            await asyncio.sleep(pause_s)
            try:
                await self._launch(release_id)
            except OSError:
                log.exception("%s could not be started again; it is tried again", release_id)

    async def _stop(self, release_id: str) -> None:
        if keeper := self._keepers.pop(release_id, None):
            keeper.cancel()
        process = self._processes.pop(release_id, None)
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            log.error("%s did not end within %g s: it is killed", release_id, STOP_S)
            process.kill()
            await process.wait()


def main(folder: str, host: str, port: str) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    slot = Slot(Path(folder))
    with (slot.folder / "holder.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("another holder is there already")
        try:
            asyncio.run(Holder(slot, host, int(port)).run())
        except OSError as error:
            sys.exit(f"{host}:{port}: {error.strerror or error}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
