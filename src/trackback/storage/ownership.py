"""Whose a snapshot is: it may be that of many versions, and of what was promoted of many runs."""

from trackback.storage.interface import Transaction


def models_of_snapshot(tx: Transaction, digest: str) -> list[int]:
    """The registered models that have a version with that digest."""
    rows = tx.rows("SELECT DISTINCT model FROM model_versions WHERE digest = ? AND deleted_ms IS NULL", digest)
    return [model for (model,) in rows]


def experiments_of_snapshot(tx: Transaction, digest: str) -> list[int]:
    """The experiments of the runs that were promoted with that digest."""
    rows = tx.rows(
        "SELECT DISTINCT r.experiment FROM promotion_snapshots s JOIN promotions p ON p.seq = s.promotion"
        " JOIN runs r ON r.id = p.run WHERE s.digest = ?",
        digest,
    )
    return [experiment for (experiment,) in rows]
