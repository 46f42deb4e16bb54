"""The template of `trackback deliver ami --packer`, as Packer itself reads it."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.environments import ROOT
from tests.needs import need
from trackback.delivery.ami.contents import Container
from trackback.delivery.ami.packer import write_template
from trackback.delivery.subject import Subject

pytestmark = pytest.mark.delivery

TOOLS = ROOT / ".tools" / "bin"
PACKER, PLUGIN = TOOLS / "packer", TOOLS / "packer-plugin-amazon"
ODD = 'chürn ${a} %{b} "q" \\'
"""A name with all that begins or ends something in HCL."""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    command = ("/usr/bin/python3", "-m", "trackback")
    container = Container("churn", f"sha256:{'a' * 64}", "amd64", (), {"NAME": ODD}, command, "65532:65532")
    subject = Subject(f"models:/{ODD}/1", "b" * 64, ODD, "1", "c" * 32, 12, "production")
    tags = {"trackback:model": ODD, "trackback:version": "1"}
    return write_template(container, subject, tmp_path / "packer", name="trackback-1", region="eu-west-1", tags=tags)


def packer(*words: object, folder: Path) -> "subprocess.CompletedProcess[str]":
    for each in (PACKER, PLUGIN):
        need(each.exists(), f"no {each.name}: run `make .tools/bin/{each.name}`, which needs Go")
    env = {**os.environ, "CHECKPOINT_DISABLE": "1", "PACKER_CONFIG_DIR": str(folder.parent)}
    return subprocess.run([PACKER, *map(str, words)], cwd=folder, env=env, capture_output=True, text=True)


@pytest.fixture
def installed(template: Path) -> Path:
    """The folder of the template, where `packer init` has been."""
    ran = packer("plugins", "install", "--path", PLUGIN, "github.com/hashicorp/amazon", folder=template.parent)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return template.parent


def test_packer_and_what_makes_amis_take_the_template(installed: Path) -> None:
    ran = packer("validate", ".", folder=installed)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_template_that_is_wrong_would_be_refused(installed: Path) -> None:
    path = installed / "trackback.pkr.hcl"
    path.write_text(path.read_text().replace("imds_support ", "imds_supports"))
    ran = packer("validate", ".", folder=installed)
    assert (ran.returncode, "imds_supports" in ran.stdout + ran.stderr) == (1, True)


def test_it_is_formatted_as_packer_would(template: Path) -> None:
    ran = packer("fmt", "-check", "-diff", ".", folder=template.parent)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_it_builds_one_machine_from_one_source(template: Path) -> None:
    said = packer("inspect", ".", folder=template.parent).stdout
    assert 'var.region: "eu-west-1"' in said
    assert "amazon-ebs.scoring" in said
