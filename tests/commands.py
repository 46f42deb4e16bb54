"""`trackback …`, as it is typed: a process of its own, but a fork of one that has imported what commands do."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.forked import Forks, forks_of
from trackback.cli.main import COMMANDS

IMPORTED = ("trackback.server.serving", "trackback.storage.postgres", "trackback.cli.remote")
OF_ITS_TIME = ("+trackback.storage.metrics", "+trackback.server.request_ids")


def forks() -> Forks:
    modules = dict.fromkeys(f"trackback.cli.{place.partition(':')[0]}" for place in COMMANDS.values())
    return forks_of(Path(sys.executable), *IMPORTED, *modules, "passwords", *OF_ITS_TIME)


def trackback(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    input: str | None = None,  # noqa: A002 - subprocess's word
    timeout_s: float = 100,
) -> "subprocess.CompletedProcess[str]":
    """``env``: all of its variables, by default those of the tests; ``folder``: where it is typed."""
    command = ["-m", "trackback", *map(str, arguments)]
    return forks().run(command, os.environ if env is None else env, timeout_s, folder=folder, input=input)
