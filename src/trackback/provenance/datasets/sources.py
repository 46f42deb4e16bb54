"""Data at a URI: read piece by piece, and which version of it that was, where its store says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from trackback.errors import InvalidParameter, Unavailable
from trackback.limits import shown
from trackback.provenance.secrets import without_credentials

_TIMEOUT_S = 60.0
_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "az", "azure", "abfs", "abfss"})


@dataclass(frozen=True)
class SourceFacts:
    """``version`` is an object's version id, ``etag`` what HTTP and stores call a version that has none."""

    version: str | None = None
    etag: str | None = None
    modified: str | None = None


def is_uri(text: str) -> bool:
    """Whether it is a URI and no path: its scheme is longer than a drive's letter."""
    scheme, mark, _ = text.partition("://")
    return bool(mark) and len(scheme) > 1 and scheme.replace("+", "").replace("-", "").isalnum()


def source_type_of(uri: str) -> str:
    """What MLflow calls such a source: ``local``, ``http``, ``s3``, or the scheme."""
    scheme = uri.partition("://")[0].lower() if is_uri(uri) else "local"
    return {"https": "http", "file": "local", "s3a": "s3"}.get(scheme, scheme)


def shown_uri(uri: str, facts: SourceFacts = SourceFacts()) -> str:
    """The URI without credentials; of an object that has versions, with the one it was."""
    clean = without_credentials(uri)
    if facts.version and source_type_of(uri) == "s3" and "versionId=" not in clean:
        return f"{clean}{'&' if '?' in clean else '?'}versionId={facts.version}"
    return clean


def name_of(uri: str) -> str:
    """The last name of its path."""
    return unquote(urlsplit(uri).path.rstrip("/")).rpartition("/")[2] or urlsplit(uri).netloc


def read_uri(uri: str, take: Callable[[bytes], object]) -> SourceFacts:
    """Give all the bytes at a URI to ``take``, in pieces.

    InvalidParameter: nothing that is installed reads such a URI, or there is nothing. Unavailable: no answer.
    """
    if source_type_of(uri) == "http":
        return _read_http(uri, take)
    return _with_stores(uri, take)


def look_at(uri: str) -> SourceFacts:
    """Which version is there, without reading it; nothing, if that can't be found out."""
    try:
        if source_type_of(uri) == "http":
            return _head_http(uri)
        return _with_stores(uri, None)
    except (InvalidParameter, Unavailable):
        return SourceFacts()


def _read_http(uri: str, take: Callable[[bytes], object]) -> SourceFacts:
    import httpx  # noqa: PLC0415 - takes longer to import than trackback

    try:
        with httpx.stream("GET", uri, follow_redirects=True, timeout=_TIMEOUT_S) as answer:
            if answer.status_code != 200:
                raise InvalidParameter(
                    f"The data set at {shown(without_credentials(uri))} can't be read: HTTP {answer.status_code}."
                )
            for piece in answer.iter_bytes():
                take(piece)
            return _facts_of(answer.headers)
    except httpx.HTTPError as error:
        raise Unavailable(f"No answer from {shown(without_credentials(uri))}: {type(error).__name__}.") from error


def _head_http(uri: str) -> SourceFacts:
    import httpx  # noqa: PLC0415 - as above

    try:
        return _facts_of(httpx.head(uri, follow_redirects=True, timeout=_TIMEOUT_S).headers)
    except httpx.HTTPError as error:
        raise Unavailable(f"No answer from {shown(without_credentials(uri))}: {type(error).__name__}.") from error


def _facts_of(headers: Any) -> SourceFacts:
    return SourceFacts(
        headers.get("x-amz-version-id") or None, headers.get("etag") or None, headers.get("last-modified") or None
    )


def _with_stores(uri: str, take: Callable[[bytes], object] | None) -> SourceFacts:
    scheme = uri.partition("://")[0].lower()
    if scheme in _OBJECT_STORES and (facts := _with_obstore(uri, take)):
        return facts
    if facts := _with_fsspec(uri, take):
        return facts
    raise InvalidParameter(
        f"Nothing that is installed reads {shown(without_credentials(uri))}: `pip install obstore` or an fsspec "
        "filesystem for it, or describe it with read=False, without a digest."
    )


def _with_obstore(uri: str, take: Callable[[bytes], object] | None) -> SourceFacts | None:
    try:
        import obstore  # noqa: PLC0415 - part of the server's installation, not of the client's
        from obstore.exceptions import BaseError  # noqa: PLC0415
        from obstore.store import from_url  # noqa: PLC0415
    except ImportError:
        return None
    parts = urlsplit(uri)
    try:
        store = from_url(f"{parts.scheme}://{parts.netloc}")
        path = unquote(parts.path).lstrip("/")
        if take is None:
            meta = obstore.head(store, path)
        else:
            got = obstore.get(store, path)
            meta = got.meta
            for piece in got.stream(min_chunk_size=1 << 20):
                take(bytes(piece))
    except FileNotFoundError as error:
        raise InvalidParameter(f"There is nothing at {shown(without_credentials(uri))}.") from error
    except (BaseError, OSError) as error:
        raise Unavailable(f"{shown(without_credentials(uri))} can't be read: {type(error).__name__}.") from error
    return SourceFacts(meta.get("version"), meta.get("e_tag"), meta["last_modified"].isoformat())


def _with_fsspec(uri: str, take: Callable[[bytes], object] | None) -> SourceFacts | None:
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - only who has it uses it

        filesystem, path = url_to_fs(uri)
    except (ImportError, ValueError):
        return None
    try:
        info = filesystem.info(path)
        if take is not None:
            for piece in _pieces(filesystem, path):
                take(piece)
    except FileNotFoundError as error:
        raise InvalidParameter(f"There is nothing at {shown(without_credentials(uri))}.") from error
    except OSError as error:
        raise Unavailable(f"{shown(without_credentials(uri))} can't be read: {error}.") from error
    return SourceFacts(info.get("VersionId"), info.get("ETag") or info.get("etag"), _text(info.get("LastModified")))


def _pieces(filesystem: Any, path: str) -> Iterator[bytes]:
    with filesystem.open(path, "rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def local_path(text: str) -> Path:
    """The path that a text or a ``file:`` URI names."""
    return Path(unquote(urlsplit(text).path)) if text.lower().startswith("file://") else Path(text)
