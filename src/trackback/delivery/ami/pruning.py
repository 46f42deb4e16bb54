"""AMIs whose time is over go, with their snapshots; never one that is deployed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from trackback.client.api import Client, walk
from trackback.delivery.ami.aws import Aws, answering, code_of, tags_of
from trackback.delivery.ami.registration import DIGEST, Ami, our_amis
from trackback.entities import DeploymentKind
from trackback.errors import InvalidState, PermissionDenied, Unauthenticated, UnknownEndpoint


@dataclass(frozen=True)
class Pruned:
    """``removed``: what has expired. ``deployed``: what has too, but is live by the server's ledger. ``orphans``:
    snapshots whose AMI is gone. ``dry``: nothing was removed, it was only looked.
    """

    removed: tuple[Ami, ...]
    deployed: tuple[Ami, ...]
    orphans: tuple[str, ...]
    kept: int
    dry: bool

    def document(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry,
            "removed": [_document(each) for each in self.removed],
            "deployed": [_document(each) for each in self.deployed],
            "orphaned_snapshots": list(self.orphans),
            "kept": self.kept,
        }


def prune(client: Client, aws: Aws, *, dry: bool = False, now: datetime | None = None) -> Pruned:
    """Deregister what has expired, and delete its snapshots.

    The ledger is asked before each, so that what becomes deployed meanwhile stays. Without it nothing goes.

    PermissionDenied: who asks may not see all deployments. Unavailable: of the server, or of AWS. What was removed
    before is; another run goes on.
    """
    _check_sees_all(client)
    moment = now or datetime.now(UTC)
    amis = our_amis(aws)
    expired = [each for each in amis if each.expires is not None and each.expires <= moment]
    removed, deployed = [], []
    for ami in expired:
        if is_deployed(client, ami.id, aws.region):
            deployed.append(ami)
            continue
        if not dry:
            _remove(aws, ami)
        removed.append(ami)
    orphans = _orphans(aws, {each.snapshot for each in amis}, moment)
    if not dry:
        for snapshot in orphans:
            _delete_snapshot(aws, snapshot)
    kept = len(amis) - len(removed)
    return Pruned(tuple(removed), tuple(deployed), tuple(orphans), kept, dry)


def _check_sees_all(client: Client) -> None:
    """A deployment that is not to be seen would not keep its AMI."""
    try:
        me = client.get_myself()
    except (InvalidState, Unauthenticated, UnknownEndpoint):  # there are no accounts
        return
    if all(grant.resource is not None for grant in me.grants):
        raise PermissionDenied(
            f"{me.name} may not see all deployments, so that one that is live might be taken for one that is not. Ask "
            "with a token of a user with a role for everything, such as reader."
        )


def is_deployed(client: Client, ami: str, region: str) -> bool:
    """Whether it is live somewhere, by the server."""
    live = walk(client.list_deployments, locator=ami, at="now")
    return any(each.kind is DeploymentKind.AMI and each.region in ("", None, region) for each in live)


def _remove(aws: Aws, ami: Ami) -> None:
    with answering(f"To deregister {ami.id}"):
        aws.ec2.deregister_image(ImageId=ami.id)
    if ami.snapshot:
        _delete_snapshot(aws, ami.snapshot)


def _delete_snapshot(aws: Aws, snapshot: str) -> None:
    with answering(f"To delete {snapshot}"):
        try:
            aws.ec2.delete_snapshot(SnapshotId=snapshot)
        except aws.ec2.exceptions.ClientError as error:
            if code_of(error) not in ("InvalidSnapshot.NotFound", "InvalidSnapshot.InUse"):
                raise


def _orphans(aws: Aws, used: set[str], moment: datetime) -> list[str]:
    """Snapshots of ours that have expired, and that no AMI is of: what was left by a run that was ended."""
    with answering("To list snapshots"):
        pages = aws.ec2.get_paginator("describe_snapshots").paginate(
            OwnerIds=["self"], Filters=[{"Name": "tag-key", "Values": [DIGEST]}]
        )
        found = [each for page in pages for each in page["Snapshots"]]
    snapshots = [Ami("", "", each["SnapshotId"], tags_of(each.get("Tags"))) for each in found]
    return [
        each.snapshot
        for each in snapshots
        if each.snapshot not in used and each.expires is not None and each.expires <= moment
    ]


def _document(ami: Ami) -> dict[str, Any]:
    return {"ami": ami.id, "name": ami.name, "snapshot": ami.snapshot, "tags": ami.tags}
