"""Where hosts of git repositories show a commit, and the difference of two."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from trackback.server.ui.frame.addresses import parted

_SSH = re.compile(r"(?:ssh://)?(?:[\w.-]+@)?(?P<host>[\w.-]+\.[a-z]+)(?::\d+)?[:/](?P<path>[\w./~+-]+)")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def web_address(repository: str) -> str:
    """The repository's pages; empty if nothing says where they are."""
    if repository.startswith(("https://", "http://")):
        parts = parted(repository)
        if parts is None:
            return ""
        host, path = parts.hostname or "", parts.path
        port = f":{parts.port}" if parts.port else ""
        found = f"{parts.scheme}://{host}{port}" if host else ""
    elif match := _SSH.fullmatch(repository):
        found, path = f"https://{match['host']}", f"/{match['path'].lstrip('/')}"
    else:
        return ""
    return found + quote(path.removesuffix("/").removesuffix(".git")) if found else ""


def commit_url(repository: str | None, commit: str | None) -> str:
    """The page of a commit; empty where that is not known."""
    address = web_address(repository or "")
    if not address or not _COMMIT.fullmatch((commit or "").lower()):
        return ""
    host = urlsplit(address).hostname or ""
    way = "/-/commit/" if "gitlab" in host else "/commits/" if "bitbucket" in host else "/commit/"
    return f"{address}{way}{commit}"


def compare_url(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """Where the difference of two runs' commits is shown; empty where that is not known, or there is none.

    a, b: ``repository`` and ``commit`` of either.
    """
    if a.get("repository") != b.get("repository") or a.get("commit") == b.get("commit"):
        return ""
    commits = [str(each.get("commit") or "") for each in (a, b)]
    address = web_address(str(a.get("repository") or ""))
    if not address or not all(map(_COMMIT.fullmatch, commits)):
        return ""
    way = "/-/compare/" if "gitlab" in (urlsplit(address).hostname or "") else "/compare/"
    return f"{address}{way}{'...'.join(commits)}"
