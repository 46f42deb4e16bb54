"""Runs programs in forks of itself, so that what they all import is imported once.

Run by an environment's own Python with a listening Unix socket, the socket's path and the names of modules; those that
begin with + keep something of when they were imported, and are executed again in each fork. A connection is a program:
its order, which comes with the descriptors that the program is to have, is answered by the number of its process, and
that one's end by what it has ended with. A connection that is closed before takes its program along. Connections that
order nothing keep this process there: with the last one it ends.
"""

import ast
import atexit
import fcntl
import gc
import importlib
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

_MOST_DESCRIPTORS = 64
_OUT_OF_THE_WAY = 512
"""Descriptors from here on are no program's own."""


def main(descriptor: int, path: Path, modules: Sequence[str]) -> None:
    if os.fork():
        os._exit(0)  # who has started this is not to wait for its end
    for module in modules:
        importlib.import_module(module.removeprefix("+"))
    anew = [sys.modules[module[1:]] for module in modules if module.startswith("+")]
    programs = Programs(socket.socket(fileno=descriptor), path, anew)
    gc.collect()
    gc.freeze()  # a collection in a fork would write to memory that it shares
    while True:
        programs.attend()


class Programs:
    """Those that run. ``anew``: the modules that are executed again in each."""

    def __init__(self, listener: socket.socket, path: Path, anew: Sequence[ModuleType]) -> None:
        self._listener = listener
        self._path = path
        self._anew = anew
        self._connections: set[socket.socket] = set()
        self._asked: dict[int, socket.socket] = {}
        self._bell, self._ring = socket.socketpair()
        for each in (self._bell, self._ring):
            each.setblocking(False)
        signal.set_wakeup_fd(self._ring.fileno())
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._bell, selectors.EVENT_READ, self._reap)

    def attend(self) -> None:
        """To whatever comes next."""
        for key, _ in self._selector.select():
            key.data()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        self._connections.add(connection)
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._hear(connection))

    def _hear(self, connection: socket.socket) -> None:
        """An order, or that nobody is at the other end any more."""
        if connection not in self._connections:
            return  # its program has ended a moment ago
        data, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, _MOST_DESCRIPTORS)
        while data and len(data) < 4 + int.from_bytes(data[:4], "little"):
            data += connection.recv(1 << 16)
        if data:
            self._begin(ast.literal_eval(data[4:].decode()), descriptors, connection)
        else:
            self._lose(connection)

    def _begin(self, order: dict[str, Any], descriptors: Sequence[int], connection: socket.socket) -> None:
        process = os.fork()
        if not process:
            self._leave()
            _become(order, descriptors, self._anew)
        for each in descriptors:
            os.close(each)
        self._asked[process] = connection
        _answer(connection, process)

    def _lose(self, connection: socket.socket) -> None:
        for process, asked in self._asked.items():
            if asked is connection:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        self._hang_up(connection)

    def _reap(self) -> None:
        with suppress(BlockingIOError):
            while self._bell.recv(1 << 10):
                pass
        for process, connection in list(self._asked.items()):
            gone, status = os.waitpid(process, os.WNOHANG)
            if gone:
                del self._asked[process]
                if connection in self._connections:
                    _answer(connection, os.waitstatus_to_exitcode(status))
                    self._hang_up(connection)

    def _hang_up(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        self._connections.discard(connection)
        connection.close()
        if not self._connections:
            self._end_unless_needed()

    def _end_unless_needed(self) -> None:
        lock = self._path.with_name("lock")
        with lock.open("w") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            if any(key.fileobj is self._listener for key, _ in self._selector.select(0)):
                return
            self._path.unlink()
            if list(self._path.parent.iterdir()) == [lock]:
                lock.unlink()
                self._path.parent.rmdir()
            os._exit(0)

    def _leave(self) -> None:
        """What a fork has of this."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for each in (self._listener, self._bell, self._ring, *self._connections):
            each.close()


def _answer(connection: socket.socket, number: int) -> None:
    with suppress(OSError):
        connection.sendall(number.to_bytes(4, "little", signed=True))


def _become(order: dict[str, Any], descriptors: Sequence[int], anew: Sequence[ModuleType]) -> None:
    """The program, in a process group of its own. It ends as any Python does, but for one thing: nothing is taken apart
    that goes with the process, since of all that is imported here that would take longer than many programs do.
    """
    try:
        _take(descriptors, order["descriptors"])
        for module in anew:
            importlib.reload(module)
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


def _take(descriptors: Sequence[int], numbers: Sequence[int]) -> None:
    """Have the descriptors by the numbers that the program knows them by."""
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD, _OUT_OF_THE_WAY) for each in descriptors]
    for each in descriptors:
        os.close(each)
    for each, number in zip(moved, numbers, strict=True):
        os.dup2(each, number)
        os.close(each)


def _exit_code(said: object) -> int:
    if said is None or isinstance(said, int):
        return said or 0
    print(said, file=sys.stderr)  # noqa: T201 - as Python does
    return 1


def _run(order: dict[str, Any]) -> None:
    os.setsid()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the process lives; the one before has read ahead
    sys.executable = order["executable"] or sys.executable
    os.getppid = lambda: int(order["parent"])  # who has asked for it is as good as one
    if order["quiet"]:
        warnings.simplefilter("ignore")
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["env"])
    tempfile.tempdir = None
    time.tzset()
    program, *arguments = order["command"]
    if program == "-m":
        module, *arguments = arguments
        if module in sys.modules and not hasattr(sys.modules[module], "__path__"):
            del sys.modules[module]  # or Python would warn that there are two of it
        sys.argv = [module, *arguments]
        sys.path[0] = order["folder"]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    elif program == "-c":
        text, *arguments = arguments
        sys.argv = [program, *arguments]
        sys.path[0] = ""
        sys.modules["__main__"] = main_module = ModuleType("__main__")
        exec(compile(text, "<string>", "exec"), vars(main_module))
    else:
        sys.argv = [program, *arguments]
        sys.path[0] = str(Path(program).parent)
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
