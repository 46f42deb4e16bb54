"""Where tests keep their files: in memory where there is room, for on disk they mostly wait.

A database for each test is hundreds of files, made and removed, and each of its commits asks for them to be on the
platter. That is still asked for in memory, only that nobody waits. What is about a crash stays on `DISK`.
"""

import os
import shutil
import tempfile
from pathlib import Path

DISK = Path("/var/tmp")
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 << 30


def keep_temporary_files_in_memory() -> None:
    """For this process and its children, unless TMPDIR names another folder."""
    if "TMPDIR" not in os.environ and _has_room(_MEMORY):
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None  # to be looked up anew


def folder_for_all() -> Path:
    """Where temporary files are, also while a test has a folder of its own for its own."""
    return Path(os.environ.get("TMPDIR") or "/tmp")


def in_memory(folder: Path) -> bool:
    return folder.is_relative_to(_MEMORY)


def _has_room(folder: Path) -> bool:
    """Containers often have a small one."""
    return os.access(folder, os.W_OK | os.X_OK) and shutil.disk_usage(folder).free >= _ROOM_BYTES
