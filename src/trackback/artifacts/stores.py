"""Which store a URI names: of blobs, or of what clients keep themselves."""

import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trackback.artifacts.foreign import ForeignTree
from trackback.artifacts.foreign_folder import ForeignFolder
from trackback.artifacts.interface import BlobStore
from trackback.artifacts.local import LocalBlobs
from trackback.errors import ConfigurationError, InvalidParameter
from trackback.limits import shown

BUCKETS = 64

OBJECT_STORES = ("s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss")
"""The schemes that obstore reaches."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # one letter and a colon is a drive of Windows


def scheme_of(uri: str) -> str:
    """The scheme in lower case; empty for a path."""
    match = _SCHEME.match(uri)
    return match[1].lower() if match else ""


def local_path(uri: str) -> Path:
    """The path that a path or a ``file:`` URI names."""
    return Path(unquote(urlsplit(uri).path) if scheme_of(uri) == "file" else uri)


def open_blobs(uri: str) -> BlobStore:
    """The store at ``uri``: a path, ``file:///path``, ``s3://bucket/prefix``, ``gs://…`` or ``az://…``.

    Raises ConfigurationError if there can be none.
    """
    scheme = scheme_of(uri)
    if scheme in ("", "file"):
        return LocalBlobs(local_path(uri))
    if scheme in OBJECT_STORES:
        from trackback.artifacts.objects import ObjectBlobs  # noqa: PLC0415 - heavy, and often not needed

        return ObjectBlobs(uri)
    raise ConfigurationError(
        f"Can't keep artifacts at {uri!r}: give a folder, or s3://bucket/prefix, gs://bucket/prefix or "
        "az://container/prefix."
    )


def open_foreign(uri: str, artifact_root: str) -> ForeignTree:
    """The files that clients keep at ``uri`` themselves; InvalidParameter if this server doesn't read there.

    Any client may write any URI into an experiment. So of the server's own disk, only what lies below
    ``artifact_root`` is read, where the operator told clients to put things, and no address by http.
    """
    if scheme_of(uri) in OBJECT_STORES:
        try:
            return _open_bucket(uri)
        except ConfigurationError as error:
            raise InvalidParameter(f"The artifacts lie at {shown(uri)}, which is no place to read from.") from error
    if {scheme_of(uri), scheme_of(artifact_root)} <= {"", "file"}:
        folder, allowed = local_path(uri).resolve(), local_path(artifact_root).resolve()
        if folder.is_relative_to(allowed):
            return ForeignFolder(folder)
    raise InvalidParameter(
        f"The artifacts lie at {shown(uri)}, which this server doesn't read. Read them with a client that reaches it."
    )


@lru_cache(BUCKETS)
def _open_bucket(uri: str) -> ForeignTree:
    from trackback.artifacts.foreign_bucket import ForeignBucket  # noqa: PLC0415 - heavy, and often not needed

    return ForeignBucket(uri)
