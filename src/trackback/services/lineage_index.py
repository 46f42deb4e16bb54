"""Keeps what versions descend from: found in the background after a version is registered, or when somebody asks.

The database itself lists the versions that are to be looked at, so that none is missed, whoever writes them. Runs are
removed only when nothing is listed.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

from trackback.entities import Blob
from trackback.errors import TrackbackError
from trackback.services.package_files import PACKAGE_FILES
from trackback.services.provenance import ProvenanceIndex
from trackback.services.signatures import MLMODEL, Signatures
from trackback.storage import Storage, Transaction, lineage, packages

BATCH = 100
AT_ONCE = 500
"""Versions that whoever asks waits for; of more, the rest is found in the background."""
COUNTED = 100_000
CLOSE_TIMEOUT_S = 5

log = logging.getLogger(__name__)


class LineageIndex:
    """Has the files that packages are listed in read, and those that say whether a model has a signature, too."""

    def __init__(self, storage: Storage, provenance: ProvenanceIndex, signatures: Signatures) -> None:
        self._storage = storage
        self._provenance = provenance
        self._signatures = signatures
        self._task: asyncio.Task[None] | None = None
        self._wanted = False
        self._closing = False

    def start(self) -> None:
        """Index, in the background, what is left to be."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._index_all())

    async def close(self) -> None:
        """Let the batch under way finish."""
        self._closing = True
        if self._task:
            _, late = await asyncio.wait([self._task], timeout=CLOSE_TIMEOUT_S)
            for task in late:
                task.cancel()

    async def catch_up(self) -> int:
        """Index what is left, if it is not too much to wait for; how many versions there still are."""
        for _ in range(AT_ONCE // BATCH):
            if not await self.index(BATCH):
                break
        left = await self._storage.look_up(lambda tx: lineage.count_unindexed(tx, COUNTED))
        if left:
            self.start()
        return left

    async def index(self, most: int) -> int:
        """Index a number of versions, and return it: 0 if there was nothing to do, or nothing that could be done."""
        versions = await self._storage.look_up(lambda tx: lineage.unindexed(tx, most))
        if not versions:
            return 0
        files = await self._storage.read(lambda tx: lineage.files_of(tx, versions, (*PACKAGE_FILES, MLMODEL)))
        by_name: defaultdict[str, list[Blob]] = defaultdict(list)
        for file in files:
            by_name[file.path].append(file.blob)
        models = by_name.pop(MLMODEL, [])
        try:
            await self._signatures.learn(models)
            await self._provenance.read_package_files(by_name)
        except TrackbackError as error:
            log.warning("could not read what is in the files of versions: %s", error.message)
            return 0
        return await self._storage.write(lambda tx: _index(tx, versions))

    async def _index_all(self) -> None:
        try:
            while self._wanted and not self._closing:
                self._wanted = False  # it is set again if a version comes while the last look finds none
                while await self.index(BATCH):
                    if self._closing:
                        return
        except TrackbackError as error:
            log.warning("could not find what versions descend from: %s", error.message)
        except Exception:
            log.exception("could not find what versions descend from; it is tried again when somebody asks")


def _index(tx: Transaction, versions: Sequence[int]) -> int:
    waiting = lineage.hold_unindexed(tx, versions)
    files = lineage.files_of(tx, waiting, PACKAGE_FILES)
    known = packages.known_files(tx, sorted({file.blob.digest for file in files}))
    sets = {(file.model_version, file.path): known.get(file.blob.digest) for file in files}
    packages.sets_of_versions(tx, waiting, {place: number for place, number in sets.items() if number is not None})
    lineage.set_ingredients(tx, waiting, lineage.set_origins(tx, waiting))
    lineage.set_indexed(tx, waiting)
    return len(waiting)
