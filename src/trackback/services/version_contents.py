"""What a version is when it is registered, and stays: where it came from, its files, its params and metrics."""

from trackback.services.snapshots import Tree, freeze, snapshot_uri, why_missing
from trackback.services.version_sources import Origin
from trackback.storage import Transaction, version_data
from trackback.storage.model_versions import NewModelVersion


def with_origin(new: NewModelVersion, origin: Origin) -> NewModelVersion:
    """The version with the run, the logged model or the version that it comes from."""
    copied = origin.copied_from
    return new._replace(
        location=origin.location,
        run_id=origin.run_id,
        logged_model=origin.logged_model.uuid if origin.logged_model else copied.logged_model if copied else "",
        digest=copied.digest if copied else None,
        status_message=copied.status_message if copied else "",
        copied_from=copied.id if copied else None,
    )


def frozen(tx: Transaction, new: NewModelVersion, tree: Tree | None, now_ms: int) -> NewModelVersion:
    """The version with the files that it is, or why it is without them."""
    if tree is None:
        return new
    if snapshot := freeze(tx, tree, now_ms):
        return new._replace(digest=snapshot.digest, location=snapshot_uri(snapshot.digest))
    return new._replace(status_message=f"The files of this version are unverified: {why_missing(tree)}")


def keep_data(tx: Transaction, version: int, origin: Origin) -> None:
    """Keep the params and the latest metrics with a version: a logged model's where it has any, else the run's."""
    if origin.copied_from is not None:
        version_data.copy_data(tx, version, origin.copied_from.id)
        return
    model, run = origin.logged_model, origin.run
    if not (model and version_data.copy_logged_model_params(tx, version, model.id)) and run:
        version_data.copy_run_params(tx, version, run.id)
    if not (model and version_data.copy_logged_model_metrics(tx, version, model.id)) and run:
        version_data.copy_run_metrics(tx, version, run.id)
