"""Servers run by systemd: a socket unit that stays, and a service unit for each release that has it."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals

from trackback.delivery.deploy.slots import Release, Slot
from trackback.delivery.written import write_whole
from trackback.errors import InvalidParameter, MissingTool, Unavailable

_SYSTEM_UNITS = Path("/etc/systemd/system")
_LISTEN_FD = "3"  # systemd gives the sockets of a service from this descriptor on
_CALL_S = 90

_SOCKET = """\
# Written by `trackback deliver deploy`, for the slot {slot}.
[Unit]
Description=Predictions of {slot}

[Socket]
ListenStream={address}
Backlog=2048
Service={prefix}.service

[Install]
WantedBy=sockets.target
"""

# What the socket would start when somebody comes; it wants the release that is live, and stays, so that systemd leaves
# the socket to that.
_FRONT = """\
# Written by `trackback deliver deploy`, for the slot {slot}.
[Unit]
Description=What is live in {slot}
{wants}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true

[Install]
WantedBy={target}
"""

_RELEASE = """\
# Written by `trackback deliver deploy`: {model} as {release} of the slot {slot}.
[Unit]
Description={model} for predictions, {release} of {slot}
Requires={prefix}.socket
After={prefix}.socket network.target

[Service]
Type=exec
Sockets={prefix}.socket
ExecStart={command}
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=60
NoNewPrivileges=yes
LimitNOFILE=65536
{more}"""

_HARDENED = """\
User={user}
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={folder}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
"""


class Systemd:
    """A Manager. ``user``: of the user's own systemd, not the machine's, which runs servers as ``account``."""

    def __init__(
        self, slot: Slot, host: str, port: int, *, user: bool, account: str | None = None, units: Path | None = None
    ) -> None:
        self._slot = slot
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._user = user
        self._account = account
        self._prefix = f"trackback-{slot.name}"
        self._units = units or (_user_units() if user else _SYSTEM_UNITS)

    def files(self, release: Release) -> dict[str, str]:
        """The units for a slot with this release live, by their names."""
        return {
            f"{self._prefix}.socket": self._socket(),
            f"{self._prefix}.service": self._front(release.id),
            self._unit(release.id): self._service(release),
        }

    def prepare(self) -> None:
        if shutil.which("systemctl") is None:
            raise MissingTool("There is no systemctl here. Deploy --to process, or write the units with --output.")
        unit = self._units / f"{self._prefix}.socket"
        wanted = self._socket()
        if unit.exists() and unit.read_text() != wanted and self._is_active(unit.name):
            raise InvalidParameter(
                f"The slot {self._slot.name} listens already, and not on {self._address}; see {unit}. Take it down by "
                "--remove first, or name another slot: --slot."
            )
        write_whole(unit, wanted)
        front = self._units / f"{self._prefix}.service"
        if not front.exists():
            write_whole(front, self._front(None))
        self._call("daemon-reload")
        self._call("enable", "--quiet", unit.name)
        self._call("start", unit.name)  # which systemd refuses once what it starts is there
        self._call("start", front.name)

    def start(self, release: Release) -> None:
        self._hand_over(release)
        write_whole(self._units / self._unit(release.id), self._service(release))
        self._call("daemon-reload")
        self._call("start", self._unit(release.id))

    def _hand_over(self, release: Release) -> None:
        """Have the account own what its server reads and writes. InvalidParameter: there is no such account."""
        if self._user:
            return
        if self._account is None:
            raise InvalidParameter(
                "Name whom the machine's systemd is to run the server as, by --account, or take the user's: --user."
            )
        model = self._slot.model(release.digest)
        try:
            for path in (self._slot.folder, self._slot.folder / "models", model, *model.rglob("*")):
                shutil.chown(path, self._account)
        except LookupError as error:
            raise InvalidParameter(f"There is no account {self._account} here. Name another one: --account.") from error

    def alive(self, release_id: str) -> bool:
        """Not while systemd waits to start it again."""
        said = self._run("show", "--property=SubState", "--value", self._unit(release_id)).stdout.strip()
        return said not in ("", "dead", "failed", "auto-restart", "auto-restart-queued")

    def signal(self, release_id: str, number: Signals) -> None:
        if self.alive(release_id):
            self._call("kill", "--kill-who=main", f"--signal={number.name}", self._unit(release_id))

    def stop(self, release_id: str) -> None:
        unit = self._units / self._unit(release_id)
        if not unit.exists():
            return
        self._call("stop", unit.name)
        with suppress(Unavailable):
            self._call("reset-failed", unit.name)
        unit.unlink(missing_ok=True)
        self._call("daemon-reload")

    def running(self) -> set[str]:
        before, after = f"{self._prefix}-", ".service"
        return {
            each.name.removeprefix(before).removesuffix(after)
            for each in self._units.glob(f"{before}r*{after}")
            if each.name.removeprefix(before).removesuffix(after).lstrip("r").isdigit()
        }

    def settle(self, release_id: str) -> None:
        write_whole(self._units / f"{self._prefix}.service", self._front(release_id))
        self._call("daemon-reload")
        self._call("enable", "--quiet", f"{self._prefix}.service")

    def remove(self) -> None:
        for each in self.running():
            self.stop(each)
        for name in (f"{self._prefix}.socket", f"{self._prefix}.service"):
            unit = self._units / name
            if unit.exists():
                self._call("disable", "--quiet", "--now", name)
                unit.unlink(missing_ok=True)
        self._call("daemon-reload")

    def log_tail(self, release_id: str) -> str:
        with suppress(OSError, subprocess.SubprocessError):
            flags = ["--user"] if self._user else []
            command = [
                "journalctl",
                *flags,
                "--unit",
                self._unit(release_id),
                "--lines=20",
                "--no-pager",
                "--output=cat",
            ]
            return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout
        return ""

    def _unit(self, release_id: str) -> str:
        return f"{self._prefix}-{release_id}.service"

    def _socket(self) -> str:
        return _SOCKET.format(slot=self._slot.name, address=self._address, prefix=self._prefix)

    def _front(self, release_id: str | None) -> str:
        wants = f"Wants={self._unit(release_id)}\n" if release_id else ""
        target = "default.target" if self._user else "multi-user.target"
        return _FRONT.format(slot=self._slot.name, wants=wants, target=target)

    def _service(self, release: Release) -> str:
        command = [part.replace("{fd}", _LISTEN_FD) for part in release.command]
        more = "" if self._user else _HARDENED.format(user=self._account or "root", folder=self._slot.folder)
        return _RELEASE.format(
            model=release.model.replace("%", "%%"),
            release=release.id,
            slot=self._slot.name,
            prefix=self._prefix,
            command=quoted(command),
            more=more,
        )

    def _is_active(self, unit: str) -> bool:
        ran = self._run("is-active", unit)
        return ran.stdout.strip() in ("active", "activating", "reloading", "deactivating")

    def _call(self, *arguments: str) -> None:
        ran = self._run(*arguments)
        if ran.returncode:
            told = (ran.stderr or ran.stdout).strip()[-500:]
            if "has not been booted" in told or "Failed to connect to bus" in told:
                which = "no systemd of this user's" if self._user else "no systemd"
                raise Unavailable(
                    f"There runs {which} here. Deploy --to process, or write units by --output. systemctl says: {told}"
                )
            raise Unavailable(f"`systemctl {' '.join(arguments)}` failed with {ran.returncode}: {told}")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["systemctl", *(["--user"] if self._user else []), "--no-pager", *arguments]
        try:
            return subprocess.run(command, capture_output=True, text=True, timeout=_CALL_S, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"`{' '.join(command)}` did not end within {_CALL_S} s.") from error


def quoted(command: Sequence[str]) -> str:
    """A command as ExecStart has it: each argument in quotes, with nothing in it that systemd would replace."""
    escaped = (each.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") for each in command)
    return " ".join(f'"{each}"' for each in escaped)


def _user_units() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(config).expanduser() / "systemd" / "user"
