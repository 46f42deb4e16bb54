"""Where a run's code is shown: the page of its commit, if its repository has any."""

import re
from urllib.parse import urlsplit

from trackback.server.ui.commits import web_address

_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")


def commit_url(repository: str | None, commit: str | None) -> str:
    """Empty where that is not known."""
    address = web_address(repository or "")
    if not address or not _COMMIT.fullmatch(commit or ""):
        return ""
    host = urlsplit(address).hostname or ""
    way = "/-/commit/" if "gitlab" in host else "/commits/" if "bitbucket" in host else "/commit/"
    return f"{address}{way}{commit}"
