"""Who may do what with files that are named by their path: it goes by what they belong to."""

from trackback.artifacts import paths
from trackback.entities import Actor, Permission
from trackback.errors import PermissionDenied
from trackback.limits import shown
from trackback.services import access
from trackback.storage import Transaction, logged_models, ownership, runs


def may(tx: Transaction, actor: Actor, permission: Permission, root: str) -> bool:
    """Whether the actor may do that with the files of the manifest with this root.

    Files of a run or a logged model go by its experiment, those of a snapshot by any model that has a version of it,
    or any experiment of which a run was promoted with it. Files that belong to nothing known, and directories above
    all that, are for those who have the permission everywhere.
    """
    if access.may(actor, permission):
        return True
    if paths.is_snapshot(root):
        return _may_snapshot(tx, actor, permission, root.removeprefix(paths.snapshot_root("")))
    names = root.split("/")[:-1]
    if run_id := paths.run_id(names):
        run = runs.find(tx, run_id)
        return run is not None and access.may(actor, permission, experiment=run.experiment)
    if model_id := paths.logged_model_id(names):
        model = logged_models.find(tx, model_id)
        return model is not None and access.may(actor, permission, experiment=model.experiment)
    return False


def require_write(tx: Transaction, actor: Actor, root: str, path: str) -> None:
    """PermissionDenied, in the same words whether or not there is what ``path`` names."""
    if not may(tx, actor, Permission.WRITE, root):
        raise PermissionDenied(
            f"{actor.name} lacks the permission to write {shown(path)}. An admin can grant a role that has it, for the "
            "experiment that the file is to belong to."
        )


def _may_snapshot(tx: Transaction, actor: Actor, permission: Permission, digest: str) -> bool:
    return any(access.may(actor, permission, model=model) for model in ownership.models_of_snapshot(tx, digest)) or any(
        access.may(actor, permission, experiment=experiment)
        for experiment in ownership.experiments_of_snapshot(tx, digest)
    )
