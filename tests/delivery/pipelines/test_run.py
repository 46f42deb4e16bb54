"""`trackback deliver run`: the stages of a file one after the other, until one fails, and on from there."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.delivery.world import World, cancer
from trackback.delivery.pipelines.state import State
from trackback.errors import StorageFull

Saved = Callable[[str], Path]


@pytest.fixture
def version(delivery: World, saved: Saved) -> str:
    delivery.register("cancer", saved("cancer"))
    return "models:/cancer/1"


def stages(delivery: World, **commands: str) -> Path:
    lines = [f"  - name: {name}\n    run: |\n      {command}\n" for name, command in commands.items()]
    return delivery.write("deliver.yaml", "pipeline: churn\nmodel: models:/cancer/1\nstages:\n" + "".join(lines))


def standings(delivery: World, file: Path, *options: object, code: int = 0) -> list[tuple[str, str, int | None]]:
    found = delivery.deliver("run", file, *options, code=code, reports=False)
    return [(each["name"], each["standing"], each["exit_code"]) for each in found["stages"]]


@pytest.mark.usefixtures("version")
class TestRuns:
    def test_all_stages_run_in_their_order_on_one_model(self, delivery: World) -> None:
        file = stages(delivery, one="echo 1 $TRACKBACK_MODEL >> log", two="echo 2 $TRACKBACK_DIGEST >> log")
        assert standings(delivery, file) == [("one", "passed", 0), ("two", "passed", 0)]
        digest = delivery.client.get_model_version("cancer", "1").digest
        assert (delivery.folder / "log").read_text() == f"1 models:/cancer/1\n2 {digest}\n"

    def test_the_first_that_fails_ends_it_with_its_exit_code(self, delivery: World) -> None:
        file = stages(delivery, one="true", two="echo no; exit 7", three="touch three")
        assert standings(delivery, file, code=7) == [
            ("one", "passed", 0),
            ("two", "failed", 7),
            ("three", "not run", None),
        ]
        assert not (delivery.folder / "three").exists()
        assert (delivery.folder / "trackback-reports/logs/two.log").read_text() == "no\n"

    def test_it_goes_on_where_it_failed(self, delivery: World) -> None:
        file = stages(delivery, one="echo 1 >> log", two="test -f there", three="echo 3 >> log")
        standings(delivery, file, code=1)
        delivery.write("there", "")
        assert standings(delivery, file) == [
            ("one", "passed before", None),
            ("two", "passed", 0),
            ("three", "passed", 0),
        ]
        assert (delivery.folder / "log").read_text() == "1\n3\n"

    def test_once_all_have_passed_it_begins_anew(self, delivery: World) -> None:
        file = stages(delivery, one="echo 1 >> log")
        standings(delivery, file)
        standings(delivery, file)
        assert (delivery.folder / "log").read_text() == "1\n1\n"

    def test_a_stage_that_is_another_now_and_those_after_it_run_again(self, delivery: World) -> None:
        standings(delivery, stages(delivery, one="true", two="true", three="false"), code=1)
        file = stages(delivery, one="true", two="echo 2", three="true")
        assert [each[1] for each in standings(delivery, file)] == ["passed before", "passed", "passed"]

    def test_again_begins_with_the_first(self, delivery: World) -> None:
        file = stages(delivery, one="echo 1 >> log", two="false")
        standings(delivery, file, code=1)
        standings(delivery, file, "--again", code=1)
        assert (delivery.folder / "log").read_text() == "1\n1\n"

    def test_another_model_does_not_go_on_where_this_one_was(self, delivery: World, saved: Saved) -> None:
        file = stages(delivery, one="echo 1 >> log", two="false")
        standings(delivery, file, code=1)
        delivery.register("cancer", saved("cancer-weak"))
        standings(delivery, file, "--model", "models:/cancer/2", code=1)
        assert (delivery.folder / "log").read_text() == "1\n1\n"

    def test_a_stage_that_takes_too_long_is_ended(self, delivery: World) -> None:
        file = delivery.write(
            "deliver.yaml",
            "pipeline: churn\nmodel: models:/cancer/1\nstages:\n  - {name: slow, run: sleep 60, minutes: 0.01}\n",
        )
        assert standings(delivery, file, code=3) == [("slow", "failed", 3)]
        assert "0.01 minutes" in (delivery.folder / "trackback-reports/logs/slow.log").read_text()

    def test_one_stage_alone_ends_as_it_does(self, delivery: World) -> None:
        file = stages(delivery, one="exit 5", two="true")
        assert delivery.invoke("run", file, "--stage", "one").exit_code == 5
        assert delivery.invoke("run", file, "--stage", "two").exit_code == 0
        kept = json.loads((delivery.folder / "trackback-reports/logs/one.json").read_text())
        assert (kept["exit_code"], kept["subject"]["model"]) == (5, "models:/cancer/1")
        result = delivery.invoke("run", file, "--stage", "three")
        assert (result.exit_code, "It has: one, two" in result.stderr) == (2, True)

    def test_people_see_a_line_a_stage(self, delivery: World) -> None:
        file = stages(delivery, one="echo hello", two="exit 4")
        result = delivery.invoke("run", file)
        assert "=== two: failed, exit code 4" in result.stderr
        assert "hello" in result.stderr
        assert [line.split()[0] for line in result.stdout.splitlines()[1:3]] == ["one", "two"]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("pipeline: churn\nstages: []\n", "line 2 at 'stages'"),
            ("pipeline: churn\nstages:\n  - {name: a b, run: x}\n", "line 3 at 'stages[0]': 'a b' is no name"),
            ("pipeline: churn\nstages:\n  - {name: a, run: x}\n  - {name: a, run: x}\n", "Two stages are called 'a'"),
        ],
    )
    def test_what_is_wrong_with_the_file_is_told_with_its_line(self, delivery: World, text: str, said: str) -> None:
        result = delivery.invoke("run", delivery.write("deliver.yaml", text))
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


@pytest.mark.usefixtures("version")
def test_real_stages_report_builds_of_one_pipeline_for_the_promotion(delivery: World) -> None:
    delivery.client.promote("models:/cancer/1", "staging")
    delivery.write("patients.parquet", cancer()[1])
    command = "trackback deliver {} --data patients.parquet --target y"
    file = stages(delivery, validate=command.format("validate"), delta=command.format("delta --against staging"))
    assert [each[1] for each in standings(delivery, file, "--model", "1")] == ["passed", "passed"]
    builds = list(delivery.client.list_builds(promotion=1))
    assert {(each.system, each.pipeline, each.stage, each.result) for each in builds} == {
        ("trackback", "churn", "validate", "passed"),
        ("trackback", "churn", "delta", "passed"),
    }
    assert len({each.counter for each in builds}) == 1
    version = delivery.client.get_model_version("cancer", "1")
    assert [len(delivery.verdicts(version, name)) for name in ("validation", "delta")] == [1, 1]


@pytest.mark.usefixtures("version")
@pytest.mark.parametrize(("by", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_interrupted_leaves_nothing_running(delivery: World, by: signal.Signals, code: int) -> None:
    file = stages(delivery, slow="echo $$ > pid; exec sleep 300")
    process, stage = started(delivery, file)
    process.send_signal(by)
    assert process.wait(60) == code
    assert not psutil.pid_exists(stage) or psutil.Process(stage).status() == psutil.STATUS_ZOMBIE


def started(delivery: World, file: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """`trackback deliver run`, and the process of its stage, which has written its number to the file ``pid``."""
    at_a_desk = ["env", "--default-signal=INT"]  # what a shell runs in the background ignores it
    process = subprocess.Popen(
        [
            *(*at_a_desk, sys.executable, "-m", "trackback"),
            *("deliver", "run", str(file), "--server", delivery.client.tracking_uri),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pid = delivery.folder / "pid"
    ends = time.monotonic() + 60
    while not (pid.exists() and pid.read_text().strip()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return process, int(pid.read_text())


@pytest.mark.usefixtures("version")
def test_a_stage_that_a_killed_run_has_left_running_is_not_begun_twice(delivery: World) -> None:
    file = stages(delivery, slow="echo $$ > pid; echo $TRACKBACK_ATTEMPT >> log; test -f done || exec sleep 300")
    process, stage = started(delivery, file)
    process.kill()
    process.wait()
    result = delivery.invoke("run", file)
    assert (result.exit_code, f"process {stage}." in result.stderr) == (3, True)
    os.killpg(stage, signal.SIGKILL)
    delivery.write("done", "")
    ends = time.monotonic() + 60
    while delivery.invoke("run", file).exit_code == 3:  # until the kernel has cleared it away
        assert time.monotonic() < ends
    assert (delivery.folder / "log").read_text() == "1\n1\n"


@pytest.mark.usefixtures("version")
def test_a_stage_whose_process_nobody_could_note_has_not_begun(
    delivery: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise StorageFull("no room")

    file = stages(delivery, slow="echo begun > log")
    monkeypatch.setattr(State, "running", gone)
    assert delivery.invoke("run", file).exit_code == 3
    assert not (delivery.folder / "log").exists()


@pytest.mark.usefixtures("version")
def test_on_a_terminal_a_table_shows_how_the_stages_stand(delivery: World) -> None:
    file = stages(delivery, one="echo hello; sleep 1", two="exit 4")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "trackback", "deliver", "run", str(file), "--server", delivery.client.tracking_uri]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as run:
        os.close(theirs)
        text = b"".join(iter(lambda: read(ours), b"")).decode()
        assert run.wait(60) == 4
    os.close(ours)
    assert re.search(r"one +.*running.*hello", text)
    assert "EXIT CODE" in text
    assert re.search(r"two +.*failed.* 4 ", text)


@pytest.mark.usefixtures("version")
def test_what_a_stage_said_last_takes_no_room_from_the_other_columns(delivery: World) -> None:
    file = stages(delivery, validate=f"echo {'long ' * 40}")
    printed = delivery.invoke("run", file).stdout
    assert re.search(r"STAGE +EXIT CODE +TIME +LAST LINE\n", printed)
    assert re.search(r"validate +passed +0 +[0-9.]+ s +(long ?){40}\n", printed)


def read(terminal: int) -> bytes:
    """Some of what was written to a terminal; nothing once its last writer is gone."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
