"""A program that is begun by a starter is a fork, and nobody notices."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forked import Forks
from tests.starters import starters

Command = Callable[[str], list[str | Path]]
FORKED = "import sys; sys.stdout.write(str('decimal' in sys.modules))"


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    forks = Forks(Path(sys.executable), ["decimal"])
    yield starters(forks.socket, Path(sys.executable), "scripts") / "python"
    forks.close()


@pytest.fixture
def command(python: Path, tmp_path: Path) -> Command:
    """What runs a program's text."""

    def write(text: str) -> list[str | Path]:
        (tmp_path / "program.py").write_text(text)
        return [python, tmp_path / "program.py"]

    return write


def output(*command: str | Path, **how: object) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60, **how).stdout  # type: ignore[call-overload, no-any-return]


def test_it_has_what_a_program_is_given(command: Command, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"in the pipe")
    text = f"""
import decimal, os, sys
print(sys.argv[1:], os.environ["WORD"], os.getcwd(), sys.stdin.read(), os.read({reading}, 99))
"""
    told = output(
        *(*command(text), "an argument"),
        env={**os.environ, "WORD": "said"},
        cwd=tmp_path,
        input="typed",
        pass_fds=(reading,),
    )
    os.close(reading)
    os.close(writing)
    assert told == f"['an argument'] said {tmp_path} typed b'in the pipe'\n"


def test_it_is_a_fork(command: Command) -> None:
    assert output(*command(FORKED)) == "True"


def test_so_is_what_it_starts_by_the_name_of_its_python(command: Command) -> None:
    start = "len(sys.argv) > 1 or subprocess.run([sys.executable, sys.argv[0], 'child'])"
    assert output(*command(f"import subprocess, sys\n{start}\n{FORKED}")) == "TrueTrue"


@pytest.mark.parametrize("variables", [{"PYTHONPATH": "/elsewhere"}, {"PYTHONHASHSEED": "1"}])
def test_for_other_variables_of_pythons_there_is_a_python(command: Command, variables: dict[str, str]) -> None:
    assert output(*command(FORKED), env={**os.environ, **variables}) == "False"


def test_what_it_is_not_for_is_done_by_python(python: Path) -> None:
    assert output(python, "-I", "-c", FORKED) == "False"


def test_a_program_may_be_in_the_command(python: Path) -> None:
    assert output(python, "-c", f"{FORKED}; print(sys.argv, __name__)", "word") == "True['-c', 'word'] __main__\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import sys; sys.exit(3)", 3),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("import os; os.kill(os.getpid(), 15)", -15),
    ],
)
def test_it_ends_as_the_program_does(command: Command, text: str, code: int) -> None:
    assert subprocess.run(command(text), timeout=60).returncode == code


def test_signals_reach_the_program(command: Command) -> None:
    text = """
import signal, time
signal.signal(signal.SIGTERM, lambda number, frame: exit(7))
print("ready", flush=True)
time.sleep(60)
"""
    with subprocess.Popen(command(text), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(20) == 7


def test_one_that_is_killed_takes_the_program_along(command: Command) -> None:
    with subprocess.Popen(
        command("import os, time; print(os.getpid(), flush=True); time.sleep(60)"), stdout=-1
    ) as process:
        assert process.stdout is not None
        program = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -9
        deadline = time.monotonic() + 20
        while Path(f"/proc/{program}").exists():
            assert time.monotonic() < deadline, "the program goes on"
            time.sleep(0.01)
