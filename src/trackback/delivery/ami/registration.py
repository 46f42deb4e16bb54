"""An AMI of a snapshot, with tags that say what it is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from trackback.delivery.ami.aws import Aws, answering, code_of, listed_tags, tags_of
from trackback.delivery.subject import Subject

DEVICE = "/dev/xvda"
PREFIX = "trackback:"
MODEL, VERSION, DIGEST, RUN, PROMOTION, IMAGE, EXPIRES = (
    f"{PREFIX}{name}" for name in ("model", "version", "digest", "run", "promotion", "image", "expires")
)
_ARCHITECTURES = {"amd64": "x86_64"}


@dataclass(frozen=True)
class Ami:
    """``snapshot`` is what it is an image of."""

    id: str
    name: str
    snapshot: str
    tags: dict[str, str]

    @property
    def expires(self) -> datetime | None:
        """None for one that stays."""
        try:
            return datetime.fromisoformat(self.tags[EXPIRES])
        except (KeyError, ValueError):
            return None


def tags_for(subject: Subject, image_digest: str, days: int | None, now: datetime | None = None) -> dict[str, str]:
    """What an AMI of a subject, and its snapshot, say of themselves. days: after which it expires; None for never."""
    said: dict[str, object] = {
        "Name": subject.label,
        MODEL: subject.name or subject.label,
        VERSION: subject.version,
        DIGEST: subject.digest,
        RUN: subject.run_id,
        PROMOTION: subject.promotion,
        IMAGE: image_digest,
    }
    if days is not None:
        said[EXPIRES] = ((now or datetime.now(UTC)) + timedelta(days=days)).isoformat(timespec="seconds")
    return {key: str(value) for key, value in said.items() if value is not None}


def register_ami(aws: Aws, name: str, snapshot: str, gib: int, architecture: str, tags: dict[str, str]) -> Ami:
    """Registered once: an AMI of this name that is there already is the answer."""
    disk = {"SnapshotId": snapshot, "VolumeSize": gib, "VolumeType": "gp3", "DeleteOnTermination": True}
    try:
        with answering("To register the AMI"):
            made = aws.ec2.register_image(
                Name=name,
                Description=f"Scores what its user data names with {tags['Name']}, and shuts down"[:255],
                Architecture=_ARCHITECTURES[architecture],
                RootDeviceName=DEVICE,
                BlockDeviceMappings=[{"DeviceName": DEVICE, "Ebs": disk}],
                VirtualizationType="hvm",
                EnaSupport=True,
                SriovNetSupport="simple",
                BootMode="legacy-bios",
                ImdsSupport="v2.0",
                TagSpecifications=[{"ResourceType": "image", "Tags": listed_tags(tags)}],
            )
    except Exception as error:
        if code_of(error.__cause__ or error) == "InvalidAMIName.Duplicate" and (known := find_ami(aws, name)):
            return known
        raise
    return retag(aws, Ami(str(made["ImageId"]), name, snapshot, {}), tags)


def retag(aws: Aws, ami: Ami, tags: dict[str, str]) -> Ami:
    """Have it, and its snapshot, say what they are for now, and until when."""
    with answering(f"To tag {ami.id}"):
        aws.ec2.create_tags(Resources=[each for each in (ami.id, ami.snapshot) if each], Tags=listed_tags(tags))
    return Ami(ami.id, ami.name, ami.snapshot, {**ami.tags, **tags})


def find_ami(aws: Aws, name: str) -> Ami | None:
    """One of our own that has this name."""
    return next(iter(_find(aws, [{"Name": "name", "Values": [name]}])), None)


def our_amis(aws: Aws) -> list[Ami]:
    """All that are tagged as ours, in the region."""
    return _find(aws, [{"Name": "tag-key", "Values": [DIGEST]}])


def _find(aws: Aws, filters: list[dict[str, Any]]) -> list[Ami]:
    with answering("To list AMIs"):
        pages = aws.ec2.get_paginator("describe_images").paginate(Owners=["self"], Filters=filters)
        return [_ami(each) for page in pages for each in page["Images"]]


def _ami(said: dict[str, Any]) -> Ami:
    disks = [each["Ebs"] for each in said.get("BlockDeviceMappings", ()) if "Ebs" in each]
    snapshot = str(disks[0].get("SnapshotId", "")) if disks else ""
    return Ami(said["ImageId"], said.get("Name", ""), snapshot, tags_of(said.get("Tags")))
