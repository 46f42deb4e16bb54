"""A real registry of images, the one that others are measured by: distribution."""

import signal
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from tests.environments import ROOT
from tests.servers.program import Program, accepts_connections, free_port

LOGIN = ("ada", "pw")
_BCRYPT = "$2b$05$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q"  # of the password of LOGIN

PROGRAM = ROOT / ".tools" / "bin" / "registry"


def missing() -> str | None:
    """Why there can't be one here."""
    return None if PROGRAM.exists() else "no registry of images: run `make .tools/bin/registry`, which needs Go"


class ImageRegistry:
    """``guarded``: only LOGIN may use it; else anybody may."""

    def __init__(self, folder: Path, guarded: bool = False) -> None:
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "registry.log"
        config = folder / "config.yml"
        said: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(folder / "kept")}, "delete": {"enabled": True}},
            "http": {"addr": self.host},
        }
        if guarded:
            (folder / "users").write_text(f"{LOGIN[0]}:{_BCRYPT}\n")
            said["auth"] = {"htpasswd": {"realm": "tests", "path": str(folder / "users")}}
        config.write_text(yaml.safe_dump(said))
        self._program = Program(
            [PROGRAM, "serve", config], log=self._log, answers=lambda: accepts_connections(self.port)
        )

    @property
    def requests(self) -> str:
        """What it was asked, by its log."""
        return self._log.read_text()

    def __enter__(self) -> Self:
        self._program.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.end(signal.SIGTERM)
