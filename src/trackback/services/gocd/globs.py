"""Patterns of paths: ``*`` and ``?`` within a name, ``**`` for any number of folders."""

import re

from trackback.errors import InvalidParameter
from trackback.limits import check_length, shown

PATTERN_LENGTH = 1024

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
_REGEX = re.compile(r"(?<!\*)\.[*+]|\(\?:|[|^$]")
_WRITTEN = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}


def looks_like_regex(pattern: str) -> bool:
    """Whether it seems to be meant as a regular expression, which mlflow-gocd's patterns were: ``model/.*``."""
    return bool(_REGEX.search(pattern))


def compile_glob(pattern: str) -> re.Pattern[str]:
    """What matches whole paths. A pattern without wildcards names a file, or a folder and so all in it.

    Raises InvalidParameter for a pattern that no path below a folder can have.
    """
    check_length(pattern, "pattern", PATTERN_LENGTH)
    text = pattern.removeprefix("./").removesuffix("/")
    if "\\" in text:
        raise InvalidParameter(
            f"Invalid pattern {shown(pattern)}: it has a backslash. Folders are parted by '/', and it is no regular "
            "expression, but such as model/** or **/*.pkl."
        )
    if text.startswith("/") or ".." in text.split("/"):
        raise InvalidParameter(
            f"Invalid pattern {shown(pattern)}: it must be relative, such as model/** or **/*.pkl, without '..'."
        )
    if not text:
        return re.compile(r".*", re.DOTALL)
    if "*" not in text and "?" not in text:
        return re.compile(re.escape(text) + r"(?:/.*)?", re.DOTALL)
    written = (_WRITTEN.get(part, re.escape(part)) for part in _PARTS.findall(text))
    return re.compile("".join(written), re.DOTALL)
