"""A real systemd of a user's, where none runs: in a mount namespace of its own, in which it finds itself booted."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

SYSTEMD = Path("/lib/systemd/systemd")
_BOOTED = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && exec /lib/systemd/systemd --user"


def missing() -> str | None:
    """Why there can't be one here."""
    if not SYSTEMD.exists() or shutil.which("systemctl") is None:
        return "no systemd: install it (on Debian: apt install systemd)"
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return "a systemd of a test's own needs root and unshare"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        return "no mount namespaces here"
    return None


class UserSystemd:
    """``environment`` is what its user's programs have to find it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "HOME": str(folder),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def units(self) -> Path:
        return self._folder / "config" / "systemd" / "user"

    def call(self, *arguments: str) -> str:
        """What `systemctl --user` prints."""
        command = ["systemctl", "--user", "--no-pager", *arguments]
        return subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, text=True).stdout

    def __enter__(self) -> Self:
        for each in self.environment.values():
            Path(each).mkdir(parents=True, exist_ok=True)
        with (self._folder / "systemd.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", _BOOTED],
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while not self.call("show", "--property=Version", "--value").strip():
            assert time.monotonic() < deadline, (self._folder / "systemd.log").read_text()
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.call("exit")
        assert self._process
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
