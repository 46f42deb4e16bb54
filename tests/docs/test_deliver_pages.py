"""The pages on images and deployments say what is so: options, labels, targets."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.docs.markdown import ROOT, quoted, section, tables
from trackback.cli.main import commands
from trackback.delivery.images import configs, contents

REFERENCE = ROOT / "docs" / "reference"
IMAGE = REFERENCE / "deliver-image.md"
DEPLOY = REFERENCE / "deliver-deploy.md"
SCORE = REFERENCE / "deliver-score.md"
AMI = REFERENCE / "deliver-ami.md"


def flags(command: str) -> set[str]:
    printed = CliRunner().invoke(commands, ["deliver", *command.split(), "--help"], catch_exceptions=False).output
    listed = re.findall(r"^  ((?:-\w, )?--[\w-]+(?: / --[\w-]+)?)", printed, re.MULTILINE)
    return {flag for line in listed for flag in re.findall(r"--[\w-]+", line)} - {"--help"}


@pytest.mark.parametrize(
    ("page", "heading", "command"),
    [
        (IMAGE, "## Options of `trackback deliver image`", "image"),
        (IMAGE, "## A base: `trackback deliver base`", "base"),
        (DEPLOY, "## Options", "deploy"),
        (SCORE, "## Options", "score"),
        (AMI, "## Making one", "ami make"),
        (AMI, "## Pruning", "ami prune"),
    ],
)
def test_each_option_is_explained(page: Path, heading: str, command: str) -> None:
    (rows,) = tables(page, heading)

    assert {flag for option, _ in rows for flag in quoted(option)} == flags(command)


def test_each_label_is_there() -> None:
    source = Path(configs.__file__).read_text()
    labels = set(re.findall(r'"(trackback\.\w+)":', source))

    assert labels
    assert labels <= set(re.findall(r"`(trackback\.\w+)`", section(IMAGE, "## What is in it")))


def test_the_folders_of_an_image_are_named() -> None:
    text = section(IMAGE, "## What is in it")

    assert all(f"`{path}`" in text for path in (contents.LIBRARIES, contents.SERVER, contents.MODEL, contents.LOCK))
    assert f"port {configs.PORT}" in section(IMAGE, "## Running it")
    assert configs.USER.split(":")[0] in section(IMAGE, "## Running it")
