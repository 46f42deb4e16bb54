"""Purges: an admin has the files of a version go for good."""

from trackback import limits
from trackback.entities import Actor, Permission, Tombstone
from trackback.errors import InvalidParameter, InvalidState, NotFound
from trackback.services import access
from trackback.services.clock import Clock, now_ms
from trackback.services.registry import note
from trackback.storage import Storage, Transaction, collection, promotions, purges
from trackback.storage.purges import VersionRow


class Purges:
    def __init__(self, storage: Storage, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._clock = clock

    async def purge(self, actor: Actor, name: str, version: str, *, reason: str) -> Tombstone:
        """Purge a version, deleted or not. Its files can't be read from now on, unless others are the same.

        Their bytes go with a later collection. What was purged before stays as it is. Raises NotFound for an unknown
        version, InvalidState for one that was ever promoted, is to be, or was ever deployed: the log would name what
        nobody can look at any more, and nobody could roll back to it.
        """
        if not limits.check_text(reason, "reason").strip():
            raise InvalidParameter("Missing value for required parameter 'reason'. Say why; the tombstone keeps it.")
        number = limits.check_version(version)
        now = self._clock()

        def operation(tx: Transaction) -> Tombstone:
            promotions.hold(tx)
            record = _readable(tx, actor, name, number)
            access.require(actor, Permission.ADMIN, model=record.model)
            if tombstone := purges.find(tx, record):
                return tombstone
            purges.hold(tx, record)
            _check_unused(tx, record)
            purges.add(tx, record, actor, reason, now)
            if record.digest is not None:
                collection.remove_snapshot(tx, record.digest, limits.INT64_MAX)
            note(tx, actor, "version.purge", record.model, now, version=number, digest=record.digest, reason=reason)
            return Tombstone(name, str(number), now, actor.name, reason, record.digest)

        return await self._storage.write(operation)

    async def tombstone(self, actor: Actor, name: str, version: str) -> Tombstone:
        """That of a purged version; NotFound if it was not purged."""
        number = limits.check_version(version)

        def operation(tx: Transaction) -> Tombstone:
            if found := purges.find(tx, _readable(tx, actor, name, number)):
                return found
            raise NotFound(f"Version {number} of the registered model {name} was not purged.")

        return await self._storage.look_up(operation)


def _readable(tx: Transaction, actor: Actor, name: str, version: int) -> VersionRow:
    record = purges.find_version(tx, name, version)
    if record is None or not access.may_read(actor, model=record.model):
        raise NotFound(f"Model Version (name={name}, version={version}) not found")
    return record


def _check_unused(tx: Transaction, record: VersionRow) -> None:
    found = purges.uses(tx, record)
    reasons = []
    if found.promotion is not None:
        reasons.append(f"promotion {found.promotion} is of it")
    if found.waiting is not None:
        reasons.append(f"it waits to be promoted (pending {found.waiting}: withdraw that first)")
    if found.deployment is not None:
        reasons.append(f"deployment {found.deployment} is of it")
    if reasons:
        raise InvalidState(
            f"Version {record.version} of the registered model {record.name} can't be purged: "
            f"{', and '.join(reasons)}. What was promoted or deployed is kept for good; delete the version to hide it."
        )
