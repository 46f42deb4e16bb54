"""Which store a URI names."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trackback.artifacts.interface import BlobStore
from trackback.artifacts.local import LocalBlobs
from trackback.errors import ConfigurationError

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
