"""Who may do what with which object: the one place of that rule.

An actor's grants say what it may do everywhere, and what with some experiments and registered models beyond that. A
route asks for a permission that the actor must have for anything at all; which object it has it for, services ask
here. The objects that roles can be given for are experiments and registered models; whatever else there is belongs to
one: runs, logged models and their files to an experiment; versions, aliases and snapshots to a model.

Nobody learns of what they may not read. So a service looks an object up, and then

- answers to who may not *read* it exactly as if it were not there (``may_read``), in the same words;
- refuses to who may read it but not do what was asked (``require``), which is a PermissionDenied;
- searches only among what the actor may read (``readable_experiments``, ``readable_models``; None is all).

    def readable_run(tx, actor, run_id):
        record = runs.find(tx, run_id)
        if record is None or not access.may_read(actor, experiment=record.experiment):
            raise NotFound(f"Run with id={run_id} not found")
        return record

    run = readable_run(tx, actor, run_id)
    access.require(actor, Permission.WRITE, experiment=run.experiment)

What belongs to no object, or makes a new one, asks for the permission everywhere: ``require(actor, Permission.WRITE)``.
So does what would tell of others' names: a name is one for all, and who gives it learns whether it is taken.
"""

from collections.abc import Iterable

from trackback.entities import Actor, Permission
from trackback.entities.streams import experiment_stream, model_stream
from trackback.errors import PermissionDenied

_NOTHING: frozenset[Permission] = frozenset()


def may(actor: Actor, permission: Permission, *, experiment: int | None = None, model: int | None = None) -> bool:
    """Whether the actor has the permission everywhere, or for one of the objects given by number."""
    grants = actor.grants
    if grants is None or permission in grants.everywhere:
        return True
    if experiment is not None and permission in grants.experiments.get(experiment, _NOTHING):
        return True
    return model is not None and permission in grants.models.get(model, _NOTHING)


def may_read(actor: Actor, *, experiment: int | None = None, model: int | None = None) -> bool:
    return may(actor, Permission.READ, experiment=experiment, model=model)


def may_anything(actor: Actor, permission: Permission) -> bool:
    """Whether the actor has the permission for anything at all."""
    grants = actor.grants
    if grants is None or permission in grants.everywhere:
        return True
    objects = (*grants.experiments.values(), *grants.models.values())
    return any(permission in permissions for permissions in objects)


def require(actor: Actor, permission: Permission, *, experiment: int | None = None, model: int | None = None) -> None:
    """PermissionDenied, unless the actor has the permission everywhere, or for one of the objects given by number."""
    if not may(actor, permission, experiment=experiment, model=model):
        raise denied(actor, permission, experiment=experiment, model=model)


def denied(
    actor: Actor, permission: Permission, *, experiment: int | None = None, model: int | None = None
) -> PermissionDenied:
    if experiment is not None:
        place = f"for the experiment {experiment}"
    else:
        place = "for this model" if model is not None else "for everything"
    return PermissionDenied(
        f"{actor.name} lacks the permission {str(permission)!r} {place}. An admin can grant a role that has it."
    )


def readable_experiments(actor: Actor) -> frozenset[int] | None:
    """The numbers of the experiments that the actor may read; None if all."""
    return None if may_read(actor) else _readable(actor.grants.experiments if actor.grants else {})


def readable_models(actor: Actor) -> frozenset[int] | None:
    """The numbers of the registered models that the actor may read; None if all."""
    return None if may_read(actor) else _readable(actor.grants.models if actor.grants else {})


def readable_streams(actor: Actor) -> frozenset[str] | None:
    """The streams of promotions, ``experiments/<number>`` and ``models/<number>``, to be read; None if all."""
    experiments, models = readable_experiments(actor), readable_models(actor)
    if experiments is None or models is None:
        return None
    return frozenset((*map(experiment_stream, experiments), *map(model_stream, models)))


def among_readable(actor: Actor, experiments: Iterable[int]) -> list[int]:
    """Those of the experiments that the actor may read, each once, in order: what a search may look at."""
    readable = readable_experiments(actor)
    return sorted(set(experiments) if readable is None else readable.intersection(experiments))


def _readable(objects: dict[int, frozenset[Permission]]) -> frozenset[int]:
    return frozenset(number for number, permissions in objects.items() if Permission.READ in permissions)
