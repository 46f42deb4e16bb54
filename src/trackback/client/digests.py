"""The digest that a server's answer names: trackback's ETag of a file is the SHA-256 of its content."""

import re
from collections.abc import Mapping

_DIGEST = re.compile('"([0-9a-f]{64})"')


def named_digest(headers: Mapping[str, str]) -> str | None:
    """The SHA-256 in hex digits; None where there is no ETag, or one of another kind, as of other servers."""
    match = _DIGEST.fullmatch(headers.get("etag", ""))
    return match[1] if match else None
