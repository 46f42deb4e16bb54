"""`trackback`, as it is typed, in the tests' own process."""

import io
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

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
