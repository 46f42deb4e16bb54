"""Stands for a Python, or a program of its environment: what it is for is run in a fork, all else by Python itself.

The fork has the arguments, variables, folder and open files of this process, hears the signals that are sent to it,
ends with it and as it, and takes it for its Python. A file beside this one, `settings`, has a line each for Python, the
socket to ask, what a Python is for here (`trackback`, which is `-m trackback…`, or `scripts`, which is files and `-c`,
too), and all variables of Python's own: a program that is to have others is run by Python, too.

Only what is built in is imported: that takes a hundredth of a second.
"""

import _signal  # type: ignore[import-not-found] # what `signal` is made of
import _socket
import os
import sys

HEARD = (_signal.SIGHUP, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGTERM, _signal.SIGUSR1, _signal.SIGUSR2)
MOST_DESCRIPTORS = 64


class Process:
    """The fork, once it is there, and what it is to hear of before."""

    def __init__(self) -> None:
        self.pid = 0
        self.unheard: list[int] = []

    def hear(self, number: int, frame: object = None) -> None:
        if self.pid:
            os.kill(self.pid, number)
        else:
            self.unheard.append(number)

    def has_begun(self, pid: int) -> None:
        self.pid = pid
        for number in self.unheard:
            os.kill(pid, number)


def main(folder: str, name: str, arguments: list[str]) -> None:
    with open(f"{folder}/settings") as file:  # noqa: PTH123 - pathlib takes longer than all of this
        python, socket, purpose, *variables = file.read().splitlines()
    command = arguments if name == "python" else [f"{os.path.dirname(python)}/{name}", *arguments]  # noqa: PTH120 - same
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    quiet = purpose == "scripts" and command[:2] == ["-W", "ignore"]
    program = command[2 if quiet else 0 :]
    try:
        if not (name != "python" or is_for(purpose, program)) or variables != variables_of_python():
            raise ConnectionError
        connection.connect(socket)
    except OSError:
        os.execv(python, [python, *command])
    process = Process()
    for number in HEARD:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, process.hear)
    order(connection, program, f"{folder}/python", quiet=quiet)
    process.has_begun(told(connection))
    end_as(told(connection))


def is_for(purpose: str, program: list[str]) -> bool:
    if purpose == "scripts" and program and (program[0] == "-c" or program[0].endswith(".py")):
        return True
    return len(program) > 1 and program[0] == "-m" and program[1].partition(".")[0] == "trackback"


def variables_of_python() -> list[str]:
    return sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith("PYTHON"))


def order(connection: _socket.socket, program: list[str], executable: str, *, quiet: bool) -> None:
    """And let go of all files, which are the fork's now."""
    descriptors = [each for each in range(MOST_DESCRIPTORS) if each != connection.fileno() and is_open(each)]
    wanted = {
        "command": program,
        "env": dict(os.environ),
        "folder": os.getcwd(),  # noqa: PTH109 - as above
        "executable": executable,
        "quiet": quiet,
        "parent": os.getppid(),
        "descriptors": descriptors,
    }
    text = ascii(wanted).encode()
    handed = b"".join(each.to_bytes(4, sys.byteorder) for each in descriptors)
    connection.sendmsg([len(text).to_bytes(4, "little")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handed)])
    connection.sendall(text)
    for each in descriptors:
        os.close(each)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def told(connection: _socket.socket) -> int:
    number = connection.recv(4)
    if not number:
        os._exit(os.EX_SOFTWARE)
    return int.from_bytes(number, "little", signed=True)


def end_as(code: int) -> None:
    if code < 0:
        if -code != _signal.SIGKILL:
            _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main(*os.path.split(os.path.realpath(sys.argv[0])), sys.argv[1:])
