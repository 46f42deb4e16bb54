"""Patterns of paths: ``*`` and ``?`` within a name, ``**`` for any number of folders."""

import re

from trackback.errors import InvalidParameter
from trackback.limits import check_length, shown

PATTERN_LENGTH = 1024

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_WRITTEN = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}


def compile_glob(pattern: str) -> re.Pattern[str]:
    """What matches whole paths. A pattern without wildcards names a file, or a folder and so all in it.

    Raises InvalidParameter for a pattern that no path below a folder can have.
    """
    check_length(pattern, "pattern", PATTERN_LENGTH)
    text = pattern.removeprefix("./").removesuffix("/")
    if text.startswith("/") or "\\" in text or ".." in text.split("/"):
        raise InvalidParameter(
            f"Invalid pattern {shown(pattern)}: it must be relative, such as model/** or **/*.pkl, without '..'."
        )
    if not text:
        return re.compile(r".*", re.DOTALL)
    if "*" not in text and "?" not in text:
        return re.compile(re.escape(text) + r"(?:/.*)?", re.DOTALL)
    written = (_WRITTEN.get(part, re.escape(part)) for part in _PARTS.findall(text))
    return re.compile("".join(written), re.DOTALL)
