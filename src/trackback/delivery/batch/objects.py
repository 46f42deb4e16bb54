"""Files in an object store: S3, Google's or Azure's, through obstore.

Credentials and endpoints come from the environment, in the names that the provider's own tools take. There is no
folder, only keys that begin alike. An object is there when all of it was sent, or not at all.
"""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO

from trackback.delivery.batch.places import Found, Place
from trackback.errors import InvalidParameter, MissingLibrary, Unavailable
from trackback.scoring.files.targets import Target

if TYPE_CHECKING:
    from obstore.store import ObjectStore

READ_BYTES = 8 << 20
LISTED_AT_ONCE = 1000


class ObjectPlace(Place):
    def __init__(self, text: str) -> None:
        scheme, _, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        self._bucket = f"{scheme}://{bucket}"
        self._key = key.strip("/")
        self.text = f"{self._bucket}/{self._key}"
        if not bucket:
            raise InvalidParameter(f"{text} names no bucket. Write it as {scheme}://bucket/key.")

    @property
    def _store(self) -> "ObjectStore":
        return store_of(self._bucket)

    def below(self, name: str) -> "ObjectPlace":
        return ObjectPlace(f"{self.text.rstrip('/')}/{name}")

    def beside(self, name: str) -> "ObjectPlace":
        folder = self._key.rpartition("/")[0]
        return ObjectPlace(f"{self._bucket}/{folder}/{name}" if folder else f"{self._bucket}/{name}")

    def found(self) -> Iterator[Found]:
        import obstore  # noqa: PLC0415 - only who has objects needs it

        with answering(self.text):
            if self._key:
                with suppress(FileNotFoundError):
                    yield self._found(obstore.head(self._store, self._key), "")
                    return
            listed = obstore.list(self._store, self._key or None, chunk_size=LISTED_AT_ONCE)
            metas = [meta for some in listed for meta in some]
        for meta in sorted(metas, key=lambda meta: str(meta["path"])):
            yield self._found(meta, meta["path"].removeprefix(self._key).lstrip("/"))

    def _found(self, meta: Any, below: str) -> Found:
        version = meta.get("e_tag") or meta["last_modified"].isoformat()
        return Found(ObjectPlace(f"{self._bucket}/{meta['path']}"), below, meta["size"], version)

    def open(self) -> BinaryIO:
        with answering(self.text):
            return io.BufferedReader(_Reading(self._store, self._key, self.text), READ_BYTES)

    def target(self) -> "ObjectTarget":
        return ObjectTarget(self._store, self._key, self.text)

    def remove(self) -> None:
        import obstore  # noqa: PLC0415 - only who has objects needs it

        with answering(self.text):
            for some in obstore.list(self._store, self._key, chunk_size=LISTED_AT_ONCE):
                obstore.delete(self._store, [meta["path"] for meta in some])
            with suppress(FileNotFoundError):
                obstore.delete(self._store, self._key)

    def become(self, other: Place) -> None:
        """One object after the other; those whose names begin with _ last, since they say that the others are there."""
        import obstore  # noqa: PLC0415 - only who has objects needs it

        assert isinstance(other, ObjectPlace)
        for path in sorted((each.path for each in self.found()), key=lambda path: (path.startswith("_"), path)):
            with answering(self.text):
                obstore.rename(self._store, f"{self._key}/{path}", f"{other._key}/{path}")


class ObjectTarget(Target):
    """Kept in a file on this machine until it is whole: a stream to a store that breaks off ends an object, too."""

    def __init__(self, store: "ObjectStore", key: str, name: str) -> None:
        self.name = name
        self._store = store
        self._key = key
        self._file: Any = None

    def open(self) -> BinaryIO:
        self._file = tempfile.TemporaryFile(prefix="trackback-")  # noqa: SIM115 - closed by discard
        opened: BinaryIO = self._file
        return opened

    def commit(self) -> None:
        import obstore  # noqa: PLC0415 - only who has objects needs it

        self._file.flush()
        self._file.seek(0)
        with answering(self.name):
            obstore.put(self._store, self._key, self._file)

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()


class _Reading(io.RawIOBase):
    """Ranges of an object."""

    def __init__(self, store: "ObjectStore", key: str, text: str) -> None:
        import obstore  # noqa: PLC0415 - only who has objects needs it

        self._get_range = obstore.get_range
        self._store, self._key, self._text = store, key, text
        self._size = int(obstore.head(store, key)["size"])
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._size - self._position)
        if length <= 0:
            return 0
        with answering(self._text):
            got = self._get_range(self._store, self._key, start=self._position, length=length)
        buffer[:length] = memoryview(got)
        self._position += length
        return length


@cache
def store_of(bucket: str) -> "ObjectStore":
    """``bucket``: as s3://name. InvalidParameter: its settings can't be. MissingLibrary."""
    try:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - only who has objects needs it
        from obstore.store import from_url  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibrary(
            f"To read and write {bucket} takes the library obstore: pip install 'trackback[scoring]'"
        ) from error
    try:
        return from_url(bucket, client_options={"allow_http": True})
    except (BaseError, ValueError) as error:
        raise InvalidParameter(f"{bucket} can't be reached: {error}") from error


@contextmanager
def answering(text: str) -> Iterator[None]:
    """Turns what a store fails with into Unavailable. FileNotFoundError stays."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - only who has objects needs it

    try:
        yield
    except BaseError as error:
        reason = str(error).partition("\n")[0]
        raise Unavailable(f"{text}: the store refused or did not answer: {reason}") from error
