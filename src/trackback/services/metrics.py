"""Reading the histories of metrics: whole, by pages, for many runs, and sampled."""

import base64
import math
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from trackback import limits
from trackback.entities import Actor, Metric
from trackback.errors import InvalidParameter
from trackback.services import access
from trackback.services.pages import Page
from trackback.services.sampling import sample
from trackback.services.sealing import Sealer
from trackback.storage import Storage, Transaction, history, runs
from trackback.storage.codec import Series
from trackback.storage.history import Position
from trackback.storage.runs import RunRecord


class Metrics:
    def __init__(self, storage: Storage, sealer: Sealer) -> None:
        self._storage = storage
        self._sealer = sealer

    async def history(
        self, actor: Actor, run_id: str, key: str, *, max_results: int | None = None, page_token: str = ""
    ) -> Page[Metric]:
        """Points of a series by timestamp, step and value; none for a run or key that is not known, as in MLflow.

        Without ``max_results`` all of them, up to ``limits.HISTORY_PER_PAGE``, where MLflow has no bound.
        """
        if max_results is not None and max_results < 1:
            raise InvalidParameter(
                f"Invalid value {max_results} for parameter 'max_results' supplied: it must be at least 1."
            )
        limits.check_text(run_id, "run_id")
        limits.check_text(key, "metric_key")
        limit = min(max_results or limits.HISTORY_PER_PAGE, limits.HISTORY_PER_PAGE)
        after = _decode_position(page_token) if page_token else None

        self._sealer.look_at([run_id])

        def operation(tx: Transaction) -> Page[Metric]:
            run, number = runs.find(tx, run_id), tx.known_name_ids([key]).get(key)
            if run is None or number is None or not access.may_read(actor, experiment=run.experiment):
                return Page(())
            series = history.page(tx, run.id, number, after, limit + 1)
            page = series.taken(slice(limit))
            token = _encode_position(history.position(page)) if series.size > limit else None
            return Page(tuple(points(key, page)), token)

        return await self._storage.read(operation)

    async def bulk_history(self, actor: Actor, run_ids: Sequence[str], key: str, max_results: int) -> list[Metric]:
        """Points of one key of several runs, by run id, timestamp, step and value; the limit is over all of them."""
        _check_series(run_ids, key)
        limit = min(limits.check_max_results(max_results, limits.INT64_MAX), limits.BULK_HISTORY_POINTS)
        self._sealer.look_at(run_ids)

        def operation(tx: Transaction) -> list[Metric]:
            found: list[Metric] = []
            if number := tx.known_name_ids([key]).get(key):
                for run in sorted(_readable(tx, actor, run_ids), key=lambda record: record.uuid):
                    series = history.page(tx, run.id, number, None, limit - len(found))
                    found.extend(points(key, series, run.uuid))
                    if len(found) >= limit:
                        break
            return found

        return await self._storage.read(operation)

    async def sampled_history(
        self,
        actor: Actor,
        run_ids: Sequence[str],
        key: str,
        *,
        start_step: int | None = None,
        end_step: int | None = None,
        max_results: int = limits.INTERVAL_POINTS,
    ) -> list[Metric]:
        """At most ``max_results`` points a run, chosen by ``sample``, in the order the runs were asked for."""
        _check_series(run_ids, key)
        limits.check_max_results(max_results, limits.INTERVAL_POINTS)
        if (start_step is None) != (end_step is None):
            raise InvalidParameter("If either start step or end step are specified, both must be specified.")
        if start_step is not None and end_step is not None and start_step > end_step:
            raise InvalidParameter(
                f"end_step must be greater than or equal to start_step. Found start_step={start_step} and "
                f"end_step={end_step}."
            )
        self._sealer.look_at(run_ids)

        def pieces(tx: Transaction, run: int, number: int) -> Iterator[Series]:
            for piece in history.pieces(tx, run, number):
                yield _between(piece, start_step, end_step)

        def operation(tx: Transaction) -> list[Metric]:
            number = tx.known_name_ids([key]).get(key)
            if number is None:
                return []
            records = {record.uuid: record for record in _readable(tx, actor, run_ids)}
            found: list[Metric] = []
            for run_id in dict.fromkeys(run_ids):
                if record := records.get(run_id):
                    read = partial(pieces, tx, record.id, number)
                    found.extend(points(key, sample(read, max_results), run_id))
            return found

        return await self._storage.read(operation)


def _readable(tx: Transaction, actor: Actor, run_ids: Sequence[str]) -> list[RunRecord]:
    """Those of the runs that are there, and that the actor may read."""
    return [run for run in runs.find_many(tx, run_ids) if access.may_read(actor, experiment=run.experiment)]


def points(key: str, series: Series, run_id: str | None = None) -> list[Metric]:
    rows = zip(series.values.tolist(), series.timestamps_ms.tolist(), series.steps.tolist(), strict=True)
    return [Metric(key, value, timestamp, step, run_id) for value, timestamp, step in rows]


def _between(series: Series, start_step: int | None, end_step: int | None) -> Series:
    if start_step is None or end_step is None:
        return series
    return series.taken((series.steps >= start_step) & (series.steps <= end_step))


def _check_series(run_ids: Sequence[str], key: str) -> None:
    if not run_ids:
        raise InvalidParameter("Missing value for required parameter 'run_ids'. Name at least one run.")
    limits.check_count(len(run_ids), "run_ids", limits.BULK_HISTORY_RUNS)
    for run_id in run_ids:
        limits.check_text(run_id, "run_ids")
    limits.check_text(key, "metric_key")


def _encode_position(position: Position) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode()


def _decode_position(token: str) -> Position:
    try:
        position = msgspec.json.decode(base64.urlsafe_b64decode(token), type=Position)
    except ValueError:
        position = None
    if position is None or not _is_possible(position):
        raise InvalidParameter(f"Invalid page token {limits.shown(token)}: give next_page_token of the page before.")
    return position


def _is_possible(position: Position) -> bool:
    integers = (position.timestamp_ms, position.step)
    in_range = all(limits.INT64_MIN <= number <= limits.INT64_MAX for number in integers)
    return in_range and math.isfinite(position.value) and position.is_nan in (0, 1)
