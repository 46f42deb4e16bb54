"""Python packages for an image: found out by pip once, installed by their digests, and freed of what differs each time.

pip runs here, for the Python of the image: nothing of the base is run, and only wheels are taken, so that no package's
own code is, either.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from trackback.client.cache import sha256_of
from trackback.delivery.images.pythons import Python
from trackback.errors import ConfigurationError, InvalidParameter, MissingTool, StorageFull, TrackbackError, Unavailable
from trackback.flavors.estimators import FILE_NAME, LISTING

_AWAY = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|Max retries exceeded|ProxyError"
    r"|HTTP error 5\d\d"
)
_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")
_REMOVED = ("direct_url.json", "REQUESTED")


@dataclass(frozen=True)
class Package:
    """A wheel, by its SHA-256."""

    name: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


@dataclass(frozen=True)
class Pip:
    """pip, as it runs for the Python of an image.

    interpreter: the Python here that runs it, of the same version as the image's.
    find_links: folders with wheels that are looked into, too.
    """

    interpreter: Path
    python: Python
    find_links: tuple[Path, ...] = ()

    def resolve(self, requirements: Sequence[str], constraints: Sequence[str], folder: Path) -> list[Package]:
        """Which packages these requirements come to, sorted by name.

        folder: that of the model, which its requirements may name files in.
        InvalidParameter: there are none that fit, or none as wheels. Unavailable: the package index is away.
        """
        with tempfile.TemporaryDirectory() as name:
            wanted, bounds, report = (
                Path(name, each) for each in ("requirements.txt", "constraints.txt", "report.json")
            )
            wanted.write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
            bounds.write_text("".join(f"{line}\n" for line in constraints), encoding="utf-8")
            flags: list[str | Path] = [
                "--dry-run",
                "--ignore-installed",
                "--report",
                report,
                "--target",
                Path(name, "target"),
            ]
            self._run([*flags, "-r", wanted, "-c", bounds], folder)
            found = json.loads(report.read_bytes())["install"]
        return sorted((_package(each) for each in found), key=lambda each: each.name.lower())

    def install(self, packages: Sequence[Package], target: Path) -> None:
        """Install just these. Errors: those of ``resolve``; StorageFull: there is no room."""
        with tempfile.TemporaryDirectory() as name:
            wanted = Path(name, "requirements.txt")
            wanted.write_text("".join(f"{each.requirement}\n" for each in packages), encoding="utf-8")
            self._run(["--no-deps", "--no-compile", "--require-hashes", "--target", target, "-r", wanted], Path(name))

    def _run(self, arguments: Iterable[str | Path], folder: Path) -> None:
        platforms = [flag for each in self.python.platforms for flag in ("--platform", each)]
        links = [flag for each in self.find_links for flag in ("--find-links", str(each.absolute()))]
        kind = ["--only-binary=:all:", "--implementation", "cp", "--python-version", self.python.version]
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-conflicts"]
        command = [self.interpreter, "-m", "pip", "install", *quiet, *kind, *platforms, *links, *arguments]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if ran.returncode:
            raise _failure(ran.stderr, self.interpreter)


def _package(said: dict[str, Any]) -> Package:
    named, info = said["metadata"], said["download_info"]
    sha256 = (info.get("archive_info") or {}).get("hashes", {}).get("sha256")
    if not sha256:
        place = urlsplit(info["url"])
        if place.scheme != "file":
            raise InvalidParameter(
                f"{named['name']} comes from {info['url']}, of which no digest is known. Give it as a wheel, by "
                "--find-links."
            )
        sha256 = sha256_of(Path(unquote(place.path)))
    return Package(named["name"], named["version"], sha256)


def _failure(text: str, interpreter: Path) -> TrackbackError:
    lines = [line.removeprefix("ERROR: ").strip() for line in text.splitlines() if not line.startswith("WARNING")]
    told = "\n  ".join(filter(None, lines[-12:])) or text[-500:]
    if "No module named pip" in text:
        return MissingTool(f"{interpreter} has no pip. Install it there, or name another interpreter: --python.")
    if _FULL.search(text):
        return StorageFull(f"pip found no room: {lines[-1]}. Make room, and run the stage again.")
    if _AWAY.search(text):
        return Unavailable(f"The package index can't be reached:\n  {told}")
    if match := _NO_WHEEL.search(text):
        return InvalidParameter(
            f"There is no wheel of {match[1]} for the image. If it is there as source, build a wheel and name its "
            f"folder: `pip wheel '{match[1]}' -w wheels`, --find-links wheels. pip says:\n  {told}"
        )
    return InvalidParameter(f"What the model and the scoring server need can't be installed together:\n  {told}")


def normalise(folder: Path) -> None:
    """Remove what pip leaves that differs from one installation to the next, or names this machine."""
    shutil.rmtree(folder / "bin", ignore_errors=True)  # scripts that begin with the path of an interpreter here
    for cached in list(folder.rglob("__pycache__")):
        shutil.rmtree(cached, ignore_errors=True)
    for info in folder.glob("*.dist-info"):
        for name in _REMOVED:
            (info / name).unlink(missing_ok=True)
        record = info / "RECORD"
        if record.is_file():
            record.write_bytes(_kept_rows(record.read_text(encoding="utf-8")))


def _kept_rows(text: str) -> bytes:
    kept = io.StringIO()
    rows = sorted(row for row in csv.reader(io.StringIO(text)) if row and _is_kept(row[0]))
    csv.writer(kept, lineterminator="\n").writerows(rows)
    return kept.getvalue().encode()


def _is_kept(path: str) -> bool:
    name = path.rpartition("/")[2]
    return not (path.startswith(("..", "/", "bin/")) or "__pycache__" in path or name in _REMOVED)


def compile_all(interpreter: Path, folder: Path, target: str) -> None:
    """Compile the modules in a folder that is going to be ``target``, such that the same sources give the same bytes.

    The compiled files hold digests of their sources instead of times, and are not checked against them: an image does
    not change. Files that no Python of this version can compile are left as they are.
    """
    flags: list[str | Path] = ["-q", "-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", folder, "-p", target]
    environ = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}
    command: list[str | Path] = [interpreter, "-S", "-s", "-W", "ignore", "-m", "compileall", *flags, folder]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if _FULL.search(ran.stdout + ran.stderr):
        raise StorageFull(f"There is no room to compile in {folder}. Make some, and run the stage again.")


def note_estimators(interpreter: Path, folder: Path) -> None:
    """Write down what scikit-learn's estimators are called, so that not each start of a container has to find it out.
    Where it can't be run here, since it is for another kind of machine, starts take that longer.
    """
    environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(folder), "LANG": "C.UTF-8"}
    command: list[str | Path] = [interpreter, "-S", "-s", "-B", "-W", "ignore", "-c", LISTING]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if ran.returncode == 0:
        (folder / FILE_NAME).write_text(ran.stdout)


def version_of(interpreter: Path) -> str:
    """The full version of an interpreter, as ``3.11.7``. ConfigurationError: it can't be run."""
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    try:
        ran = subprocess.run([interpreter, "-S", "-c", code], capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(f"{interpreter} is no Python that can be run: {error}. Name one: --python.") from error
    return ran.stdout.strip()
