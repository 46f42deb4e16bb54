"""A bootable disk: Debian's kernel and systemd, with a container's file system, put together without any root's rights.

    GPT  1  FAT    the kernel, and syslinux, which a BIOS starts as EC2 does for BootMode legacy-bios
         2  ext4   Debian; the container below /srv/image; it grows with the volume

mmdebstrap installs Debian, mkfs makes file systems out of folders, mtools and syslinux write into the FAT, and sfdisk
makes the table; nothing is mounted outside of mmdebstrap's own namespace.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

from trackback.delivery.ami import host
from trackback.delivery.ami.contents import Container, write_root
from trackback.delivery.subject import Subject
from trackback.delivery.written import unwritable
from trackback.errors import InvalidParameter, MissingTool, StorageFull, Unavailable

MIB = 1 << 20
GIB = 1 << 30
SUITE = "bookworm"
REVISION = 1
"""Of how disks are made: another one makes them anew, although all that goes into them is the same."""
ARCHITECTURE = "amd64"

_TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "sfdisk": "fdisk",
    "syslinux": "syslinux",
}
_LOADERS = ("/usr/lib/syslinux/mbr/gptmbr.bin", "/usr/lib/SYSLINUX/gptmbr.bin", "/usr/share/syslinux/gptmbr.bin")
_LOADER_BYTES = 440
_START = MIB
_BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
_ROOT_X86_64 = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")

# While this runs, folders of this very machine are mounted in the root. The view of it, in a namespace of its own, is
# without them.
_ROOT_SCRIPT = """\
set -eu
root=$1 build=$2
chroot "$root" systemctl enable systemd-networkd.service systemd-resolved.service systemd-timesyncd.service
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
: > "$root/etc/machine-id"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
cp "$root"/boot/vmlinuz-* "$build"/vmlinuz
cp "$root"/boot/initrd.img-* "$build"/initrd.img
rm -f "$root"/boot/vmlinuz-* "$root"/boot/initrd.img-*
used=$(du --summarize --block-size=1M --apparent-size --one-file-system "$root" | cut -f1)
files=$(find "$root" -xdev | wc -l)
truncate --size=$((used + used / 8 + files / 256 + 96))M "$build"/root.img
mkdir "$build"/view
unshare --mount sh -euc '
  mount --bind "$1" "$2"/view
  mkfs.ext4 -q -F -L trackback -U {uuid} -E lazy_itable_init=0 -d "$2"/view "$2"/root.img
' sh "$root" "$build"
chmod 644 "$build"/vmlinuz "$build"/initrd.img "$build"/root.img
"""

_SYSLINUX = """\
SERIAL 0 115200
DEFAULT linux
LABEL linux
LINUX /vmlinuz
INITRD /initrd.img
APPEND root=UUID={uuid} ro console=tty0 console=ttyS0,115200 net.ifnames=0 nvme_core.io_timeout=4294967295
"""


def make_disk(
    container: Container,
    subject: Subject,
    target: Path,
    *,
    mirror: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Write a disk's raw image, which is there as a whole or not at all; its holes take no room.

    mirror: of Debian, as mmdebstrap takes it; that of this machine, if None.

    MissingTool: a program is not installed. InvalidParameter: the container is for other machines, or is no image of a
    model. Unavailable: Debian's packages are not to be had. StorageFull: there is no room.
    """
    _check(container)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
            build = Path(name)
            build.chmod(0o777)  # mmdebstrap's hooks run as another user where it is not root that runs us
            identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{container.digest} {subject.digest}")
            say("the container's files")
            write_root(container.layers, build / "image.tar")
            host.write_overlay(build / "overlay.tar", container, subject, str(identity))
            say("Debian, with its kernel")
            _make_root(build, str(identity), mirror)
            say("the disk")
            _make_boot(build, str(identity))
            _put_together(build, build / "disk.raw", str(identity))
            (build / "disk.raw").replace(target)
    except OSError as error:
        raise unwritable(target, error) from error


