"""`trackback`, as it is typed, in the tests' own process."""

import io
import json
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest import mock

from tests.gocd.gocd_server import TOKEN, GoCDServer
from tests.gocd.world import World
from trackback.cli import main


def trackback(*arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """The exit code, and what was printed."""
    printed = io.StringIO()
    with (
        mock.patch.dict(os.environ, env),
        mock.patch("sys.argv", ["trackback", *arguments]),
        redirect_stdout(printed),
        redirect_stderr(printed),
    ):
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0), printed.getvalue().strip()
    return 0, printed.getvalue().strip()


def gocd_command(
    world: World, gocd: GoCDServer, *arguments: str, token: str = TOKEN, server: str = ""
) -> tuple[int, str]:
    """`trackback gocd` of both servers: the exit code, and what was printed."""
    env = {"TRACKBACK_TRACKING_URI": world.server.url, "GOCD_ACCESS_TOKEN": token}
    command, *rest = arguments
    return trackback("gocd", command, *rest, "--server", server or gocd.url, env=env)


def done(world: World, gocd: GoCDServer, *arguments: str) -> Any:
    """What a command that went well printed, as JSON."""
    code, printed = gocd_command(world, gocd, *arguments, "--json")
    assert code == 0, printed
    return json.loads(printed)
