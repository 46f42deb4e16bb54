"""What versions descend from, and which versions descend from something."""

from trackback.storage.interface import Transaction


def versions_with_digest(tx: Transaction, digest: str) -> list[tuple[int, int]]:
    """The row and the model of each version, not deleted, whose files have this digest."""
    rows = tx.rows(
        "SELECT id, model FROM model_versions WHERE digest = ? AND deleted_ms IS NULL ORDER BY id DESC", digest
    )
    return [(number, model) for number, model in rows]