def _check(container: Container) -> None:
    if container.architecture != ARCHITECTURE:
        raise InvalidParameter(
            f"{container.name} is for {container.architecture}, and disks are made for {ARCHITECTURE} only. Make the "
            f"image with --architecture {ARCHITECTURE}."
        )
    if not container.command:
        raise InvalidParameter(f"{container.name} does not say what it runs. Make it with `trackback deliver image`.")
    missing = {package for tool, package in _TOOLS.items() if _which(tool) is None}
    if _loader() is None:
        missing.add("syslinux-common")
    if missing:
        raise MissingTool(
            f"To make a disk takes {', '.join(sorted(missing))}, which are not here (on Debian: apt install "
            f"{' '.join(sorted(missing))})."
        )


def _which(tool: str) -> str | None:
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _loader() -> Path | None:
    return next((path for path in map(Path, _LOADERS) if path.exists()), None)


def _make_root(build: Path, identity: str, mirror: str | None) -> None:
    script = build / "root.sh"
    script.write_text(_ROOT_SCRIPT.format(uuid=identity))
    hooks = [
        f'mkdir -p "$1{host.IMAGE}"',
        f"tar-in {quote(str(build / 'image.tar'))} {host.IMAGE}",
        f"tar-in {quote(str(build / 'overlay.tar'))} /",
        f'sh {quote(str(script))} "$1" {quote(str(build))}',
    ]
    flags = [f"--customize-hook={each}" for each in hooks]
    flags += [f"--dpkgopt=path-exclude={each}" for each in _LEFT_OUT]
    include = f"--include={','.join(host.PACKAGES)}"
    tail = [SUITE, "/dev/null", *([mirror] if mirror else [])]
    _run(["mmdebstrap", "--quiet", "--variant=minbase", "--format=null", include, *flags, *tail])


def _make_boot(build: Path, identity: str) -> None:
    """A FAT file system with the kernel."""
    image, files = build / "boot.img", ("vmlinuz", "initrd.img", "syslinux.cfg")
    (build / "syslinux.cfg").write_text(_SYSLINUX.format(uuid=identity))
    size = sum((build / name).stat().st_size for name in files)
    _make_empty(image, _rounded(size + size // 8 + 16 * MIB, MIB))
    _run(["mkfs.vfat", "-n", "BOOT", "--invariant", image])
    _run(["mcopy", "-i", image, *(build / name for name in files), "::/"])
    _run(["syslinux", "--install", image])


def _put_together(build: Path, disk: Path, identity: str) -> None:
    boot, root = build / "boot.img", build / "root.img"
    root_start = _rounded(_START + boot.stat().st_size, MIB)
    size = _rounded(root_start + root.stat().st_size + MIB, GIB)
    _make_empty(disk, size)
    sectors = [each // 512 for each in (_START, boot.stat().st_size, root_start, size - root_start - MIB)]
    table = (
        f"label: gpt\nlabel-id: {identity}\n"
        f'start={sectors[0]}, size={sectors[1]}, type={_BASIC_DATA}, attrs="LegacyBIOSBootable", name=boot\n'
        f"start={sectors[2]}, size={sectors[3]}, type={_ROOT_X86_64}, name=root\n"
    )
    _run(["sfdisk", "--quiet", "--no-reread", disk], table)
    loader = _loader()
    assert loader is not None
    with disk.open("r+b") as file:
        file.write(loader.read_bytes()[:_LOADER_BYTES])
        _copy(boot, file.fileno(), _START)
        _copy(root, file.fileno(), root_start)
        file.flush()
        os.fsync(file.fileno())


def _copy(source: Path, descriptor: int, at: int) -> None:
    """Without the holes."""
    with source.open("rb") as file:
        position, size = 0, source.stat().st_size
        while position < size:
            try:
                position = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:  # there is no more data
                return
            end = os.lseek(file.fileno(), position, os.SEEK_HOLE)
            while position < end:
                block = os.pread(file.fileno(), min(MIB, end - position), position)
                os.pwrite(descriptor, block, at + position)
                position += len(block)


def _make_empty(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _run(command: Sequence[str | Path], text: str = "") -> None:
    program = _which(str(command[0]))
    assert program is not None
    search = {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "LC_ALL": "C", "MTOOLS_SKIP_CHECK": "1"}
    ran = subprocess.run(
        [program, *command[1:]],
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, **search},
    )
    if ran.returncode:
        told = (ran.stderr or ran.stdout).strip()[-1500:]
        if "No space left" in told:
            raise StorageFull(f"{command[0]} found no room: {told}")
        raise Unavailable(f"{command[0]} ended with {ran.returncode}:\n{told}")
