"""What was logged, in order, as requests: as few of them as the protocol's limits allow."""

from collections.abc import Iterator
from itertools import groupby
from typing import cast

import msgspec

from trackback.client.spool.records import Logged, LogMetric, LogParam, SetTag
from trackback.entities import Metric, Param, Tag
from trackback.limits import PARAMS_PER_BATCH, TAGS_PER_BATCH


class Batch(msgspec.Struct, omit_defaults=True):
    """A body of ``runs/log-batch``."""

    run_id: str
    metrics: list[Metric] = []
    params: list[Param] = []
    tags: list[Tag] = []


_BATCHED = (Metric, LogMetric, LogParam, SetTag)

Step = Batch | Logged
"""What one request sends: a batch, or what the protocol takes by itself."""


def steps_of(run_id: str, logged: list[Logged]) -> Iterator[Step]:
    """The steps for what was logged, no more than a batch may hold, in its order."""
    if set(map(type, logged)) == {Metric}:  # of which there are the most
        yield Batch(run_id, cast(list[Metric], logged))
        return
    for in_batch, group in groupby(logged, _goes_in_a_batch):
        if in_batch:
            yield from _batches(run_id, group)
        else:
            yield from group


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


def _goes_in_a_batch(logged: Logged) -> bool:
    return isinstance(logged, _BATCHED)


def _batches(run_id: str, group: Iterator[Logged]) -> Iterator[Batch]:
    """A param or tag that comes again begins another batch, which may not have a key twice, or not in order."""
    batch, keys = Batch(run_id, [], [], []), set[tuple[type, str]]()
    for each in group:
        match each:
            case Metric():
                batch.metrics.append(each)
                continue
            case LogMetric(metric):
                batch.metrics.append(metric)
                continue
            case LogParam(item) | SetTag(item):
                full = len(batch.params) >= PARAMS_PER_BATCH or len(batch.tags) >= TAGS_PER_BATCH
                if full or (type(each), item.key) in keys:
                    yield batch
                    batch, keys = Batch(run_id, [], [], []), set()
                keys.add((type(each), item.key))
                if isinstance(item, Param):
                    batch.params.append(item)
                else:
                    batch.tags.append(item)
    if size_of(batch):
        yield batch
