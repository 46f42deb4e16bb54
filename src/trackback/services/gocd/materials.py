"""GoCD's polls: what is the newest revision of a package, and is it another than the last one known?

A package is a place in the promotion log: the promotions of one model or experiment to one environment. Its newest
revision is the entry by which the environment is held. Where nothing holds it there is nothing to build: a demotion is
no revision, and what was there before does not come back.
"""

from collections.abc import Mapping
from typing import NamedTuple

from trackback.entities import Actor, PromotionKind
from trackback.entities.gocd import Revision, promotion_number
from trackback.errors import NotFound
from trackback.services.clock import Clock, now_ms
from trackback.services.gocd import pull_requests
from trackback.services.gocd.packages import Package, Place, locate, read_package
from trackback.services.gocd.promoted import describe
from trackback.services.promotion_rules import Environments
from trackback.storage import Storage, Transaction, promotions
from trackback.storage.promotions import Entry

Fields = Mapping[str, str]


class Known(NamedTuple):
    """The revision that GoCD has seen last, and its data."""

    revision: str
    data: Mapping[str, str]


class Materials:
    def __init__(self, storage: Storage, environments: Environments, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._environments = environments
        self._clock = clock

    async def check(self, actor: Actor, fields: Fields) -> str:
        """What the package finds now, in words. That nothing is promoted yet is no fault of the package.

        Raises InvalidParameter or NotFound if the fields are not valid, or name what is not there.
        """
        package = read_package(fields)

        def operation(tx: Transaction) -> str:
            if package.pr_tag:
                found = pull_requests.find(tx, actor, package, self._clock())
                return f"{len(found.newest)} pull requests have runs of the last {package.pr_days} days."
            place = locate(tx, actor, package, self._environments)
            entry = promotions.last(tx, place.stream, place.environment)
            if entry is None or entry.kind == PromotionKind.DEMOTED:
                return _nothing_there(place, entry).message
            return f"The newest: {describe(tx, actor, entry, '').revision_comment}"

        return await self._storage.look_up(operation)

    async def latest(self, actor: Actor, server_url: str, fields: Fields) -> Revision:
        """The newest revision; NotFound if there is none yet, as GoCD has no other word for that."""
        package = read_package(fields)

        def operation(tx: Transaction) -> Revision:
            if package.pr_tag:
                found = pull_requests.find(tx, actor, package, self._clock())
                if not found.newest:
                    raise pull_requests.none_yet(package)
                return pull_requests.describe(tx, found, list(found.newest), server_url)
            place = locate(tx, actor, package, self._environments)
            entry = promotions.last(tx, place.stream, place.environment)
            if entry is None or entry.kind == PromotionKind.DEMOTED:
                raise _nothing_there(place, entry)
            return describe(tx, actor, entry, server_url)

        return await self._storage.look_up(operation)

    async def latest_since(self, actor: Actor, server_url: str, fields: Fields, known: Known) -> Revision | None:
        """The newest revision, if it is another than the known one; its comment lists those between."""
        package = read_package(fields)

        def operation(tx: Transaction) -> Revision | None:
            if package.pr_tag:
                return self._pull_requests_since(tx, actor, server_url, package, known)
            place = locate(tx, actor, package, self._environments)
            return _promoted_since(tx, actor, server_url, place, known)

        return await self._storage.look_up(operation)

    def _pull_requests_since(
        self, tx: Transaction, actor: Actor, server_url: str, package: Package, known: Known
    ) -> Revision | None:
        found = pull_requests.find(tx, actor, package, self._clock())
        changed = found.since(tx, known.data)
        if not changed or found.revision == known.revision:
            return None
        return pull_requests.describe(tx, found, changed, server_url)


def _promoted_since(tx: Transaction, actor: Actor, server_url: str, place: Place, known: Known) -> Revision | None:
    entry = promotions.last(tx, place.stream, place.environment)
    if entry is None or entry.kind == PromotionKind.DEMOTED:
        return None
    seen = promotion_number(known.revision)
    return None if entry.seq == seen else describe(tx, actor, entry, server_url, seen)


def _nothing_there(place: Place, last: Entry | None) -> NotFound:
    if last is None:
        return NotFound(
            f"Nothing of {place.named} has been promoted to {place.environment} yet. The first promotion is the first "
            "revision: trackback tells GoCD of it at once where `trackback gocd init` has set that up; else GoCD finds "
            "it at a later poll."
        )
    return NotFound(
        f"Nothing of {place.named} is in {place.environment}: promotion {last.seq} has taken out what was there. The "
        "next promotion is the next revision."
    )
