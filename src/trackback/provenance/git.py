"""What git says of a working tree. git itself is asked: worktrees, packed refs and its index have too many forms.

Each question is bounded in time; what is not answered in time is not known. Nothing in the repository is run: no hooks,
filters of diffs or monitors.
"""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from trackback.provenance.programs import Printed, ask
from trackback.provenance.secrets import without_credentials

_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "diff.noprefix=false")
_DIFF = ("diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty")
_STATUS = ("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=dirty", "--no-renames")
_SECRET_FILES = """
    .env .env.* *.pem *.key *.p12 *.pfx *.jks id_rsa* id_dsa* id_ecdsa* id_ed25519* .netrc .npmrc .pypirc .pgpass
    .htpasswd credentials credentials.* secrets secrets.* secret.* service-account*.json
"""
_LEFT_OUT = tuple(f":(exclude,glob,icase)**/{pattern}" for pattern in _SECRET_FILES.split())
"""Files that are there to hold secrets: their changes are in no diff."""

_VARIABLES = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


@dataclass(frozen=True)
class Changes:
    """``changed`` and ``untracked`` are paths from the top of the tree; a folder of untracked files is one of them."""

    changed: tuple[str, ...]
    untracked: tuple[str, ...]

    @property
    def dirty(self) -> bool:
        return bool(self.changed or self.untracked)


class Repository:
    """The working tree at ``top``. ``timeout_s``: how long all questions together may take."""

    def __init__(self, top: Path, timeout_s: float) -> None:
        self.top = top
        self._until = time.monotonic() + timeout_s

    @classmethod
    def find(cls, folder: Path, timeout_s: float) -> "Repository | None":
        """The one that ``folder`` lies in; None if there is none, or no git."""
        if not shutil.which("git") or not folder.is_dir():
            return None
        found = cls(folder, timeout_s)
        top = found._line("rev-parse", "--show-toplevel")
        if top is None:
            return None
        found.top = Path(top)
        return found

    def commit(self) -> str | None:
        return self._line("rev-parse", "--verify", "--quiet", "HEAD")

    def branch(self) -> str | None:
        """None where no branch is checked out."""
        return self._line("symbolic-ref", "--quiet", "--short", "HEAD")

    def remote(self) -> str | None:
        """The URL of ``origin``, else of the first remote, without credentials."""
        lines = self._ask("config", "--get-regexp", r"^remote\..*\.url$").content.decode(errors="replace").splitlines()
        urls = dict(line.partition(" ")[::2] for line in lines)
        url = urls.get("remote.origin.url") or next(iter(urls.values()), None)
        return without_credentials(url) if url else None

    def changes(self) -> Changes | None:
        """None if git did not say in time."""
        printed = self._ask(*_STATUS, most_bytes=4 << 20)
        if not printed.content and not printed.well:
            return None
        entries = [each for each in printed.content.decode(errors="replace").split("\0") if len(each) > 3]
        return Changes(
            tuple(each[3:] for each in entries if not each.startswith("??")),
            tuple(each[3:] for each in entries if each.startswith("??")),
        )

    def diff(self, most_bytes: int) -> Printed:
        """What tracked files have beyond the commit, of binary files only that they differ."""
        return self._ask(*_DIFF, "--", ".", *_LEFT_OUT, most_bytes=most_bytes)

    def _line(self, *arguments: str) -> str | None:
        printed = self._ask(*arguments)
        return printed.content.decode(errors="replace").strip() or None if printed.well else None

    def _ask(self, *arguments: str, most_bytes: int = 1 << 20) -> Printed:
        left = max(self._until - time.monotonic(), 0.05)
        program = ("git", "--no-optional-locks", "--literal-pathspecs", *_SAFE, *arguments)
        if _LEFT_OUT[0] in arguments:
            program = tuple(each for each in program if each != "--literal-pathspecs")
        return ask(program, self.top, timeout_s=left, most_bytes=most_bytes, variables=_VARIABLES)
