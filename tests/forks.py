"""Runs programs in forks of itself, so that what they all import is imported once.

Run by an environment's own Python, with the names of the modules as arguments; those that begin with + keep something
of when they were imported, and are executed again in each fork. Each line of standard input is a numbered order, which
a line of standard output answers by its number: to start a program, with that of its process; or to look at one, with
what it has ended with, or null.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a module prints is no answer
    for module in sys.argv[1:]:
        importlib.import_module(module.removeprefix("+"))
    anew = [sys.modules[module[1:]] for module in sys.argv[1:] if module.startswith("+")]
    ended: dict[int, int] = {}
    gc.collect()
    gc.freeze()  # a collection in a fork would write to memory that it shares
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if "look" in order:
            answer = _look_at(order["look"], ended)
        else:
            answer = os.fork()
            if not answer:
                for each in anew:
                    importlib.reload(each)
                _become(order)
        answers.write(f"{json.dumps([order['number'], answer])}\n")
        answers.flush()


def _look_at(process: int, ended: dict[int, int]) -> int | None:
    """What it has ended with, however often it is asked for."""
    if process not in ended:
        gone, status = os.waitpid(process, os.WNOHANG)
        if not gone:
            return None
        ended[process] = os.waitstatus_to_exitcode(status)
    return ended[process]


def _become(order: dict[str, Any]) -> None:
    """The program, in a process group of its own. It ends as any Python does, but for one thing: nothing is taken apart
    that goes with the process, since of all that is imported here that would take longer than many programs do.
    """
    try:
        _run(order)
        code = 0
    except SystemExit as end:
        code = _exit_code(end.code)
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 - the outermost edge, as in any Python
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _exit_code(said: object) -> int:
    if said is None or isinstance(said, int):
        return said or 0
    print(said, file=sys.stderr)  # noqa: T201 - as Python does
    return 1


def _run(order: dict[str, Any]) -> None:
    os.setsid()
    _redirect(order["input"], os.O_RDONLY, 0)
    _redirect(order["output"], os.O_WRONLY | os.O_APPEND, 1)
    _redirect(order["errors"], os.O_WRONLY | os.O_APPEND, 2)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the process lives; the one before has read ahead
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["env"])
    tempfile.tempdir = None
    time.tzset()
    program, *arguments = order["command"]
    if program == "-m":
        module, *arguments = arguments
        sys.argv = [module, *arguments]
        sys.path[0] = order["folder"]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [program, *arguments]
        sys.path[0] = str(Path(program).parent)
        runpy.run_path(program, run_name="__main__")


def _redirect(path: str, flags: int, descriptor: int) -> None:
    opened = os.open(path, flags)
    os.dup2(opened, descriptor)
    os.close(opened)


if __name__ == "__main__":
    main()
