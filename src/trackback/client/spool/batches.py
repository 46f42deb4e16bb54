"""What was logged, in order, as requests: as few of them as the protocol's limits allow."""

from collections.abc import Iterable, Iterator

import msgspec

from trackback.client.spool.records import Block, Logged, LogMetric, LogParam, SetTag
from trackback.entities import Metric, Param, Tag
from trackback.limits import ITEMS_PER_BATCH, PARAMS_PER_BATCH, TAGS_PER_BATCH


class Batch(msgspec.Struct, omit_defaults=True):
    """A body of ``runs/log-batch``."""

    run_id: str
    metrics: list[Metric] = []
    params: list[Param] = []
    tags: list[Tag] = []


Step = Batch | Logged
"""What one request sends: a batch, a block of points, or what the protocol takes by itself."""

PACKED = 100
"""Fewer points than these go into the batch with what was logged around them."""


def steps_of(run_id: str, logged: Iterable[Logged], *, packed: bool) -> Iterator[Step]:
    """The steps for what was logged, in its order. ``packed``: the server takes blocks of points as they are."""
    filled = _Filled(run_id)
    for each in logged:
        match each:
            case Block() if not packed or each.size < PACKED:
                yield from filled.add_points(each.metrics())
            case LogMetric(metric):
                yield from filled.add_points([metric])
            case LogParam(item) | SetTag(item):
                yield from filled.add(item)
            case _:
                yield from filled.emptied()
                yield each
    yield from filled.emptied()


def batches_of(run_id: str, block: Block) -> Iterator[Batch]:
    """The points of a block, as MLflow's protocol takes them."""
    filled = _Filled(run_id)
    yield from filled.add_points(block.metrics())
    yield from filled.emptied()


class _Filled:
    """A batch that is being filled. What does not fit into it any more begins another: each method yields those that
    are full.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._begin()

    def add_points(self, metrics: list[Metric]) -> Iterator[Batch]:
        while metrics:
            room = ITEMS_PER_BATCH - size_of(self._batch)
            if not room:
                yield from self.emptied()
                continue
            self._batch.metrics += metrics[:room]
            metrics = metrics[room:]

    def add(self, item: Param | Tag) -> Iterator[Batch]:
        """A param or tag that comes again begins another batch, which may not have a key twice, or not in order."""
        params, tags = self._batch.params, self._batch.tags
        full = len(params) >= PARAMS_PER_BATCH or len(tags) >= TAGS_PER_BATCH
        key = (type(item), item.key)
        if full or size_of(self._batch) >= ITEMS_PER_BATCH or key in self._keys:
            yield from self.emptied()
        self._keys.add(key)
        if isinstance(item, Param):
            self._batch.params.append(item)
        else:
            self._batch.tags.append(item)

    def emptied(self) -> Iterator[Batch]:
        if size_of(self._batch):
            batch = self._batch
            self._begin()
            yield batch

    def _begin(self) -> None:
        self._batch = Batch(self._run_id, [], [], [])
        self._keys = set[tuple[type, str]]()


def parts_of(batch: Batch) -> Iterator[Batch]:
    """A batch that was refused, in parts of which one is to blame: its kinds, or halves of its only kind."""
    kinds = [name for name in ("params", "tags", "metrics") if getattr(batch, name)]
    if len(kinds) > 1:
        for name in kinds:
            yield msgspec.structs.replace(Batch(batch.run_id), **{name: getattr(batch, name)})
        return
    items = getattr(batch, kinds[0])
    middle = len(items) // 2
    for half in (items[:middle], items[middle:]):
        yield msgspec.structs.replace(Batch(batch.run_id), **{kinds[0]: half})


def size_of(batch: Batch) -> int:
    return len(batch.metrics) + len(batch.params) + len(batch.tags)
