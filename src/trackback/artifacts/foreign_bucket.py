"""A tree of files in a bucket that clients write to themselves."""

from collections.abc import AsyncGenerator

import obstore
from obstore.exceptions import BaseError

from trackback.artifacts import faults
from trackback.artifacts.foreign import ForeignFile, ForeignTree
from trackback.artifacts.objects import RANGE_SIZE, open_store
from trackback.artifacts.streams import read_ahead
from trackback.entities import FileInfo


class ForeignBucket(ForeignTree):
    def __init__(self, uri: str) -> None:
        self._store = open_store(uri)

    async def list_directory(self, directory: str) -> list[FileInfo]:
        try:
            listing = await obstore.list_with_delimiter_async(self._store, directory or None)
        except BaseError as error:
            raise faults.unreachable(error) from error
        folders = [FileInfo(prefix, True) for prefix in listing["common_prefixes"]]
        files = [
            FileInfo(each["path"], False, each["size"]) for each in listing["objects"] if each["path"] != directory
        ]
        return sorted(folders + files, key=lambda info: info.path)

    async def find(self, path: str) -> ForeignFile | None:
        try:
            found = await obstore.head_async(self._store, path)
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise faults.unreachable(error) from error
        return ForeignFile(found["size"], int(found["last_modified"].timestamp() * 1000))

    async def read(self, path: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        async def fetch(begin: int, end: int) -> bytes:
            try:
                return bytes(await obstore.get_range_async(self._store, path, start=begin, end=end))
            except FileNotFoundError:
                return b""
            except BaseError as error:
                raise faults.unreachable(error) from error

        return await read_ahead(fetch, start, stop, RANGE_SIZE)
