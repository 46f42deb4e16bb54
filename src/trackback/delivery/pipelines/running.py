"""All stages of a pipeline, one after the other, on this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from trackback.client.api import Client
from trackback.delivery import ci
from trackback.delivery.exits import ExitCode
from trackback.delivery.pipelines.file import PipelineFile, StageSpec
from trackback.delivery.pipelines.state import State
from trackback.delivery.subject import Subject
from trackback.delivery.written import unwritable, write_whole
from trackback.errors import DeadlineExceeded, NotFound

_TIMED_OUT = ExitCode.UNABLE
_GRACE_S = 10.0
_POLL_S = 0.1


class Standing(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    BEFORE = "passed before"
    LEFT = "not run"


@dataclass
class StageRun:
    """How a stage stands. ``code`` is its exit code; ``seconds`` how long it has run."""

    stage: StageSpec
    log: Path
    standing: Standing = Standing.WAITING
    code: int | None = None
    seconds: float = 0.0

    def last_line(self) -> str:
        """What it said last; empty if it said nothing."""
        with suppress(OSError), self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 2000))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
            return lines[-1] if lines else ""
        return ""

    def document(self) -> dict[str, Any]:
        return {
            "name": self.stage.name,
            "standing": self.standing,
            "exit_code": self.code,
            "seconds": round(self.seconds, 3),
            "log": str(self.log),
        }


@dataclass
class PipelineRun:
    """``changed`` is called whenever something of ``runs`` is another, and now and then meanwhile."""

    client: Client
    pipeline: PipelineFile
    file: Path
    subject: Subject
    logs: Path
    changed: Callable[[], None] = lambda: None
    runs: list[StageRun] = field(init=False)

    def __post_init__(self) -> None:
        self.runs = [StageRun(stage, self.logs / f"{stage.name}.log") for stage in self.pipeline.stages]

    def run(self, *, again: bool = False) -> int:
        """Run what has not passed yet, until one fails; the exit code of that, or 0.

        again: begin anew, whatever passed before.

        StorageFull, InvalidParameter: what is known of the run can't be written.
        """
        state = State(self.file, self.pipeline, self.subject, again=again)
        done = state.passed_before()
        code = 0
        for each in self.runs:
            if each.stage.name in done:
                each.standing = Standing.BEFORE
            elif code:
                each.standing = Standing.LEFT
            else:
                code = self._one(each, state)
        if not code:
            state.forget()
        self.changed()
        return code

    def _one(self, each: StageRun, state: State) -> int:
        attempt = state.begin(each.stage)
        each.standing = Standing.RUNNING
        self.changed()
        variables = stage_variables(self.client, self.subject, each.stage) | {
            "TRACKBACK_SYSTEM": "trackback",
            "TRACKBACK_PIPELINE": self.pipeline.pipeline,
            "TRACKBACK_COUNTER": state.run,
            "TRACKBACK_STAGE": each.stage.name,
            "TRACKBACK_ATTEMPT": str(attempt),
        }
        each.code = self._execute(each, variables, state)
        state.end(each.stage, each.code)
        each.standing = Standing.FAILED if each.code else Standing.PASSED
        self.changed()
        return each.code

    def _execute(self, each: StageRun, variables: Mapping[str, str], state: State) -> int:
        began = time.monotonic()
        ends = began + 60 * each.stage.minutes if each.stage.minutes else None
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            log = each.log.open("wb")
        except OSError as error:
            raise unwritable(each.log, error) from error
        note = partial(state.running, each.stage)
        with log, _shell(each.stage.run, self.file.parent, variables, log, note) as process:
            while process.poll() is None:
                time.sleep(_POLL_S)
                each.seconds = time.monotonic() - began
                self.changed()
                if ends is not None and time.monotonic() > ends:
                    _stop(process)
                    log.write(f"\nIt took longer than {each.stage.minutes:g} minutes, and was ended.\n".encode())
                    return _TIMED_OUT
        each.seconds = time.monotonic() - began
        return _exit_code(process.returncode)


def run_stage(client: Client, pipeline: PipelineFile, file: Path, subject: Subject, name: str, logs: Path) -> int:
    """Run one stage as CI does, with its output where ours goes; its exit code.

    How it ended is kept in ``logs``, too: GoCD fails a job that leaves nothing where its artifacts are to be.

    NotFound: there is none of that name. DeadlineExceeded: it took longer than it may. StorageFull, InvalidParameter:
    how it ended can't be written.
    """
    stage = next((each for each in pipeline.stages if each.name == name), None)
    if stage is None:
        known = ", ".join(each.name for each in pipeline.stages)
        raise NotFound(f"{file} has no stage {name!r}. It has: {known}.")
    limit, began = 60 * stage.minutes if stage.minutes else None, time.monotonic()
    with _shell(stage.run, file.parent, stage_variables(client, subject, stage), None) as process:
        try:
            code = _exit_code(process.wait(limit))
        except subprocess.TimeoutExpired:
            _stop(process)
            raise DeadlineExceeded(
                f"The stage {name} took longer than {stage.minutes:g} minutes, and was ended."
            ) from None
    told = {"stage": name, "exit_code": code, "seconds": round(time.monotonic() - began, 3)}
    write_whole(logs / f"{name}.json", msgspec.json.encode({**told, "subject": subject.document()}))
    return code


def stage_variables(client: Client, subject: Subject, stage: StageSpec) -> dict[str, str]:
    """What a stage finds in its environment: what is delivered, settled once, and where the server is."""
    of_subject = {
        ci.PROMOTION: None if subject.promotion is None else str(subject.promotion),
        ci.MODEL: subject.uri if subject.promotion is None else None,
        "TRACKBACK_NAME": subject.name,
        "TRACKBACK_VERSION": subject.version,
        "TRACKBACK_DIGEST": subject.digest,
        "TRACKBACK_ENVIRONMENT": subject.environment,
    }
    inherited = {name: value for name, value in os.environ.items() if name not in of_subject}
    path = os.pathsep.join((str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)))
    known = {name: value for name, value in of_subject.items() if value is not None}
    return {**inherited, "PATH": path, "TRACKBACK_TRACKING_URI": client.tracking_uri, **known, **stage.env}


@contextmanager
def _shell(
    command: str,
    folder: Path,
    variables: Mapping[str, str],
    log: Any,
    note: Callable[[int], object] = lambda number: None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process group of its own, which ends when the ``with`` does. It runs nothing before ``note`` is done, which is
    told its number: if we are gone by then, it never will.
    """
    process = None
    try:
        with closing(_Gate()) as gate:
            with _ended_later():  # or a process would run on that nobody knows of
                process = subprocess.Popen(
                    ["/bin/sh", "-c", _Gate.BEHIND, "sh", command],
                    cwd=folder,
                    env=dict(variables),
                    stdin=gate.inner,
                    stdout=log,
                    stderr=subprocess.STDOUT if log is not None else None,
                    start_new_session=True,
                )
            note(process.pid)
            gate.open()
        yield process
    except KeyboardInterrupt:
        if process is not None:
            _stop(process, signal.SIGINT)
        raise
    finally:
        if process is not None:
            _stop(process)


class _Gate:
    """A pipe from which a shell reads a line before it goes on, in place of its input."""

    BEHIND = 'read -r _ && exec /bin/sh -c "$1" </dev/null'

    def __init__(self) -> None:
        self.inner, self._outer = os.pipe()

    def open(self) -> None:
        os.write(self._outer, b"\n")

    def close(self) -> None:
        os.close(self._outer)
        os.close(self.inner)


@contextmanager
def _ended_later() -> Iterator[None]:
    """Heed a Ctrl-C or a SIGTERM that comes meanwhile at the end of the ``with``."""
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN  # which the process would inherit, and is meant to
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in came:
            signal.raise_signal(each)


def _stop(process: "subprocess.Popen[bytes]", by: signal.Signals = signal.SIGTERM) -> None:
    """End what still runs of it: asked first, so that it can put away what it has begun."""
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, by)
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _exit_code(returned: int) -> int:
    """As the shell has it: 128 and the number of the signal that ended it."""
    return returned if returned >= 0 else 128 - returned
