"""What a policy looks at, beside verdicts and approvals: where files have been, and what is known of a run."""

from trackback.entities import PromotionKind
from trackback.storage.interface import Transaction

ENVIRONMENT_FILES = ("requirements.txt", "conda.yaml", "python_env.yaml")
"""Where MLflow's clients write down the environment of a model, in the folder of its MLmodel."""


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


def has_environment_file(tx: Transaction, root: str) -> bool:
    """Whether a manifest has a file that says what the model needs to run."""
    found = tx.row(
        "SELECT 1 FROM manifests m JOIN manifest_entries e ON e.manifest = m.id WHERE m.root = ? AND e.path {texts}"
        " LIMIT 1",
        root,
        list(ENVIRONMENT_FILES),
    )
    return found is not None


def has_provenance(tx: Transaction, run_id: str) -> bool:
    """Whether the run has a provenance record."""
    found = tx.row(
        "SELECT 1 FROM provenance_documents d WHERE d.run = (SELECT r.id FROM runs r WHERE r.uuid = ?)", run_id
    )
    return found is not None


def user_of(tx: Transaction, run_id: str) -> str | None:
    """Whose run it is."""
    row = tx.row("SELECT user_id FROM runs WHERE uuid = ?", run_id)
    return row[0] or None if row else None
