"""Runs programs in forks of itself, so that what they all import is imported once.

Run by an environment's own Python, with the names of the modules as arguments. Each line of standard input is an order;
two lines of standard output answer it: the number of the process, and what it ended with.
"""

import importlib
import json
import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a module prints is no answer
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if not process:
            _run(order)
            return
        answers.write(f"{process}\n")
        answers.flush()
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])}\n")
        answers.flush()


def _run(order: dict[str, Any]) -> None:
    """Become the program, in a process group of its own; it ends as any Python does."""
    os.setsid()
    _redirect(os.devnull, os.O_RDONLY, 0)
    _redirect(order["output"], os.O_WRONLY | os.O_APPEND, 1)
    _redirect(order["errors"], os.O_WRONLY | os.O_APPEND, 2)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the process lives; the one before has read ahead
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    script, *_ = sys.argv = order["command"]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")


def _redirect(path: str, flags: int, descriptor: int) -> None:
    opened = os.open(path, flags)
    os.dup2(opened, descriptor)
    os.close(opened)


if __name__ == "__main__":
    main()
