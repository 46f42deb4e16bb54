"""Programs that are run in forks of a Python with much imported end as they would by themselves."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forked import Forks


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    forks = Forks(Path(sys.executable), ["decimal"])
    yield forks
    forks.close()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "program.py"


def run(forks: Forks, program: Path, text: str, timeout_s: float = 30) -> "subprocess.CompletedProcess[str]":
    program.write_text(text)
    return forks.run([str(program), "an argument"], {"NAME": "value"}, timeout_s)


def test_a_program_has_its_arguments_variables_neighbours_and_what_is_imported(forks: Forks, program: Path) -> None:
    program.with_name("neighbour.py").write_text("WORD = 'here'")
    told = "print(sys.argv[1], os.environ, neighbour.WORD, 'decimal' in sys.modules, repr(sys.stdin.read()))"
    ended = run(forks, program, f"import os, sys, neighbour\n{told}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "an argument environ({'NAME': 'value'}) here True ''\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [("import sys; sys.exit(3)", 3), ("1 / 0", 1), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9)],
)
def test_its_end_is_told(forks: Forks, program: Path, text: str, code: int) -> None:
    ended = run(forks, program, text)
    assert ended.returncode == code
    assert ("ZeroDivisionError" in ended.stderr) == (code == 1)


def test_what_is_to_be_done_at_its_end_is_done(forks: Forks, program: Path) -> None:
    assert run(forks, program, "import atexit; atexit.register(print, 'the end')").stdout == "the end\n"


def test_nothing_of_one_program_is_left_to_the_next(forks: Forks, program: Path) -> None:
    run(forks, program, "import builtins, os; builtins.left = 1; os.environ['LEFT'] = '1'")
    assert run(forks, program, "import os; print('left' in dir(__builtins__), 'LEFT' in os.environ)").stdout == (
        "False False\n"
    )


def test_a_module_that_keeps_something_of_its_import_is_executed_again(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "born.py").write_text("import time; when = time.time_ns()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    forks = Forks(Path(sys.executable), ["+born"])
    first, second = (run(forks, program, "import born; print(born.when)").stdout for _ in range(2))
    forks.close()
    assert first != second


def test_one_that_takes_too_long_is_ended_with_all_that_it_started(forks: Forks, program: Path) -> None:
    started = "import subprocess, time; child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True)"
    with pytest.raises(subprocess.TimeoutExpired) as late:
        run(forks, program, f"{started}; time.sleep(60)", timeout_s=1)
    child = Path("/proc", late.value.output.decode().strip(), "stat")
    for _ in range(100):
        if not child.exists() or child.read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the child goes on")
    assert run(forks, program, "print('the next')").stdout == "the next\n"
