"""Servers run by a holder, a process of their slot's own."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from signal import Signals
from typing import Any

from trackback.delivery.deploy.holder import STOP_S, control_socket
from trackback.delivery.deploy.slots import Release, Slot
from trackback.errors import ConfigurationError, InvalidParameter, Unavailable

_START_S = 30.0
_ANSWER_S = STOP_S + 10
_TAIL = 2000


class Processes:
    """A Manager. ``host`` and ``port`` are where the slot is to listen."""

    def __init__(self, slot: Slot, host: str, port: int, interpreter: Path | None = None) -> None:
        self._slot = slot
        self._host = host
        self._port = port
        self._interpreter = interpreter or Path(sys.executable)

    def prepare(self) -> None:
        said = self._status()
        if said is None:
            self._start_holder()
            return
        if said["address"] != [self._host, self._port]:
            host, port = said["address"]
            raise InvalidParameter(
                f"The slot {self._slot.name} listens on {host}:{port} already, not on {self._host}:{self._port}. Take "
                "it down with --remove first, or name another slot: --slot."
            )

    def start(self, release: Release) -> None:
        self._ask("start", release=release.id)

    def alive(self, release_id: str) -> bool:
        return release_id in self.running()

    def signal(self, release_id: str, number: Signals) -> None:
        self._ask("signal", release=release_id, number=int(number))

    def stop(self, release_id: str) -> None:
        if self._status() is not None:
            self._ask("stop", release=release_id)

    def running(self) -> set[str]:
        said = self._status()
        return set(said["running"]) if said else set()

    def settle(self, release_id: str) -> None:
        """The holder starts what has its file."""

    def remove(self) -> None:
        if (said := self._status()) is None:
            return
        self._ask("end")
        deadline = time.monotonic() + _ANSWER_S
        while Path(f"/proc/{said['pid']}").exists() and control_socket(self._slot).exists():
            if time.monotonic() > deadline:
                raise Unavailable(f"The holder of {self._slot.name}, process {said['pid']}, does not end.")
            time.sleep(0.05)

    def log_tail(self, release_id: str) -> str:
        try:
            return self._slot.log(release_id).read_bytes()[-_TAIL:].decode(errors="replace")
        except OSError:
            return ""

    def _start_holder(self) -> None:
        log = self._slot.folder / "holder.log"
        command: list[str | Path] = [
            self._interpreter,
            "-m",
            "trackback.delivery.deploy.holder",
            self._slot.folder,
            self._host,
        ]
        with log.open("ab") as output:
            holder = subprocess.Popen(
                [*command, str(self._port)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_without_settings(),
                start_new_session=True,  # it stays when who deploys has gone
            )
        deadline = time.monotonic() + _START_S
        while self._status() is None:
            if holder.poll() is not None:
                lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
                raise ConfigurationError(f"The slot {self._slot.name} can't listen: {lines[-1]}")
            if time.monotonic() > deadline:
                holder.kill()
                raise Unavailable(f"The holder of {self._slot.name} did not answer within {_START_S:g} s; see {log}.")
            time.sleep(0.05)

    def _status(self) -> dict[str, Any] | None:
        """What the holder says; None if there is none."""
        try:
            return self._exchange({"do": "status"})
        except (FileNotFoundError, ConnectionError):
            return None

    def _ask(self, do: str, **said: Any) -> None:
        try:
            answer = self._exchange({"do": do, **said})
        except OSError as error:
            raise Unavailable(f"The holder of {self._slot.name} can't be asked to {do}: {error}.") from error
        if "error" in answer:
            raise Unavailable(
                f"The holder of {self._slot.name} could not {do} {said.get('release')}: {answer['error']}."
            )

    def _exchange(self, asked: dict[str, Any]) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_S)
            connection.connect(str(control_socket(self._slot)))
            connection.sendall(json.dumps(asked).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        if not line:
            raise ConnectionResetError("it hung up")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _without_settings() -> dict[str, str]:
    """This environment without what it says of this stage: tokens are no server's, and its settings are its options."""
    prefixes = ("TRACKBACK_", "MLFLOW_", "GO_", "CI_", "GITHUB_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
