"""What users are shown is what happens: each page's commands are run as they stand, and their output is compared.

Blocks of ``sh`` are run in order in one shell, in the folder where the server keeps its ``trackback-data``. Blocks of
Python that begin with a comment naming a file are that file. The block that directly follows one of ``sh`` shows its
output: ``json`` is compared as JSON, anything else as text. There ``…`` stands for any text, and a time for any time.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import model_processes
from tests.docs.markdown import ROOT, Block, blocks
from tests.environments import Environment
from tests.needs import need
from tests.servers.trackback import TrackbackServer

SHOWN_SERVER = "http://127.0.0.1:5000"
A_TIME_MS = 1_700_000_000_000
# The environments that pages name, and what they are here.
PYTHONS = {
    "env": ".venv",
    "client": ".venvs/mlflow3",
    "server": ".venv",
    ".venvs/mlflow3": ".venvs/mlflow3",
    ".venv": ".venv",
}

PAGES = [
    "README.md",
    "docs/tutorial.md",
    "docs/tutorial-client.md",
    "docs/operations.md",
    "docs/reference/server.md",
    "docs/reference/http.md",
    "docs/reference/search.md",
    "docs/reference/housekeeping.md",
    "docs/reference/models.md",
    "docs/reference/autolog.md",
]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", PAGES)
def test_a_pages_commands_print_what_it_shows(name: str, tmp_path: Path) -> None:
    for tool in ("bash", "curl", "jq"):
        need(shutil.which(tool), f"no {tool}: install it (on Debian: apt install {tool})")
    page, data = ROOT / name, tmp_path / "trackback-data"
    with TrackbackServer(f"sqlite:///{data}/trackback.db", data / "artifacts", tmp_path) as server:
        write_programs(page, tmp_path)
        commands = blocks(page, "sh")
        printed = run(commands, tmp_path, server.url)
    differences = "\n".join(filter(None, map(difference, commands, printed)))

    assert not differences, differences


def write_programs(page: Path, folder: Path) -> None:
    """The page's Python files, and the environment that it runs them in, by the names that it has there."""
    text = page.read_text()
    for file, program in re.findall(r"^```python\n# (\S+\.py)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        (folder / file).write_text(program)
    for name, environment in PYTHONS.items():
        if f"{name}/bin/" in text:
            need((ROOT / environment).exists(), f"no environment {environment}: make {environment}/.installed makes it")
            lay_out(folder / name, ROOT / environment)


def lay_out(place: Path, environment: Path) -> None:
    """An environment, but for what is sooner there by a fork."""
    place.mkdir(parents=True)
    for each in environment.iterdir():
        if each.name != "bin":
            (place / each.name).symlink_to(each)
    (place / "bin").mkdir()
    if environment.name == ".venv":
        (place / "bin" / "python").symlink_to(environment / "bin" / "python")
        (place / "bin" / "trackback").symlink_to(model_processes.programs() / "trackback")
    else:
        for each in Environment(environment.name).starters().iterdir():
            (place / "bin" / each.name).symlink_to(each)


def run(commands: list[Block], folder: Path, url: str) -> list[str]:
    """What each of the blocks prints to standard output."""
    program = ["set -euo pipefail"]
    for number, block in enumerate(commands):
        program.append(f"{{\n{block.text.replace(SHOWN_SERVER, url)}\n}} > {folder}/.{number}")
    done = subprocess.run(
        ["bash", "-c", "\n".join(program)],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")},
            "TRACKBACK_SYSTEM_METRICS": "0",  # there are some only if training takes its time
        },
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=220,
    )
    assert done.returncode == 0, f"the commands ended with {done.returncode}: {done.stderr[-4000:]}"
    return [(folder / f".{number}").read_text().replace(url, SHOWN_SERVER) for number in range(len(commands))]


def difference(block: Block, printed: str) -> str:
    """How what was printed differs from what the page shows; empty if it doesn't, or shows nothing."""
    if block.output is None:
        return ""
    shown = block.output.text
    if block.output.language == "json":
        same = alike(json.loads(shown), json.loads(printed))
    else:
        same = fnmatch.fnmatchcase(printed.strip(), pattern(shown.strip()))
    return "" if same else f"line {block.line} shows\n{shown}\nand printed was\n{printed}"


def alike(shown: Any, printed: Any) -> bool:
    match shown:
        case dict():
            return (
                isinstance(printed, dict)
                and list(shown) == list(printed)
                and all(alike(value, printed[name]) for name, value in shown.items())
            )
        case list():
            return isinstance(printed, list) and len(shown) == len(printed) and all(map(alike, shown, printed))
        case str():
            return isinstance(printed, str) and fnmatch.fnmatchcase(printed, pattern(shown))
        case int() if shown > A_TIME_MS and isinstance(printed, int):
            return printed > A_TIME_MS
        case _:
            return bool(shown == printed) and type(shown) is type(printed)


def pattern(shown: str) -> str:
    return re.sub(r"[*?[]", r"[\g<0>]", shown).replace("…", "*")
