"""Packages, the lock file, and environment variables."""

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from trackback.provenance.environment import chosen_variables
from trackback.provenance.hardware import capture_hardware
from trackback.provenance.packages import Installed, installed_packages, lock_file, normalised


def test_packages_are_those_that_python_knows() -> None:
    known = {normalised(each.metadata["Name"]): each.version for each in distributions()}

    assert {each.name: each.version for each in installed_packages()} == known


def test_the_lock_file_is_one_that_pip_takes_and_finds_installed(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_bytes(lock_file(installed_packages(), "this environment"))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-index",
        "--no-deps",
        "--dry-run",
        "--isolated",
        "-r",
        str(lock),
    ]
    done = subprocess.run(pip, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout
    assert done.stdout.count("already satisfied") == len(installed_packages()) - 1, (
        "all but trackback, which is editable"
    )


@pytest.mark.parametrize(
    ("direct_url", "line"),
    [
        (None, "churn==1.2"),
        (
            {"url": "https://u:p@git.example/churn", "vcs_info": {"vcs": "git", "commit_id": "4f1c2e9"}},
            "churn @ git+https://git.example/churn@4f1c2e9",
        ),
        (
            {
                "url": "https://git.example/all",
                "vcs_info": {"vcs": "git", "commit_id": "4f1c2e9"},
                "subdirectory": "churn",
            },
            "churn @ git+https://git.example/all@4f1c2e9#subdirectory=churn",
        ),
        (
            {"url": "https://files.example/churn-1.2.whl", "archive_info": {"hash": "sha256=abc"}},
            "churn @ https://files.example/churn-1.2.whl#sha256=abc",
        ),
        ({"url": "file:///tmp", "dir_info": {"editable": True}}, "# churn==1.2 is editable, in file:///tmp"),
        ({"url": "file:///tmp", "dir_info": {}}, "# churn==1.2 is from a folder of this machine, file:///tmp"),
        ({"url": "file:///croot/churn_1660000", "dir_info": {}}, "churn==1.2"),
    ],
)
def test_a_package_that_came_from_no_index_says_where_from(direct_url: object, line: str) -> None:
    assert Installed("churn", "1.2", direct_url).requirement() == line


def test_of_several_versions_on_the_path_the_first_counts(tmp_path: Path) -> None:
    for folder, version in (("first", "2.0+cu121"), ("second", "1.0")):
        (tmp_path / folder / f"Churn.Model-{version}.dist-info").mkdir(parents=True)
    (tmp_path / "second" / "old_style-3.1-py3.11.egg-info").mkdir()

    found = installed_packages([str(tmp_path / "first"), str(tmp_path / "second"), str(tmp_path / "missing")])

    assert found == [Installed("churn-model", "2.0+cu121"), Installed("old-style", "3.1")]


def test_where_a_package_came_from_is_read_from_its_metadata(tmp_path: Path) -> None:
    folder = tmp_path / "churn-1.2.dist-info"
    folder.mkdir()
    (folder / "direct_url.json").write_text(
        json.dumps({"url": "https://git.example/c", "vcs_info": {"vcs": "git", "commit_id": "abc"}})
    )

    assert b"churn @ git+https://git.example/c@abc\n" in lock_file(installed_packages([str(tmp_path)]), "")


def test_only_variables_of_the_list_are_kept_and_no_secrets() -> None:
    environment = {
        "OMP_NUM_THREADS": "2",
        "HOME": "/home/ada",
        "MY_STAGE": "nightly",
        "MY_TOKEN": "abc",
        "MY_DATABASE": "postgresql://ada:hunter2@db.example/churn",
        "TF_SALT": "Zx8kQ2mP9vL4tR7wB1nC5yJ3",
    }

    assert chosen_variables(environment, ("MY_*",)) == {
        "OMP_NUM_THREADS": "2",
        "MY_STAGE": "nightly",
        "MY_DATABASE": "postgresql://[secret]@db.example/churn",
        "TF_SALT": "[secret]",
    }
    assert chosen_variables(environment) == {"OMP_NUM_THREADS": "2", "TF_SALT": "[secret]"}


def test_gpus_are_those_that_nvidias_program_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Machines with such a GPU are rare; what the program prints is as its manual has it."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA A100-SXM4-40GB, 40960 MiB, 550.54.15'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert capture_hardware(5).gpus == ("NVIDIA A100-SXM4-40GB, 40960 MiB, driver 550.54.15",)


def test_a_program_of_nvidias_that_fails_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'; exit 9\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert capture_hardware(5).gpus == ()
