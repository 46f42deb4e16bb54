"""A disk becomes an EBS snapshot, block by block, however often that is broken off."""

import base64
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from trackback.delivery.ami.aws import Aws, tags_of
from trackback.delivery.ami.snapshots import BLOCK_BYTES, Journal, upload_snapshot


class Cut(Exception):
    """The stage is ended."""


@pytest.fixture
def sent(aws: Aws) -> Counter[int]:
    """How often each block is sent."""
    counted: Counter[int] = Counter()

    def count(params: dict[str, Any], **_: Any) -> None:
        counted[params["BlockIndex"]] += 1

    aws.ebs.meta.events.register("provide-client-params.ebs.PutSnapshotBlock", count)
    return counted


def upload(aws: Aws, disk: Path, cut_at: int | None = None) -> str:
    def progress(done: int, total: int) -> None:
        if cut_at is not None and done >= cut_at * BLOCK_BYTES:
            raise Cut

    return upload_snapshot(
        aws,
        disk,
        token="a-disk",
        description="a disk of the tests",
        tags={"trackback:model": "churn"},
        journal=disk.with_suffix(".journal"),
        progress=progress,
    )


def test_what_is_in_the_disk_is_in_the_snapshot_and_zeros_are_not_sent(
    aws: Aws, disk: Path, sent: Counter[int]
) -> None:
    snapshot = upload(aws, disk)
    assert dict(sent) == dict.fromkeys((0, 1, 7, 4096, 5119), 1)
    with disk.open("rb") as file:
        for index in sent:
            file.seek(index * BLOCK_BYTES)
            content = file.read(BLOCK_BYTES)
            kept = aws.ebs.get_snapshot_block(SnapshotId=snapshot, BlockIndex=index, BlockToken="any")
            assert kept["BlockData"].read() == content
            assert kept["Checksum"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    (said,) = aws.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    assert (said["State"], said["VolumeSize"]) == ("completed", 3)
    assert tags_of(said["Tags"])["trackback:model"] == "churn"
    assert not disk.with_suffix(".journal").exists()


def test_an_upload_that_was_cut_goes_on_with_what_is_not_there_yet(aws: Aws, disk: Path, sent: Counter[int]) -> None:
    with pytest.raises(Cut):
        upload(aws, disk, cut_at=4096)
    begun = Journal(disk.with_suffix(".journal")).snapshot
    with disk.with_suffix(".journal").open("a") as journal:
        journal.write("block 99 ab")  # a line that was not written to its end
    before = dict(sent)
    assert upload(aws, disk) == begun
    assert set(sent) == {0, 1, 7, 4096, 5119}
    known = [index for index in before if sent[index] == before[index]]
    assert len(known) >= 1, "nothing that was known to be there was left out"


def test_an_upload_that_was_complete_when_its_stage_was_ended_is_taken_as_it_is(
    aws: Aws, disk: Path, sent: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "end", lambda journal: None)
        snapshot = upload(aws, disk)
    assert (upload(aws, disk), set(sent.values())) == (snapshot, {1})
    assert not disk.with_suffix(".journal").exists()


def test_a_snapshot_that_is_gone_is_begun_anew(aws: Aws, disk: Path) -> None:
    with pytest.raises(Cut):
        upload(aws, disk, cut_at=4096)
    begun = Journal(disk.with_suffix(".journal")).snapshot
    aws.ec2.delete_snapshot(SnapshotId=begun)
    assert upload(aws, disk) != begun


def test_the_checksum_of_all_is_that_of_the_digests_in_their_order(tmp_path: Path) -> None:
    """As the EBS direct API's reference has it, and AWS's own coldsnap does."""
    journal = Journal(tmp_path / "journal")
    journal.begin("snap-1")
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(3)]
    for number in (2, 0, 1):
        journal.add(number, digests[number])
    assert journal.checksum == base64.b64encode(hashlib.sha256(b"".join(digests)).digest()).decode()
    assert Journal(tmp_path / "journal").digests == dict(enumerate(digests))
