"""A clean environment for a model: a new Python with just what the model's requirements.txt says."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import trackback
from trackback.errors import CheckFailed, Unavailable

REQUIREMENTS = "requirements.txt"
OURS = ("msgspec", "packaging", "pyyaml", "numpy", "pandas")
"""What trackback itself needs there to load a model and to hand it a table."""
_AWAY = re.compile(
    r"ConnectionError|SSLError|ProxyError|connection (?:broken|refused|reset|timed out)|read timed out|dns error|"
    r"temporary failure in name resolution|network is unreachable|could not fetch url|failed to fetch|"
    r"error sending request",
    re.IGNORECASE,
)
"""What pip and uv say of an index that does not answer, as against packages that it does not have."""
_TIMEOUT_S = 1800


def make_environment(model: Path, folder: Path) -> Path:
    """Make an environment in a folder; its Python.

    CheckFailed: the model says nothing of what it needs, or that can't be installed. Unavailable: the index of packages
    is away, or takes longer than half an hour.
    """
    required = model / REQUIREMENTS
    if not required.is_file():
        raise CheckFailed(
            f"The model has no {REQUIREMENTS}, so nothing says which packages a clean environment needs. Log it again "
            "with trackback or MLflow, which write one."
        )
    python = folder / "bin" / "python"
    installer = _installer(python)
    made = _run(
        [sys.executable, "-m", "venv", *([] if installer[0] == str(python) else ["--without-pip"]), str(folder)]
    )
    if made.returncode:
        raise Unavailable(f"No clean environment can be made: {_end(made)} (on Debian: apt install python3-venv).")
    installed = _run([*installer, "-r", str(required), *OURS])
    if installed.returncode:
        said = _end(installed)
        if _AWAY.search(installed.stderr + installed.stdout):
            raise Unavailable(f"The model's requirements can't be installed now: {said}")
        raise CheckFailed(f"The model's {REQUIREMENTS} can't be installed in a clean environment: {said}")
    return python


def variables(paths: Path) -> dict[str, str]:
    """Variables for a process that sees none of this Python's packages but trackback, by a link in ``paths``."""
    paths.mkdir(exist_ok=True)
    link = paths / "trackback"
    if not link.exists():
        link.symlink_to(Path(trackback.__file__).parent, target_is_directory=True)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "CONDA"))
    }
    return {**kept, "PYTHONPATH": str(paths), "PYTHONNOUSERSITE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _installer(python: Path) -> list[str]:
    """uv, if it is there, since it is many times as fast; else the pip that is here, or the environment's own.

    Nothing is compiled: most of it is never imported.
    """
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    quietly = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile"]
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(python), *quietly]
    return [str(python), "-m", "pip", *quietly]


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{' '.join(command[:4])} … took longer than {_TIMEOUT_S} s.") from None


def _end(done: "subprocess.CompletedProcess[str]") -> str:
    """What a program said last, on one line."""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return " ".join(lines[-3:])[-600:] or f"exit code {done.returncode}"
