"""Files that are there as a whole or not at all, whenever what writes them is killed."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path

from trackback.client.file_locks import hold_now
from trackback.errors import InvalidParameter, StorageFull

_NEW_S = 5


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


@contextmanager
def unfinished(above: Path, prefix: str) -> Iterator[Path]:
    """A folder in ``above`` for what is being made, which is gone after the ``with``. Those that makers left who were
    killed, of the same prefix, are removed before.

    StorageFull, InvalidParameter: it can't be made.
    """
    try:
        above.mkdir(parents=True, exist_ok=True)
        for left in above.glob(f"{prefix}*"):
            _remove_abandoned(left)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=above))
    except OSError as error:
        raise unwritable(above, error) from error
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        hold_now(descriptor)
        yield folder
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(left: Path) -> None:
    """The kernel has let go of a folder whose maker has died."""
    with suppress(OSError):
        if time.time() - left.stat().st_mtime < _NEW_S:  # it may be about to be held
            return
        descriptor = os.open(left, os.O_RDONLY)
        try:
            if hold_now(descriptor):
                shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)


def unwritable(path: Path, error: OSError) -> StorageFull | InvalidParameter:
    """The error of the tree for a file or folder that can't be written."""
    if error.errno in (ENOSPC, EDQUOT):
        return StorageFull(f"{path} can't be written: {error.strerror}. Make room, and run the stage again.")
    return InvalidParameter(f"{path} can't be written: {error.strerror or error}. Name another place.")
