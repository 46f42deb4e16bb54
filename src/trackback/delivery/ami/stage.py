"""The stage that makes an AMI of a model."""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackback.client.api import Client
from trackback.client.cache import default_folder
from trackback.client.file_locks import hold, is_held
from trackback.client.progress import Progress
from trackback.delivery.ami import disks, host, machines
from trackback.delivery.ami.aws import Aws, connect_to_aws
from trackback.delivery.ami.contents import Container, find_container
from trackback.delivery.ami.packer import write_template
from trackback.delivery.ami.registration import EXPIRES, Ami, find_ami, register_ami, retag, tags_for
from trackback.delivery.ami.snapshots import TIMEOUT_MINUTES, upload_snapshot, volume_gib
from trackback.delivery.record import Record, recorded
from trackback.delivery.subject import Subject
from trackback.delivery.written import unwritable
from trackback.entities import Deployment, DeploymentKind

_FORGOTTEN_S = 2 * 60 * TIMEOUT_MINUTES


@dataclass(frozen=True)
class Recipe:
    """What is to be made, and of what.

    region: where an AMI is made; None for none. disk: where the disk's image is kept; None for nowhere. packer: the
    folder of a template. image: as of ``find_container``. mirror: of Debian. days: after which it expires; None for
    never. environment: what it is for, if no promotion says so.
    """

    region: str | None = None
    disk: Path | None = None
    packer: Path | None = None
    image: str | None = None
    mirror: str | None = None
    days: int | None = None
    environment: str | None = None


@dataclass(frozen=True)
class Made:
    """``known``: the AMI was there already. ``deployment``: the record of it; None where no environment is known."""

    subject: Subject
    container: Container
    region: str | None = None
    ami: Ami | None = None
    known: bool = False
    deployment: Deployment | None = None
    disk: Path | None = None
    template: Path | None = None

    def document(self) -> dict[str, Any]:
        made = {
            "ami": self.ami.id if self.ami else None,
            "name": self.ami.name if self.ami else None,
            "snapshot": self.ami.snapshot if self.ami else None,
            "expires": self.ami.tags.get(EXPIRES) if self.ami else None,
            "region": self.region,
            "already_there": self.known,
            "deployment": self.deployment.id if self.deployment else None,
            "image_digest": self.container.digest,
            "disk": str(self.disk) if self.disk else None,
            "packer_template": str(self.template) if self.template else None,
        }
        return {**self.subject.document(), **{key: value for key, value in made.items() if value is not None}}


def make_ami(
    client: Client,
    subject: Subject,
    recipe: Recipe,
    progress: Progress = lambda done, total: None,
    say: Callable[[str], None] = lambda text: None,
) -> Made:
    """Make an AMI of a subject's image, and tell the server that it is what its environment scores with now.

    The same image has one AMI in a region: a stage that was ended goes on, and one that is run again finds it.

    Errors: those of ``find_container``, ``make_disk``, ``upload_snapshot`` and ``register_ami``.
    """
    inputs = {"region": recipe.region, "image": recipe.image}
    with recorded(client, subject, "ami", inputs) as record:
        container = find_container(client, subject, recipe.image)
        tags = tags_for(subject, container.digest, recipe.days)
        name = name_of(subject, container)
        template = disk = None
        if recipe.packer is not None:
            template = write_template(container, subject, recipe.packer, name=name, region=recipe.region, tags=tags)
        if recipe.disk is not None:
            disk = recipe.disk
            disks.make_disk(container, subject, disk, mirror=recipe.mirror, say=say)
        made = Made(subject, container, recipe.region, disk=disk, template=template)
        if recipe.region is not None:
            made = _in_region(made, recipe, name, tags, record, progress, say)
        record.passed = True
    return made


def name_of(subject: Subject, container: Container) -> str:
    """What the AMI is called, in letters that EC2 takes: the same for the same disk, but for Debian's packages."""
    said = [disks.REVISION, machines.SUITE, container.digest, subject.label, host.command(container, subject)]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    model = f"{subject.name}-{subject.version}" if subject.name else subject.digest[:12]
    return f"trackback-{re.sub(r'[^A-Za-z0-9._/()-]', '-', model)[:100]}-{digest[:12]}"


def _in_region(
    made: Made,
    recipe: Recipe,
    name: str,
    tags: dict[str, str],
    record: Record,
    progress: Progress,
    say: Callable[[str], None],
) -> Made:
    assert recipe.region is not None
    aws = connect_to_aws(recipe.region)
    folder = default_folder() / "ami" / name
    with _held(folder):
        _forget_others(folder)
        if known := find_ami(aws, name):
            ami = retag(aws, known, tags)
        else:
            disk = made.disk or _kept_disk(folder, made, recipe, say)
            ami = _registered(aws, folder, disk, name, made, tags, progress, say)
            (folder / "disk.raw").unlink(missing_ok=True)
    environment = made.subject.environment or recipe.environment
    deployment = None
    if environment is not None:
        fields: dict[str, Any] = {"environment": environment, "region": recipe.region, "replaces_previous": True}
        deployment = record.deployed(DeploymentKind.AMI, ami.id, **fields)
    return Made(
        made.subject, made.container, recipe.region, ami, known is not None, deployment, made.disk, made.template
    )


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One at a time makes and uploads a disk; the next one finds what it has made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("wb")
    except OSError as error:
        raise unwritable(folder, error) from error
    with lock:
        hold(lock)
        yield


def _forget_others(folder: Path) -> None:
    """Disks of stages that were ended while they uploaded them, and that nobody ran again while AWS had waited."""
    for disk in folder.parent.glob("*/disk.raw"):
        with suppress(OSError):
            if time.time() - disk.stat().st_mtime > _FORGOTTEN_S and not is_held(disk.with_name("lock")):
                shutil.rmtree(disk.parent)


def _kept_disk(folder: Path, made: Made, recipe: Recipe, say: Callable[[str], None]) -> Path:
    """The disk of a stage that was ended while it uploaded it, or else a new one."""
    disk = folder / "disk.raw"
    if not disk.exists():
        disks.make_disk(made.container, made.subject, disk, mirror=recipe.mirror, say=say)
    return disk


def _registered(
    aws: Aws,
    folder: Path,
    disk: Path,
    name: str,
    made: Made,
    tags: dict[str, str],
    progress: Progress,
    say: Callable[[str], None],
) -> Ami:
    say(f"uploading {disk.name} to {aws.region}")
    stat = disk.stat()
    token = f"{name}-{stat.st_size}-{stat.st_mtime_ns}"
    snapshot = upload_snapshot(
        aws,
        disk,
        token=token,
        description=f"{made.subject.label}, {name}",
        tags=tags,
        journal=folder / f"upload-{aws.region}-{stat.st_mtime_ns}",
        progress=progress,
    )
    return register_ami(aws, name, snapshot, volume_gib(disk), made.container.architecture, tags)
