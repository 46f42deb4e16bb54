"""Files that are there as a whole or not at all, whenever what writes them is killed."""

import os
import tempfile
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path

from trackback.errors import InvalidParameter, StorageFull


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name, and give it its own once it is on disk; folders above it are made.

    StorageFull: there is no room. InvalidParameter: it can't be written there. A file that was there stays then.
    """
    body = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> StorageFull | InvalidParameter:
    """The error of the tree for a file or folder that can't be written."""
    if error.errno in (ENOSPC, EDQUOT):
        return StorageFull(f"{path} can't be written: {error.strerror}. Make room, and run the stage again.")
    return InvalidParameter(f"{path} can't be written: {error.strerror or error}. Name another place.")
