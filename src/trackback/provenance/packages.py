"""The installed packages, read off the names of their metadata folders: to parse 300 files takes 200 ms, this 5.

The folder of a package is named for it and its version (``scikit_learn-1.9.1.dist-info``), by the rules of Python's
"Recording installed projects" and, before that, of setuptools.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from trackback.provenance.secrets import without_credentials

_FOLDER = re.compile(r"(.+?)-(\d[^-]*?)(?:-py[\d.]+(?:-.+)?)?\.(?:dist-info|egg-info)")


@dataclass(frozen=True)
class Installed:
    """``name`` is normalised. ``direct_url`` is what PEP 610 keeps of a package that came from no index."""

    name: str
    version: str
    direct_url: Any = None

    def requirement(self) -> str:
        """The line for it in a requirements file: a comment, if only this machine has it."""
        pinned = f"{self.name}=={self.version}"
        match self.direct_url:
            case {"url": str(url), "vcs_info": {"vcs": str(vcs), "commit_id": str(commit)}}:
                return f"{self.name} @ {vcs}+{without_credentials(url)}@{commit}{_fragment(self.direct_url)}"
            case {"url": str(url), "archive_info": dict(archive)} if not url.startswith("file:"):
                digest = archive.get("hash")
                return f"{self.name} @ {without_credentials(url)}{f'#{digest}' if digest else ''}"
            case {"url": str(url), "dir_info": {"editable": True}}:
                return f"# {pinned} is editable, in {url}"
            case {"url": str(url), "dir_info": _} if Path(unquote(urlsplit(url).path)).is_dir():
                return f"# {pinned} is from a folder of this machine, {url}"
        return pinned  # also where conda built it, on a machine of its own


def installed_packages(path: Sequence[str] = sys.path) -> list[Installed]:
    """By name; of several versions on the path that which Python imports."""
    found: dict[str, Installed] = {}
    for folder in dict.fromkeys(path):
        for each in _packages_in(Path(folder)):
            found.setdefault(each.name, each)
    return sorted(found.values(), key=lambda each: each.name)


def lock_file(packages: Sequence[Installed], heading: str) -> bytes:
    """A requirements file with exactly these packages."""
    lines = [f"# {heading}", *(each.requirement() for each in packages)]
    return "".join(f"{line}\n" for line in lines).encode()


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _packages_in(folder: Path) -> Iterator[Installed]:
    try:
        names = [each.name for each in folder.iterdir() if each.name.endswith(("-info", ".egg-link"))]
    except OSError:  # an archive, or a folder that is not there
        return
    for name in names:
        if match := _FOLDER.fullmatch(name):
            yield Installed(normalised(match[1]), match[2], _direct_url(folder / name))
        elif name.endswith((".dist-info", ".egg-info")) and (parsed := _from_metadata(folder / name)):
            yield parsed


def _direct_url(folder: Path) -> Any:
    try:
        return json.loads((folder / "direct_url.json").read_bytes())
    except (OSError, ValueError):
        return None


def _from_metadata(folder: Path) -> Installed | None:
    """Old installs name no version in the folder's name."""
    from importlib.metadata import PathDistribution  # noqa: PLC0415 - takes longer than all else, and is rarely needed

    try:
        metadata = PathDistribution(folder).metadata
        return Installed(normalised(metadata["Name"]), metadata["Version"])
    except (OSError, KeyError, TypeError):
        return None


def _fragment(direct_url: dict[str, Any]) -> str:
    return f"#subdirectory={direct_url['subdirectory']}" if direct_url.get("subdirectory") else ""
