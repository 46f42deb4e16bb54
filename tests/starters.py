"""Folders with a `python`, and programs of its environment, that are sooner there, since what they run are forks."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Literal

STARTER = Path(__file__).parent / "starter.py"


@cache
def starters(socket: Path, python: Path, purpose: Literal["trackback", "scripts"], *programs: str) -> Path:
    """They ask the Forks at ``socket`` for ``programs``, and for what Python is said to be for; the rest is done by
    ``python``.
    """
    # In memory, nothing may be executable.
    folder = Path(tempfile.mkdtemp(prefix="trackback-python-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder)
    variables = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("PYTHON"))
    (folder / "settings").write_text("\n".join((str(python), str(socket), purpose, *variables)))
    for name in ("python", *programs):
        (folder / name).write_text(f"#!{python} -IS\n{STARTER.read_text()}")
        (folder / name).chmod(0o755)
    return folder
