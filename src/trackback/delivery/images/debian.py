"""A base of Debian with its own Python, made on this machine by mmdebstrap: the same packages give the same tar."""

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from trackback.delivery.written import unwritable
from trackback.errors import MissingTool, StorageFull, Unavailable

PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
SUITES = tuple(PYTHONS)

# What wheels take for granted beside the C library: OpenMP (LightGBM), certificates, time zones.
_PACKAGES = ("python3", "ca-certificates", "libgomp1", "tzdata")
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")

# What differs from one run to the next, or belongs to a machine that runs by itself. It is left out of the tar, and is
# never removed from the system: while that is made, folders of this very machine are mounted in it.
_DROPPED = re.compile(
    r"(?:var/log|var/cache|var/lib/apt/lists|var/lib/dbus|tmp|dev|proc|sys|run)/.+"
    r"|etc/(?:machine-id|hostname|resolv\.conf)|var/lib/dpkg/[^/]+-old"
)

# Python's modules are compiled anew, since what its package does at its installation depends on the order of a set.
_COMPILE = (
    'find "$1"/usr/lib/python3* "$1"/usr/share/python3 -name __pycache__ -prune -exec rm -rf {} + && '
    'chroot "$1" env PYTHONHASHSEED=0 sh -c "python3 -m compileall -q -q -f --invalidation-mode unchecked-hash '
    '/usr/lib/python3.* || true"'
)


def make_base(target: Path, suite: str, mirror: str | None, epoch: int) -> None:
    """Write the tar of a file system with Debian's Python.

    mirror: as mmdebstrap takes it; that of the machine's own sources, if None. epoch: seconds since 1970, which no
    file's time is beyond.

    MissingTool: there is no mmdebstrap. Unavailable: it could not be made. StorageFull: there is no room.
    """
    if shutil.which("mmdebstrap") is None:
        raise MissingTool("There is no mmdebstrap in PATH. Install it (on Debian: apt install mmdebstrap).")
    unfinished = target.with_name(f".{target.name}.unfinished.tar")
    filtered = target.with_name(f".{target.name}.filtered.tar")
    excluded = [f"--dpkgopt=path-exclude={each}" for each in _LEFT_OUT]
    flags = ["--variant=minbase", f"--include={','.join(_PACKAGES)}", *excluded, f"--customize-hook={_COMPILE}"]
    command = ["mmdebstrap", "--quiet", *flags, suite, str(unfinished), *([mirror] if mirror else [])]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        ran = subprocess.run(
            command,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if ran.returncode:
            told = ran.stderr.strip()[-1500:]
            if "No space left" in told:
                raise StorageFull(f"mmdebstrap found no room: {told}")
            raise Unavailable(f"mmdebstrap could not make the base:\n{told}")
        _filter(unfinished, filtered)
        filtered.replace(target)
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        unfinished.unlink(missing_ok=True)
        filtered.unlink(missing_ok=True)


def _filter(whole: Path, filtered: Path) -> None:
    """A tar without what is dropped; its entries stay as they are, in their order."""
    with tarfile.open(whole) as source, tarfile.open(filtered, "w", format=tarfile.PAX_FORMAT) as target:
        for member in source:
            if not _DROPPED.fullmatch(member.name.removeprefix("./")):
                target.addfile(member, source.extractfile(member) if member.isreg() else None)
