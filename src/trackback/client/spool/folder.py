"""The folder of one spool: what one process logs to one run, and whose it is.

head.json       which server and run it is for
lock            held by the process that writes it, or by the one that sends what another left
00000001.seg …  what was logged
sent            up to where the server has acknowledged it
files/          artifacts to be uploaded
refused.jsonl   what the server refused, and why
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import msgspec

from trackback.client.user_folders import state_folder
from trackback.entities import Tag
from trackback.errors import DataLoss

FORMAT = 1
REFUSED = "refused.jsonl"


class Head(msgspec.Struct, omit_defaults=True):
    """Which run a spool is for.

    uri: the server's, without credentials.
    run_id: the run's, chosen here if it was begun without the server; MLflow's own server may give it another, which
        ``server_run_id`` then is. That is empty until the server is known to have the run.
    experiment_id, experiment_name: one of them, where the run is yet to be made.
    forked: whether the process is one of a run that another began, and will end.
    unended: whether ``sync`` has made the run, whose process is gone, and is to end it if what was logged does not.
    """

    format: int
    uri: str
    run_id: str
    start_time: int
    server_run_id: str = ""
    artifact_uri: str = ""
    experiment_id: str = ""
    experiment_name: str = ""
    run_name: str = ""
    user_id: str = ""
    tags: list[Tag] = []
    process: int = 0
    forked: bool = False
    unended: bool = False


class Folder:
    """One spool's folder, locked by this process."""

    def __init__(self, path: Path, lock: int, head: Head) -> None:
        self.path = path
        self.head = head
        self._lock = lock

    @classmethod
    def create(cls, root: Path, head: Head) -> Self:
        """A new folder below ``root``. OSError: it can't be made."""
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = root / f"{head.run_id}-{os.getpid()}-{uuid4().hex[:8]}"
        unready = path.with_name(f".{path.name}")  # not seen by others before it is whole
        unready.mkdir(mode=0o700)
        lock = _lock(unready)
        assert lock is not None
        folder = cls(unready, lock, head)
        folder.save()
        unready.rename(path)
        folder.path = path
        return folder

    @classmethod
    def claim(cls, path: Path) -> Self | None:
        """A folder that a process has left; None while that process is there, or if it is gone meanwhile.

        DataLoss: its head can't be read.
        """
        try:
            lock = _lock(path)
        except FileNotFoundError:
            return None
        if lock is None:
            return None
        try:
            return cls(path, lock, _head_in(path))
        except (OSError, msgspec.DecodeError, DataLoss) as error:
            os.close(lock)
            if not path.exists():
                return None
            raise DataLoss(f"The spool {path} can't be read: {error}. It was left as it is.") from error

    def save(self) -> None:
        """Keep the head as it is now."""
        unready = self.path / "head.json.new"
        unready.write_bytes(msgspec.json.encode(self.head))
        unready.replace(self.path / "head.json")

    def keep_file(self, content: bytes | Path) -> str:
        """Copy a file, or bytes, to be uploaded later; its name in ``files/``. OSError: there is no room, for one."""
        folder = self.path / "files"
        folder.mkdir(exist_ok=True)
        name = uuid4().hex
        try:
            if isinstance(content, bytes):
                (folder / name).write_bytes(content)
            else:
                shutil.copyfile(content, folder / name)
        except OSError:
            (folder / name).unlink(missing_ok=True)
            raise
        return name

    def file(self, name: str) -> Path:
        return self.path / "files" / name

    def keep_refused(self, what: Any, reason: str) -> None:
        """Keep what the server will not take, for people to read. What can't be kept either is only logged."""
        line = msgspec.json.encode({"refused": what, "reason": reason})
        with suppress(OSError), (self.path / REFUSED).open("ab") as file:
            file.write(line + b"\n")

    @property
    def has_refused(self) -> bool:
        return (self.path / REFUSED).exists()

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._lock)

    def delete(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()


def folders_in(root: Path) -> Iterator[Path]:
    """The folders of spools, the oldest first."""
    if root.is_dir():
        yield from sorted((each for each in root.iterdir() if (each / "head.json").exists()), key=_age)


def run_id_of(path: Path) -> str:
    """Which run a folder is for, by its name."""
    return path.name.rsplit("-", 2)[0]


def places() -> list[Path]:
    """Where spools are: in ``TRACKBACK_SPOOL_DIR``, or in the folder that XDG gives programs for state. Where there is
    no room, with temporary files; and at last in memory that is not the process's own.
    """
    named = os.environ.get("TRACKBACK_SPOOL_DIR")
    first = Path(named).expanduser() if named else state_folder() / "spool"
    own = f"trackback-{os.getuid()}/spool"
    others = [Path(each) / own for each in (os.environ.get("TMPDIR") or "/tmp", "/dev/shm") if Path(each).is_dir()]
    return [first, *others]


def _head_in(path: Path) -> Head:
    head = msgspec.json.decode((path / "head.json").read_bytes(), type=Head)
    if head.format != FORMAT:
        raise DataLoss(f"it has the format {head.format}, and this trackback reads {FORMAT}; use the one that wrote it")
    return head


def _age(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_ctime
    return 0.0


def _lock(folder: Path) -> int | None:
    """The open lock file of a folder; None if another process holds it."""
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file
