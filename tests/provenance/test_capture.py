"""All that is captured, as a program has it, and how to switch it off."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.provenance.test_code import PROGRAM, run
from trackback.entities import PROVENANCE_VERSION
from trackback.errors import InvalidParameter
from trackback.provenance import CaptureOptions, capture
from trackback.services.provenance_documents import read_document

PARTS = ["GIT", "DIFF", "SCRIPT", "NOTEBOOK", "COMMAND", "PACKAGES", "HARDWARE", "VARIABLES"]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(PROGRAM)
    return path


def test_the_record_is_one_that_the_server_reads_without_faults() -> None:
    import msgspec  # noqa: PLC0415 - only here

    captured = capture(CaptureOptions())
    read = read_document(msgspec.json.encode(captured.record))

    assert read.faults == ()
    assert read.record == captured.record
    assert captured.record.schema_version == PROVENANCE_VERSION


def test_files_are_named_with_their_digests(script: Path) -> None:
    found = run(script)
    code, environment = found["record"]["code"], found["record"]["environment"]

    assert set(found["files"]) == {code["script"]["path"], environment["lock"]["path"]}
    for kept in (code["script"], environment["lock"]):
        assert kept["sha256"] == hashlib.sha256(found["files"][kept["path"]].encode()).hexdigest()


def test_python_the_system_and_the_machine_are_recorded(script: Path) -> None:
    environment = run(script)["record"]["environment"]

    assert environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert environment["os"].startswith(os.uname().sysname)
    assert environment["machine"] == os.uname().machine
    assert environment["hardware"]["cpu_count"] == os.cpu_count()
    assert environment["hardware"]["memory_bytes"] > 1 << 28
    assert environment["hardware"]["cpu"]


def test_one_variable_switches_everything_off(script: Path) -> None:
    found = run(script, env={"TRACKBACK_CAPTURE": "0"})

    assert found["files"] == {}
    assert "code" not in found["record"]
    assert set(found["record"]["environment"]) <= {"python", "os", "machine"}


@pytest.mark.parametrize(
    ("part", "left_out"),
    [
        ("SCRIPT", "trackback/code/train.py"),
        ("PACKAGES", "trackback/requirements.lock"),
    ],
)
def test_a_part_is_switched_off_alone(script: Path, part: str, left_out: str) -> None:
    assert left_out in run(script)["files"]
    assert left_out not in run(script, env={f"TRACKBACK_CAPTURE_{part}": "off"})["files"]


def test_each_part_has_its_variable() -> None:
    off = {f"TRACKBACK_CAPTURE_{part}": "0" for part in PARTS}

    assert CaptureOptions.from_environment(off) == CaptureOptions.from_environment({"TRACKBACK_CAPTURE": "no"})
    assert CaptureOptions.from_environment({}) == CaptureOptions()
    one = CaptureOptions.from_environment({"TRACKBACK_CAPTURE": "0", "TRACKBACK_CAPTURE_GIT": "1"})
    assert (one.git, one.script) == (True, False)


def test_numbers_and_lists_come_from_the_environment_too() -> None:
    options = CaptureOptions.from_environment(
        {
            "TRACKBACK_CAPTURE_MORE_VARIABLES": "MY_*, STAGE",
            "TRACKBACK_CAPTURE_MOST_BYTES": "1000",
            "TRACKBACK_CAPTURE_TIMEOUT_S": "0.5",
        }
    )

    assert options == CaptureOptions(more_variables=("MY_*", "STAGE"), most_bytes=1000, timeout_s=0.5)


@pytest.mark.parametrize("variable", ["TRACKBACK_CAPTURE", "TRACKBACK_CAPTURE_GIT", "TRACKBACK_CAPTURE_TIMEOUT_S"])
def test_what_is_no_switch_is_refused_by_name(variable: str) -> None:
    with pytest.raises(InvalidParameter, match=f"{variable} is 'perhaps'"):
        CaptureOptions.from_environment({variable: "perhaps"})


def test_a_part_that_fails_costs_only_itself(script: Path, tmp_path: Path) -> None:
    """A folder that was deleted under a running program has no repository, and no current folder."""
    gone = tmp_path / "gone"
    gone.mkdir()
    program = f"import os\nos.rmdir({str(gone)!r})\n" + PROGRAM
    done = subprocess.run([sys.executable, "-c", program], cwd=gone, capture_output=True, text=True)

    assert done.returncode == 0
    assert '"python": ' in done.stdout
    assert done.stderr.count("could not be captured") == 1


def test_names_of_files_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)  # noqa: PTH102 - the name is bytes
    script = os.fsdecode(folder + b"/tr\xe9n.py")
    program = "from trackback.provenance import CaptureOptions, capture\nimport msgspec, sys\n" + (
        "found = capture(CaptureOptions(git=False, packages=False, hardware=False))\n"
        "sys.stdout.buffer.write(msgspec.json.encode([found.record, list(found.files)]))\n"
    )
    Path(script).write_text(program)
    printed = subprocess.check_output([sys.executable, script, b"caf\xe9"], cwd=tmp_path)
    record, files = json.loads(printed)
    assert files == ["trackback/code/tr?n.py"]
    assert record["code"]["script"]["path"] == files[0]
    assert record["code"]["command"][-1] == r"caf\udce9"
