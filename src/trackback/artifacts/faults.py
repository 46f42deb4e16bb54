"""What a client is told when a store fails: nothing of the server's disks and buckets, which the log names."""

import logging

from trackback.entities import Blob
from trackback.errors import DataLoss, StorageFull, Unavailable

log = logging.getLogger(__name__)


def lost(blob: Blob) -> DataLoss:
    """The database knows the blob, and the store has less of it than that, or nothing."""
    log.error("the artifact store has lost bytes of %s, stored as %s", blob.digest, blob.location)
    return DataLoss(
        f"The artifact store has lost bytes of the file with SHA-256 {blob.digest}. "
        "Restore them from a backup, or log the file again."
    )


def changed(blob: Blob, found: str) -> DataLoss:
    """What was read as the blob is something else."""
    log.error("the bytes at %s have the digest %s instead of %s", blob.location, found, blob.digest)
    return DataLoss(
        f"The file with SHA-256 {blob.digest} is damaged: its bytes have the SHA-256 {found}. "
        "Restore it from a backup, or log the file again."
    )


def full(error: Exception) -> StorageFull:
    _record(error)
    return StorageFull("The artifact store has no room left. Nothing was stored; free some space and repeat.")


def unreachable(error: Exception) -> Unavailable:
    _record(error)
    return Unavailable("The artifact store does not answer. Repeat the request in a moment.")


def first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _record(error: Exception) -> None:
    log.error("the artifact store failed: %s", first_line(error))
