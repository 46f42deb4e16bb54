"""What a policy looks at, beside verdicts and approvals: where files have been, and what is known of a run."""

from collections.abc import Iterable

from trackback.entities import PromotionKind
from trackback.storage.interface import Transaction


def was_in(
    tx: Transaction, stream: str, environment: str, digest: str | None, model_version: int | None, run_id: str | None
) -> bool:
    """Whether a version, or a run, has been promoted to an environment with the files that it has now."""
    if model_version is not None:
        subject = "p.model_version = ?"
    else:
        subject = "p.run = (SELECT r.id FROM runs r WHERE r.uuid = ?)"
    found = tx.row(
        f"SELECT 1 FROM promotions p WHERE {subject} AND p.stream = ? AND p.environment = ?"
        " AND COALESCE(p.digest, '') = ? AND p.kind <> ? LIMIT 1",
        run_id if model_version is None else model_version,
        stream,
        environment,
        digest or "",
        PromotionKind.DEMOTED.value,
    )
    return found is not None


def has_dataset(tx: Transaction, run_id: str) -> bool:
    """Whether a data set is among the inputs of the run, or in its provenance record."""
    found = tx.row(
        "SELECT r.id FROM runs r WHERE r.uuid = ? AND (EXISTS (SELECT 1 FROM dataset_inputs i WHERE i.run = r.id)"
        " OR EXISTS (SELECT 1 FROM provenance_datasets d WHERE d.run = r.id))",
        run_id,
    )
    return found is not None


def files_named(tx: Transaction, root: str, paths: Iterable[str]) -> dict[str, str]:
    """Those of the paths that are files of a manifest, with the digest of each."""
    rows = tx.rows(
        "SELECT e.path, b.digest FROM manifests m JOIN manifest_entries e ON e.manifest = m.id"
        " JOIN blobs b ON b.id = e.blob WHERE m.root = ? AND e.path {texts}",
        root,
        list(paths),
    )
    return dict(rows)


def has_recorded_packages(tx: Transaction, run_id: str) -> bool:
    """Whether the run's provenance record says which packages it ran with; its set has no path of a file."""
    found = tx.row(
        "SELECT 1 FROM run_packages p WHERE p.run = (SELECT r.id FROM runs r WHERE r.uuid = ?) AND p.path = ''", run_id
    )
    return found is not None


def is_signed(tx: Transaction, digest: str) -> bool | None:
    """Whether the MLmodel with this digest has a signature; None if it has not been read."""
    row = tx.row("SELECT signed FROM model_signatures WHERE digest = ?", digest)
    return bool(row[0]) if row else None


def keep_signed(tx: Transaction, digest: str, signed: bool) -> None:
    tx.run("INSERT INTO model_signatures (digest, signed) VALUES (?, ?) ON CONFLICT DO NOTHING", digest, int(signed))


def makers_of(tx: Transaction, run_id: str) -> tuple[str, ...]:
    """Whose run it is: who signed in to make it, and whom its client named."""
    row = tx.row("SELECT creator, user_id FROM runs WHERE uuid = ?", run_id)
    return row or ()
