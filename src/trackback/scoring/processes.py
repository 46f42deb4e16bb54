"""Processes that hold a model, with a connection to whoever has started them. They end when that is closed or gone."""

import os
import socket
import subprocess
import sys


class ModelProcess:
    """`python -m MODULE DESCRIPTOR`, of a connection. ``threads``: as many as numerical libraries may start in it, None
    for as many as they like.
    """

    def __init__(self, module: str, threads: int | None) -> None:
        self.connection, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno())],
                stdin=subprocess.PIPE,  # never written to: its end tells the process that we are gone
                stdout=2,  # what models print is no output of ours
                pass_fds=(theirs.fileno(),),
                env=None if threads is None else {"OMP_NUM_THREADS": str(threads), **os.environ},
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def let_go(self) -> None:
        """Close the connection, upon which it ends, which takes a while where its libraries are large."""
        self.connection.close()
        self._close_input()

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float) -> int:
        """Wait for its end, which is by force when it takes longer; its exit code."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()
        finally:
            self._close_input()

    def _close_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_each(processes: int) -> int | None:
    """Several processes share the processors: numerical libraries would otherwise start a thread for each in each."""
    return max(1, processors() // processes) if processes > 1 else None
