"""A bootable disk: Debian's kernel and systemd, and a container's file system, put together without any root's rights.

    GPT  1  FAT       the kernel, and syslinux, which a BIOS starts as EC2 does for BootMode legacy-bios
         2  squashfs  the container, packed, as /srv/image
         3  ext4      Debian; it grows with the volume

mksquashfs packs the container, mtools and syslinux write into the FAT, debugfs puts the unit into the ext4, and sfdisk
makes the table; nothing is mounted outside of mmdebstrap's own namespace.
"""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

from trackback.delivery.ami import host
from trackback.delivery.ami.contents import Container
from trackback.delivery.ami.machines import Machine, kept_machine
from trackback.delivery.ami.programs import check_programs, feed, loader, run
from trackback.delivery.ami.root import write_root
from trackback.delivery.subject import Subject
from trackback.delivery.written import unfinished, unwritable
from trackback.errors import InvalidParameter, Unavailable

MIB = 1 << 20
GIB = 1 << 30
REVISION = 2
"""Of how disks are made: another one makes them anew, although all that goes into them is the same."""
ARCHITECTURE = "amd64"

_LOADER_BYTES = 440
_BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
_LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
_ROOT_X86_64 = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
_SQUASH = "-tar -root-mode 755 -comp zstd -Xcompression-level 3 -quiet -no-progress"  # its own level takes minutes

_SYSLINUX = """\
SERIAL 0 115200
DEFAULT linux
LABEL linux
LINUX /vmlinuz
INITRD /initrd.img
APPEND root=PARTUUID={root} ro console=tty0 console=ttyS0,115200 net.ifnames=0 nvme_core.io_timeout=4294967295
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
        with unfinished(target.parent, f".{target.name}-") as build:
            say("the container's files")
            image, disk = build / "image.squashfs", build / "disk.raw"
            feed(["mksquashfs", "-", image, *_SQUASH.split()], lambda file: write_root(container.layers, file))
            with kept_machine(mirror, say) as machine:
                say("the disk")
                _put_together(build, disk, machine, image, host.unit(container, subject), _identity(container, subject))
            disk.replace(target)
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
    check_programs()


def _identity(container: Container, subject: Subject) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{container.digest} {subject.digest}")


def _put_together(build: Path, disk: Path, machine: Machine, image: Path, unit: str, identity: uuid.UUID) -> None:
    root_id = uuid.uuid5(identity, host.ROOT_LABEL)
    boot = _make_boot(build, machine, str(root_id))
    places = [MIB]
    for part in (boot, image):
        places.append(_rounded(places[-1] + part.stat().st_size, MIB))
    size = _rounded(places[-1] + machine.root.stat().st_size + MIB, GIB)
    _make_empty(disk, size)
    ends = [*places[1:], size - MIB]
    sectors = [f"start={start // 512}, size={(end - start) // 512}" for start, end in zip(places, ends, strict=True)]
    table = (
        f"label: gpt\nlabel-id: {identity}\n"
        f'{sectors[0]}, type={_BASIC_DATA}, attrs="LegacyBIOSBootable", name=boot\n'
        f"{sectors[1]}, type={_LINUX_DATA}, name={host.IMAGE_LABEL}\n"
        f"{sectors[2]}, type={_ROOT_X86_64}, uuid={root_id}, name={host.ROOT_LABEL}\n"
    )
    run(["sfdisk", "--quiet", "--no-reread", disk], table)
    with disk.open("r+b") as file:
        file.write(loader()[:_LOADER_BYTES])
        for part, at in zip((boot, image, machine.root), places, strict=True):
            _copy(part, file.fileno(), at)
    _add_unit(build, f"{disk}?offset={places[-1]}", unit)
    with disk.open("rb") as file:
        os.fsync(file.fileno())


def _make_boot(build: Path, machine: Machine, root_id: str) -> Path:
    """A FAT file system with the kernel."""
    image, config = build / "boot.img", build / "syslinux.cfg"
    config.write_text(_SYSLINUX.format(root=root_id))
    files = (machine.kernel, machine.initrd, config)
    size = sum(each.stat().st_size for each in files)
    _make_empty(image, _rounded(size + size // 8 + 8 * MIB, MIB))
    run(["mkfs.vfat", "-n", "BOOT", "--invariant", image])
    run(["mcopy", "-i", image, *files, "::/"])
    run(["syslinux", "--install", image])
    return image


def _add_unit(build: Path, file_system: str, unit: str) -> None:
    """debugfs tells of no failure by its exit code, so what is there then is looked at."""
    source = build / host.UNIT
    source.write_text(unit)
    run(["debugfs", "-w", "-f", "-", file_system], f'write "{source}" {host.UNIT_PATH}\n')
    if run(["debugfs", "-R", f"cat {host.UNIT_PATH}", file_system]) != unit:
        raise Unavailable(f"debugfs could not put {host.UNIT} into the machine's file system.")


def _copy(source: Path, descriptor: int, at: int) -> None:
    """Without blocks of zeros: nothing is there yet."""
    with source.open("rb") as file:
        while block := file.read(MIB):
            if block.count(0) != len(block):
                os.pwrite(descriptor, block, at)
            at += len(block)


def _make_empty(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit
