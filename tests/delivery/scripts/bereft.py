"""`trackback deliver …`, whose server is killed at a point.

`bereft.py PID MODULE:CLASS.FUNCTION before|after ARGUMENTS…`: the server's process, and where.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from trackback.cli import remote
from trackback.cli.main import main
from trackback.client.retries import Retries


def end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)  # until its socket is closed


def kill_at(pid: int, where: str, when: str) -> None:
    module_name, _, path = where.partition(":")
    holder: Any = import_module(module_name)
    *classes, name = path.split(".")
    for each in classes:
        holder = getattr(holder, each)
    function = getattr(holder, name)

    def bereft(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            end(pid)
            return function(*arguments, **named)
        answer = function(*arguments, **named)
        end(pid)
        return answer

    setattr(holder, name, bereft)


kill_at(int(sys.argv[1]), *sys.argv[2:4])
remote.RETRIES = Retries(deadline_s=0.5)
sys.argv = ["trackback", "deliver", *sys.argv[4:]]
main()
