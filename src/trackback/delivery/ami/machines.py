"""Debian for the machine, which is the same for all models: made once a day, and kept.

mmdebstrap installs it without any root's rights: all but its packages and our few files is left out, and what of it a
loader starts is apart from its file system.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shlex import quote

from trackback.client.cache import default_folder
from trackback.client.file_locks import hold
from trackback.delivery.ami import host
from trackback.delivery.ami.programs import run
from trackback.delivery.written import unfinished

SUITE = "bookworm"
KEPT_S = 24 * 3600
"""After which Debian may have mended something: it is made anew."""

_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
_FILES = ("vmlinuz", "initrd.img", "root.img")

# The kernel has ext4 and NVMe built in. An initrd is for machines whose disks are Xen's or virtio's, and with just
# these it is a third of what Debian puts into one, which a BIOS reads slowly.
_INITRD_HOOK = """\
#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules xen_blkfront virtio_blk virtio_pci
"""
_SMALL_INITRD = f"""\
mkdir -p "$1"/etc/initramfs-tools/conf.d "$1"/etc/initramfs-tools/hooks
echo MODULES=list > "$1"/etc/initramfs-tools/conf.d/trackback
printf %s {quote(_INITRD_HOOK)} > "$1"/etc/initramfs-tools/hooks/trackback
chmod 755 "$1"/etc/initramfs-tools/hooks/trackback
"""

_ACCOUNT = "\n".join(host.make_account('chroot "$root"'))

# While this runs, folders of this very machine are mounted in the root. The view of it, in a namespace of its own, is
# without them.
_ROOT_SCRIPT = f"""\
set -eu
root=$1
{_ACCOUNT}
chroot "$root" systemctl enable systemd-networkd.service systemd-resolved.service systemd-timesyncd.service
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
: > "$root/etc/machine-id"
mkdir -p "$root"{host.IMAGE}
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
work=$(mktemp -d)
mkdir "$work"/view
mv "$root"/boot/vmlinuz-* "$work"/vmlinuz
mv "$root"/boot/initrd.img-* "$work"/initrd.img
rm -f "$root"/vmlinuz* "$root"/initrd.img*
unshare --mount sh -euc '
  mount --bind "$1" "$2"/view
  used=$(du --summarize --block-size=1M --apparent-size "$2"/view | cut -f1)
  files=$(find "$2"/view | wc -l)
  truncate --size=$((used + used / 8 + files / 256 + 96))M "$2"/root.img
  mkfs.ext4 -q -F -L trackback -E lazy_itable_init=0 -d "$2"/view "$2"/root.img
' sh "$root" "$work"
mv "$work"/vmlinuz "$work"/initrd.img "$work"/root.img "$root"/
rm -rf "$work"
"""


@dataclass(frozen=True)
class Machine:
    """What a loader starts, and the image of its ext4."""

    kernel: Path
    initrd: Path
    root: Path


@contextmanager
def kept_machine(mirror: str | None, say: Callable[[str], None] = lambda text: None) -> Iterator[Machine]:
    """Debian's, as it was within the last day; one process at a time has it.

    mirror: of Debian, as mmdebstrap takes it; that of this machine, if None.

    Unavailable: Debian's packages are not to be had. StorageFull: there is no room. OSError: it can't be written.
    """
    above = default_folder() / "ami" / "machines"
    above.mkdir(parents=True, exist_ok=True)
    with (above / "lock").open("wb") as lock:
        hold(lock)
        folder = above / _name(mirror)
        if not _is_fresh(folder):
            say("Debian, with its kernel")
            _make(folder, mirror)
        yield Machine(*(folder / each for each in _FILES))


def _name(mirror: str | None) -> str:
    said = [mirror, SUITE, host.PACKAGES, _LEFT_OUT, _SMALL_INITRD, _ROOT_SCRIPT, host.FILES, host.LINKS]
    return sha256(json.dumps(said).encode()).hexdigest()[:32]


def _is_fresh(folder: Path) -> bool:
    try:
        return time.time() - (folder / _FILES[-1]).stat().st_mtime < KEPT_S
    except OSError:
        return False


def _make(folder: Path, mirror: str | None) -> None:
    with unfinished(folder.parent, ".making-") as build:
        made, overlay = build / "made", build / "overlay.tar"
        made.mkdir()
        host.write_overlay(overlay)
        after = [f"tar-in {quote(str(overlay))} /", _ROOT_SCRIPT]
        after += [f"download /{name} {quote(str(made / name))}" for name in _FILES]
        flags = [f"--essential-hook={_SMALL_INITRD}", *(f"--customize-hook={each}" for each in after)]
        flags += [f"--dpkgopt={each}" for each in ("force-unsafe-io", *(f"path-exclude={each}" for each in _LEFT_OUT))]
        packages = f"--include={','.join(host.PACKAGES)}"
        tail = [SUITE, "/dev/null", *([mirror] if mirror else [])]
        run(["mmdebstrap", "--quiet", "--variant=minbase", "--format=null", packages, *flags, *tail])
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    for other in folder.parent.iterdir():  # of other days, or of before something here was changed
        if other.is_dir() and other != folder and not _is_fresh(other):
            shutil.rmtree(other, ignore_errors=True)
