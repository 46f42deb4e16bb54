"""The code of a run: what git knows of it, its script and its command line."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.needs import need
from trackback.provenance.code import DIFF_PATH
from trackback.provenance.git import Repository

PROGRAM = """
import json, sys
import msgspec
from trackback.provenance import CaptureOptions, capture
captured = capture(CaptureOptions.from_environment())
files = {path: content.decode() for path, content in captured.files.items()}
print(json.dumps({"record": msgspec.to_builtins(captured.record), "files": files}))
"""

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of ``train.py`` and ``model.py``, and a remote with a password."""
    need(shutil.which("git"), "no git: install it (on Debian: apt install git)")
    folder = tmp_path / "churn"
    folder.mkdir()
    git(folder, "init", "--initial-branch=main")
    (folder / "train.py").write_text(PROGRAM)
    (folder / "model.py").write_text("depth = 6\n")
    git(folder, "add", ".")
    git(folder, "commit", "--message=first")
    git(folder, "remote", "add", "origin", "https://ada:hunter2@git.example/churn.git")
    return folder


def git(folder: Path, *arguments: str) -> str:
    name = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def run(script: Path, *arguments: str, folder: Path | None = None, env: Mapping[str, str] = NO_VARIABLES) -> Any:
    """What a program that captures itself found."""
    done = subprocess.run(
        [sys.executable, script, *arguments],
        cwd=folder or script.parent,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_commit_branch_and_remote_are_recorded_and_credentials_are_not(repository: Path) -> None:
    code = run(repository / "train.py")["record"]["code"]

    assert code["commit"] == git(repository, "rev-parse", "HEAD")
    assert code["branch"] == "main"
    assert code["repository"] == "https://git.example/churn.git"
    assert code["dirty"] is False
    assert "diff" not in code


def test_the_diff_of_a_dirty_tree_can_be_applied_to_its_commit(repository: Path, tmp_path: Path) -> None:
    (repository / "model.py").write_text("depth = 7\n")
    (repository / "new file.py").write_text("secret plans\n")

    found = run(repository / "train.py")
    patch = tmp_path / "diff.patch"
    patch.write_text(found["files"][DIFF_PATH])
    clean = tmp_path / "clean"
    git(tmp_path, "clone", str(repository), str(clean))
    git(clean, "apply", str(patch))

    assert found["record"]["code"]["dirty"] is True
    assert (clean / "model.py").read_text() == "depth = 7\n"
    assert "# untracked, and not kept: new file.py\n" in patch.read_text()
    assert "secret plans" not in patch.read_text()


def test_secrets_in_the_diff_are_hidden_and_files_of_secrets_left_out(repository: Path) -> None:
    (repository / ".env").write_text("X=1\n")
    git(repository, "add", ".env")
    git(repository, "commit", "--message=second")
    (repository / ".env").write_text("X=hunter1\n")
    (repository / "model.py").write_text("password = 'hunter2'\n")

    diff = run(repository / "train.py")["files"][DIFF_PATH]

    assert "+password = '[secret]'" in diff
    assert "hunter" not in diff


def test_a_long_diff_is_cut_and_says_so(repository: Path) -> None:
    (repository / "model.py").write_text("x = 1\n" * 10_000)

    diff = run(repository / "train.py", env={"TRACKBACK_CAPTURE_MOST_BYTES": "2000"})["files"][DIFF_PATH]

    assert len(diff) < 2200
    assert diff.endswith("# The diff goes on here: it was too long, or took too long.\n")


def test_the_script_is_kept_with_its_place_in_the_repository(repository: Path) -> None:
    (repository / "jobs").mkdir()
    script = shutil.copy(repository / "train.py", repository / "jobs" / "nightly.py")

    found = run(Path(script), "--token", "hunter2", folder=repository)

    assert found["record"]["code"]["entry_point"] == "jobs/nightly.py"
    assert found["record"]["code"]["command"][1:] == [str(script), "--token", "[secret]"]
    assert found["files"]["trackback/code/nightly.py"] == PROGRAM


def test_a_script_outside_of_any_repository_is_recorded_without_one(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)

    code = run(script)["record"]["code"]

    assert code["entry_point"] == "train.py"
    assert not {"commit", "dirty", "repository"} & set(code)


def test_a_repository_without_a_commit_is_dirty(tmp_path: Path) -> None:
    need(shutil.which("git"), "no git: install it (on Debian: apt install git)")
    git(tmp_path, "init", "--initial-branch=main")
    (tmp_path / "train.py").write_text(PROGRAM)

    code = run(tmp_path / "train.py")["record"]["code"]

    assert (code["branch"], code["dirty"], "commit" in code) == ("main", True, False)


def test_nothing_is_written_to_the_repository(repository: Path) -> None:
    (repository / "model.py").write_text("depth = 7\n")
    before = {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")}
    run(repository / "train.py")

    assert {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")} == before


def test_programs_that_a_repository_names_are_not_run(repository: Path, tmp_path: Path) -> None:
    trap, mark = tmp_path / "trap", tmp_path / "was-run"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "core.pager"):
        git(repository, "config", name, str(trap))
    (repository / "model.py").write_text("depth = 7\n")

    assert "depth = 7" in run(repository / "train.py")["files"][DIFF_PATH]
    assert not mark.exists()


def test_git_that_takes_too_long_costs_no_more_than_its_time(repository: Path, tmp_path: Path) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    real = shutil.which("git")
    slow.write_text(f'#!/bin/sh\ncase "$*" in *status*) exec sleep 60;; esac\nexec {real} "$@"\n')
    slow.chmod(0o755)

    began = time.monotonic()
    path = f"{slow.parent}:{os.environ['PATH']}"
    code = run(repository / "train.py", env={"PATH": path, "TRACKBACK_CAPTURE_TIMEOUT_S": "2"})["record"]["code"]

    assert time.monotonic() - began < 20
    assert code["branch"] == "main"
    assert "dirty" not in code


def test_a_large_dirty_tree_is_answered_for_within_the_time(tmp_path: Path) -> None:
    need(shutil.which("git"), "no git: install it (on Debian: apt install git)")
    git(tmp_path, "init", "--initial-branch=main")
    for folder in range(20):
        (tmp_path / f"{folder}").mkdir()
        for file in range(100):
            (tmp_path / f"{folder}" / f"{file}.txt").write_text(f"{folder} {file}\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message=first")
    for folder in range(20):
        (tmp_path / f"{folder}" / "0.txt").write_text("changed\n")

    before = os.times()
    found = Repository.find(tmp_path, 5)
    assert found
    changes = found.changes()
    diff = found.diff(1 << 20)
    after = os.times()

    assert changes
    assert len(changes.changed) == 20
    assert diff.content.count(b"+changed") == 20
    assert after.children_user - before.children_user + after.children_system - before.children_system < 2
