"""A disk's file as an EBS snapshot, by the EBS direct API: no instance is started for it.

Blocks of zeros are left out. The others are sent by many threads, each with its SHA-256, and written down once AWS has
them, so that an upload goes on where it was ended.
"""

import base64
import hashlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from trackback.client.progress import Progress
from trackback.delivery.ami.aws import Aws, answering, code_of, listed_tags
from trackback.delivery.written import unwritable
from trackback.errors import TrackbackError, Unavailable

BLOCK_BYTES = 512 << 10
"""Of every snapshot, as the API's reference has it."""
GIB = 1 << 30
THREADS = 16
TIMEOUT_MINUTES = 24 * 60  # of silence, after which AWS gives a snapshot up that is not complete
_NEW_S = 120  # a snapshot that was just begun may not be known everywhere yet
_PAUSE_S = 2.0
_COMPLETED_S = 3600


def volume_gib(disk: Path) -> int:
    """The size of a volume that the disk fits on."""
    return max(1, -(-disk.stat().st_size // GIB))


def upload_snapshot(
    aws: Aws, disk: Path, *, token: str, description: str, tags: dict[str, str], journal: Path, progress: Progress
) -> str:
    """The id of a snapshot with the content of a disk, which is complete.

    token: names the snapshot; with the same one, and the journal of what was sent, an upload goes on. progress: is told
    bytes, those of zeros included.

    Unavailable, PermissionDenied: of AWS. StorageFull, InvalidParameter: the journal can't be written.
    """
    kept = Journal(journal)
    state = _looked_up(aws, kept.snapshot) if kept.snapshot else None
    if state in (None, "error"):  # AWS has given it up
        kept.begin(_start(aws, disk, f"{token}-{kept.begun}", description, tags))
    assert kept.snapshot is not None
    there = len(kept.digests)
    _send(aws, disk, kept, progress)
    if state != "completed" or len(kept.digests) > there:  # else a stage was ended right after it had completed it
        _complete(aws, kept)
    kept.end()
    return kept.snapshot


class Journal:
    """Which snapshot it is, and the digest of each block that it has: a line each, a word at least."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.snapshot: str | None = None
        self.begun = 0
        self.digests: dict[int, bytes] = {}
        with suppress(FileNotFoundError):
            for line in path.read_text().splitlines():
                self._read(line)

    def _read(self, line: str) -> None:
        match line.split():
            case ["snapshot", snapshot]:
                self.snapshot, self.digests = snapshot, {}
                self.begun += 1
            case ["block", index, digest] if len(digest) == 64:  # the last line may have been cut
                self.digests[int(index)] = bytes.fromhex(digest)

    def begin(self, snapshot: str) -> None:
        self._write(f"snapshot {snapshot}")

    def add(self, index: int, digest: bytes) -> None:
        self._write(f"block {index} {digest.hex()}")

    def end(self) -> None:
        self._path.unlink(missing_ok=True)

    def _write(self, line: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write(f"\n{line}\n")  # a line that was cut before stays apart
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._read(line)

    @property
    def checksum(self) -> str:
        """Of all blocks: linear, the digest of their digests in order."""
        linear = hashlib.sha256(b"".join(self.digests[index] for index in sorted(self.digests)))
        return base64.b64encode(linear.digest()).decode()


def _looked_up(aws: Aws, snapshot: str) -> str | None:
    """Its state: pending, completed, error; None for one that is not there."""
    with answering(f"To look at {snapshot}"):
        try:
            found = aws.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
        except aws.ec2.exceptions.ClientError as error:
            if code_of(error) == "InvalidSnapshot.NotFound":
                return None
            raise
    return str(found[0]["State"]) if found else None


def _start(aws: Aws, disk: Path, token: str, description: str, tags: dict[str, str]) -> str:
    with answering("To begin a snapshot"):
        begun = aws.ebs.start_snapshot(
            VolumeSize=volume_gib(disk),
            Description=description[:255],
            Tags=listed_tags(tags),
            ClientToken=token[:255],
            Timeout=TIMEOUT_MINUTES,
        )
    return str(begun["SnapshotId"])


def _send(aws: Aws, disk: Path, kept: Journal, progress: Progress) -> None:
    size = disk.stat().st_size
    began = time.monotonic()
    with disk.open("rb") as file, ThreadPoolExecutor(THREADS) as threads:
        waiting: set[Future[tuple[int, bytes]]] = set()
        try:
            for index, block in _blocks(file.fileno(), size):
                progress(index * BLOCK_BYTES, size)
                if index in kept.digests:
                    continue
                waiting.add(threads.submit(_put, aws, str(kept.snapshot), index, block, began))
                if len(waiting) >= 2 * THREADS:
                    waiting = _settle(waiting, kept)
            while waiting:
                waiting = _settle(waiting, kept)
        finally:
            for each in waiting:
                each.cancel()
            for each in wait(waiting).done:  # what AWS has by now is not sent again
                if not each.cancelled() and each.exception() is None:
                    kept.add(*each.result())
    progress(size, size)


def _settle(waiting: set[Future[tuple[int, bytes]]], kept: Journal) -> set[Future[tuple[int, bytes]]]:
    done, others = wait(waiting, return_when=FIRST_COMPLETED)
    for each in done:
        kept.add(*each.result())
    return others


def _blocks(descriptor: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Those with anything in them, whole; of a file with holes the others are not even read."""
    position = 0
    while position < size:
        try:
            data = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError:  # there is none any more
            return
        position = data - data % BLOCK_BYTES
        block = os.pread(descriptor, BLOCK_BYTES, position)
        if block.count(0) != len(block):
            yield position // BLOCK_BYTES, block.ljust(BLOCK_BYTES, b"\0")
        position += BLOCK_BYTES


def _put(aws: Aws, snapshot: str, index: int, block: bytes, began: float) -> tuple[int, bytes]:
    digest = hashlib.sha256(block).digest()
    while True:
        try:
            with answering(f"To send block {index} to {snapshot}"):
                aws.ebs.put_snapshot_block(
                    SnapshotId=snapshot,
                    BlockIndex=index,
                    BlockData=block,
                    DataLength=BLOCK_BYTES,
                    Checksum=base64.b64encode(digest).decode(),
                    ChecksumAlgorithm="SHA256",
                )
            return index, digest
        except TrackbackError as error:
            if code_of(error.__cause__ or error) != "ResourceNotFoundException" or time.monotonic() - began > _NEW_S:
                raise
        time.sleep(_PAUSE_S)


def _complete(aws: Aws, kept: Journal) -> None:
    with answering(f"To complete {kept.snapshot}"):
        aws.ebs.complete_snapshot(
            SnapshotId=kept.snapshot,
            ChangedBlocksCount=len(kept.digests),
            Checksum=kept.checksum,
            ChecksumAlgorithm="SHA256",
            ChecksumAggregationMethod="LINEAR",
        )
    deadline = time.monotonic() + _COMPLETED_S
    while (state := _looked_up(aws, str(kept.snapshot))) != "completed":
        if state == "error" or time.monotonic() > deadline:
            raise Unavailable(f"AWS does not complete {kept.snapshot}: it is {state}. Run the stage again.")
        time.sleep(_PAUSE_S)
