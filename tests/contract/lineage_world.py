"""What finds what versions descend from, for tests of what depends on it."""

from trackback.artifacts import BlobStore
from trackback.services.lineage_index import LineageIndex
from trackback.services.provenance import ProvenanceIndex
from trackback.services.signatures import Signatures
from trackback.storage import Storage, Transaction


def lineage_index(storage: Storage, blobs: BlobStore) -> LineageIndex:
    return LineageIndex(storage, ProvenanceIndex(storage, blobs), Signatures(storage, blobs, _no_retry))


def _no_retry(tx: Transaction, stream: str | None) -> None:
    """Nothing waits to be promoted."""
