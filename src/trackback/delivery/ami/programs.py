"""The programs that make disks: where they are, and what becomes of one that fails."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from trackback.errors import MissingTool, StorageFull, Unavailable

_PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "sfdisk": "fdisk",
    "mksquashfs": "squashfs-tools",
    "syslinux": "syslinux",
}
"""Debian's, of each program."""
_LOADERS = ("/usr/lib/SYSLINUX/gptmbr.bin", "/usr/lib/syslinux/mbr/gptmbr.bin", "/usr/share/syslinux/gptmbr.bin")


def check_programs() -> None:
    """MissingTool: some are not here; it says how to get them."""
    missing = {package for program, package in _PACKAGES.items() if _which(program) is None}
    if _find_loader() is None:
        missing.add("syslinux")
    if missing:
        raise MissingTool(
            f"To make a disk takes {', '.join(sorted(missing))}, which are not here (on Debian: apt install "
            f"{' '.join(sorted(missing))})."
        )


def loader() -> bytes:
    """What a BIOS starts of a GPT disk, and what starts syslinux."""
    path = _find_loader()
    assert path is not None
    return path.read_bytes()


def run(command: Sequence[str | Path], text: str = "") -> str:
    """What a program prints, told this text. StorageFull: it found no room. Unavailable: it failed."""
    ran = subprocess.run(_typed(command), input=text, capture_output=True, text=True, env=_environment())
    if ran.returncode:
        raise _failure(command, ran.returncode, ran.stderr or ran.stdout)
    return ran.stdout


def feed(command: Sequence[str | Path], write: Callable[[IO[bytes]], object]) -> None:
    """Run a program that reads what ``write`` writes. Errors: those of ``run``, and those of ``write``."""
    with (
        TemporaryFile() as told,
        subprocess.Popen(_typed(command), stdin=subprocess.PIPE, stdout=told, stderr=told, env=_environment()) as ran,
    ):
        assert ran.stdin is not None
        try:
            write(ran.stdin)
            ran.stdin.close()
        except BrokenPipeError:  # it has ended, and says why
            with suppress(BrokenPipeError):  # what is left to be written is for nobody
                ran.stdin.close()
        except BaseException:
            ran.kill()
            raise
        if code := ran.wait():
            told.seek(0)
            raise _failure(command, code, told.read().decode(errors="replace"))


def _failure(command: Sequence[str | Path], code: int, text: str) -> StorageFull | Unavailable:
    said = text.strip()[-1500:]
    if "No space left" in said:
        return StorageFull(f"{command[0]} found no room: {said}. Make some, and run the stage again.")
    return Unavailable(f"{command[0]} ended with {code}:\n{said}")


def _typed(command: Sequence[str | Path]) -> list[str | Path]:
    program = _which(str(command[0]))
    assert program is not None
    return [program, *command[1:]]


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _search_path(), "LC_ALL": "C", "MTOOLS_SKIP_CHECK": "1"}


def _which(program: str) -> str | None:
    return shutil.which(program, path=_search_path())


def _search_path() -> str:
    """A user's is mostly without the folders of these programs."""
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _find_loader() -> Path | None:
    return next((path for path in map(Path, _LOADERS) if path.exists()), None)
