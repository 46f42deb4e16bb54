"""Paths of artifacts: which are safe, and which manifest a path belongs to."""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

from trackback.errors import InvalidParameter
from trackback.limits import shown

PATH_LENGTH = 1024
"""In bytes of UTF-8; ours. It leaves room below 4096, where Linux ends, for the folder that a client downloads to."""

SNAPSHOTS = "versions"
"""The directory that all snapshots lie in; nothing else does, and nobody writes there."""

_DRIVE = re.compile(r"[A-Za-z]:")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_LOGGED_MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
_PROXY = re.compile(r"/api/2\.0/mlflow-artifacts/artifacts(?:/(.*))?$")
_DECODINGS = 3


def check_path(path: str) -> str:
    """A path of a file, ``/`` between names; InvalidParameter, which says why, if it could be taken for another.

    ``path`` has been decoded once, as any URL is. What it would be if somebody decoded it again must be harmless too.
    """
    if not path:
        raise _invalid(path, "it is empty; name a file")
    if fault := _fault(path) or _fault_when_decoded(path):
        raise _invalid(path, fault)
    return path


def check_directory(path: str) -> str:
    """A path of a directory: empty for the topmost; one ``/`` at its end is dropped."""
    path = path.removesuffix("/")
    return check_path(path) if path else ""


def split_root(path: str) -> tuple[str, str]:
    """The root of the manifest that a proxy path belongs to, and the path within it.

    A snapshot's is ``versions/<64 hex>``. Another is rooted at the shortest prefix that ends like a run's folder,
    ``…/<32 hex>/artifacts``, or a logged model's, ``…/models/m-<32 hex>/artifacts``. All other paths belong to the
    manifest of root ``""``.
    """
    names = path.split("/")
    if len(names) > 1 and names[0] == SNAPSHOTS and _DIGEST.fullmatch(names[1]):
        return "/".join(names[:2]), "/".join(names[2:])
    for index, name in enumerate(names):
        if name == "artifacts" and (run_id(names[:index]) or logged_model_id(names[:index])):
            return "/".join(names[: index + 1]), "/".join(names[index + 1 :])
    return "", path


def is_snapshot(path: str) -> bool:
    """Whether a proxy path lies where snapshots do."""
    return path == SNAPSHOTS or path.startswith(f"{SNAPSHOTS}/")


def snapshot_root(digest: str) -> str:
    """The root of the manifest that a snapshot is."""
    return f"{SNAPSHOTS}/{digest}"


def proxy_path(uri: str) -> str | None:
    """The proxy path that an artifact URI stands for; None if clients reach the place without this server.

    MLflow's clients turn ``mlflow-artifacts:/path`` into ``<tracking server>/api/2.0/mlflow-artifacts/artifacts/path``,
    and take the latter form too.
    """
    parts = urlsplit(uri)
    if parts.scheme == "mlflow-artifacts":
        return unquote(parts.path).strip("/")
    if parts.scheme in ("http", "https") and (match := _PROXY.search(parts.path)):
        return unquote(match[1] or "").strip("/")
    return None


def run_id(names: list[str]) -> str | None:
    """The run whose folder the names lead to, if they look so."""
    return names[-1] if names and _RUN_ID.fullmatch(names[-1]) else None


def logged_model_id(names: list[str]) -> str | None:
    """The logged model whose folder the names lead to, if they look so."""
    return names[-1] if len(names) > 1 and names[-2] == "models" and _LOGGED_MODEL_ID.fullmatch(names[-1]) else None


def _fault(path: str) -> str | None:
    if "\\" in path:
        return "it contains a backslash; put / between names"
    if "#" in path:
        return "it contains a '#'"
    if fault := _character_fault(path):
        return fault
    if (size := len(path.encode())) > PATH_LENGTH:
        return f"it has {size} bytes, and {PATH_LENGTH} are allowed"
    return _structure_fault(path)


def _character_fault(path: str) -> str | None:
    for character in path:
        if character == "\x00":
            return "it contains a NUL"
        if character == "\N{REPLACEMENT CHARACTER}" or "\ud800" <= character <= "\udfff":
            return "it is not valid UTF-8"
        if unicodedata.category(character) == "Cc":
            return f"it contains the control character {character!r}"
    return None


def _structure_fault(path: str) -> str | None:
    if path.startswith("/"):
        return "it is absolute; leave out the / it begins with"
    names = path.split("/")
    if ".." in names:
        return "it contains '..'"
    if "." in names:
        return "it contains the name '.'"
    if "" in names:
        return "it contains an empty name"
    if _DRIVE.match(path) or any(_DRIVE.fullmatch(name) for name in names):
        return "it contains a drive letter"
    return None


def _fault_when_decoded(path: str) -> str | None:
    decoded = path
    for _ in range(_DECODINGS):
        if "%" not in decoded or (again := unquote(decoded)) == decoded:
            return None
        decoded = again.replace("\\", "/")
        if "\x00" in decoded:
            return "decoded once more, it contains a NUL"
        if decoded.startswith("/") or ".." in decoded.split("/") or _DRIVE.match(decoded):
            return "decoded once more, it leads elsewhere"
    return "it is percent-encoded again and again"


def _invalid(path: str, fault: str) -> InvalidParameter:
    return InvalidParameter(f"Invalid path: {shown(path)}: {fault}.")
