"""A base of Debian with its own Python, made on this machine by mmdebstrap: the same packages give the same tar."""

import os
import shutil
import subprocess
from pathlib import Path

from trackback.delivery.written import unwritable
from trackback.errors import MissingTool, StorageFull, Unavailable

PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
SUITES = tuple(PYTHONS)

# What wheels take for granted beside the C library: OpenMP (LightGBM), certificates, time zones.
_PACKAGES = ("python3", "ca-certificates", "libgomp1", "tzdata")
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")

# Whatever differs from one run to the next, or belongs to a machine that runs by itself. Python's modules are compiled
# anew, since what its package does at its installation depends on the order of a set.
_CLEAN = (
    'rm -rf "$1"/var/log/* "$1"/var/cache/* "$1"/var/lib/apt/lists/* "$1"/tmp/* "$1"/dev/* "$1"/etc/machine-id '
    '"$1"/etc/hostname "$1"/etc/resolv.conf "$1"/var/lib/dpkg/*-old "$1"/var/lib/dbus'
)
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
    hooks = [f"--customize-hook={each}" for each in (_COMPILE, _CLEAN)]
    excluded = [f"--dpkgopt=path-exclude={each}" for each in _LEFT_OUT]
    flags = ["--variant=minbase", f"--include={','.join(_PACKAGES)}", *excluded, *hooks]
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
        unfinished.replace(target)
    except OSError as error:
        raise unwritable(target, error) from error
    finally:
        unfinished.unlink(missing_ok=True)
