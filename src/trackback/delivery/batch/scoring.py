"""A whole job: from what is asked for to an output that is there, however often it is ended by force on the way."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path, PurePosixPath
from typing import Protocol

import msgspec

from trackback.delivery.batch import folders, parquet_cuts
from trackback.delivery.batch.assembly import Assembly
from trackback.delivery.batch.partitions import Report
from trackback.delivery.batch.places import place_at
from trackback.delivery.batch.planning import digest_of, look, make_plan
from trackback.delivery.batch.plans import Loading, Plan, Stamp
from trackback.delivery.batch.work import Work
from trackback.delivery.batch.writers import PARQUET, PART
from trackback.errors import Conflict, DataLoss, InvalidParameter
from trackback.flavors import read_mlmodel
from trackback.limits import shown
from trackback.scoring.files.predicting import Progress, Wanted
from trackback.scoring.files.writing import WRITERS


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """``inputs``: files, or folders of them, by paths or URLs. ``output``: a file, or a folder, if it ends with ``/``.

    ``rows_at_once``: the model is given so many at most; None for as many as it is quick with.
    """

    inputs: Sequence[str]
    output: str
    wanted: Wanted
    stamp: Stamp
    rows_at_once: int | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """``resumed``: how many of the partitions were there from a job that was ended before."""

    rows: int
    partitions: int
    resumed: int
    seconds: float
    output: str


#: Predicts these partitions of a plan, which ``work`` has. Yields each number once its part is there, in any order.
#: Raises what ``score_partition`` does, and what a model that can't be loaded does.
Predict = Callable[[Plan, Sequence[int], Report], Generator[int, None, None]]


class Engine(Protocol):
    """What predicts many partitions at once."""

    def started(self, work: Work, loading: Loading, partitions: int) -> AbstractContextManager[Predict]:
        """Begin to load the model, since that takes about as long as the rest, while the plan is still to be made.

        ``partitions``: about how many it will have. The end of the ``with`` ends all that was begun.
        """


def score(
    job: Job, loading: Loading, engine: Engine, report: Callable[[Progress], None] = lambda progress: None
) -> Done:
    """Predict for all rows, each once. The output is there when all of it is, and else as it was before.

    A job that ended on its way goes on where it was when it is run again with the same input, wishes and model.

    NotFound, InvalidParameter, BadRequest: the input is not as it should be, or not what the model takes; the message
    names the file and rows. AlreadyExists: the output is a folder with files in it. Conflict: another job is at it, or
    the input was changed meanwhile. Unavailable, StorageFull. DataLoss: rows are missing.
    """
    run = _Run(job, loading, engine, report)
    with run.work.held():
        if (mark := run.mark()) is not None:
            run.work.folder.remove()
            return Done(rows=mark.rows, partitions=0, resumed=0, seconds=0.0, output=run.output.text)
        return run.go()


class _Run:
    def __init__(self, job: Job, loading: Loading, engine: Engine, report: Callable[[Progress], None]) -> None:
        self._job, self._loading, self._engine, self._report = job, loading, engine, report
        self._began = time.monotonic()
        self.output = place_at(job.output)
        self._in_folder = _is_folder(job.output)
        self._places = [place_at(text) for text in job.inputs]
        self._given = look(self._places, self.output)
        self._ending = PARQUET if self._in_folder else PART
        self._digest = digest_of(self._given, job.wanted, job.stamp, job.rows_at_once, self._ending)
        self.work = Work.beside(self.output)

    def mark(self) -> folders.Mark | None:
        """Of an output that this very job has made before, ended by force before it could say so."""
        if not self._in_folder:
            return None
        mark = folders.mark_of(self.output)
        if mark is None or mark.job != self._digest:
            folders.check_free(self.output)
            return None
        return mark

    def go(self) -> Done:
        try:
            with self._engine.started(self.work, self._loading, self._given.partitions) as predict:
                plan = self._plan()
                there = self.work.done(plan)
                rows = self._output(plan, self._predicted(plan, there, predict))
        except BaseException:
            if (begun := self.work.plan()) is not None and not self.work.done(begun):
                self.work.folder.remove()
            raise
        self.work.folder.remove()
        return Done(
            rows=rows,
            partitions=len(plan.partitions),
            resumed=len(there),
            seconds=round(time.monotonic() - self._began, 3),
            output=self.output.text,
        )

    def _plan(self) -> Plan:
        """The one that was begun with, if it is this job's."""
        plan = self.work.plan()
        if plan is None or plan.job != self._digest:
            job, mlmodel = self._job, read_mlmodel(Path(self._loading.directory))
            plan = make_plan(self._given, mlmodel, job.wanted, job.stamp, job.rows_at_once, self._ending)
            self.work.begin(plan)
        return plan

    def _predicted(self, plan: Plan, there: set[int], predict: Predict) -> Generator[int, None, None]:
        yield from sorted(there)
        if left := [number for number in range(len(plan.partitions)) if number not in there]:
            yield from predict(plan, left, _Counted(plan, there, self._report))

    def _output(self, plan: Plan, numbers: Generator[int, None, None]) -> int:
        def check(rows: int) -> None:
            self._check(plan, rows)

        with closing(numbers):
            if self._in_folder:
                for _ in numbers:
                    pass
                return folders.publish(plan, self.work, self.output, check)
            assembly = Assembly(plan, self.work, self.output, check)
            with assembly.running():
                for number in numbers:
                    assembly.add(number)
            return assembly.rows

    def _check(self, plan: Plan, rows: int) -> None:
        """Before the output is seen."""
        before, now = self._given.versions(), look(self._places, self.output).versions()
        if changed := sorted(text for text in {*before, *now} if before.get(text) != now.get(text)):
            raise Conflict(
                f"The input was changed while it was scored: {shown(', '.join(changed))}. Run it again when nobody "
                "writes to it."
            )
        if plan.unit == parquet_cuts.UNIT and rows != plan.total:
            raise DataLoss(f"{rows} rows were predicted, and the input has {plan.total}. Score it again.")


class _Counted:
    """How far a job is, for whoever watches."""

    def __init__(self, plan: Plan, there: set[int], report: Callable[[Progress], None]) -> None:
        self._plan = plan
        self._report = report
        self._done = sum(plan.partitions[number].size for number in there)
        self.rows = 0

    def __call__(self, rows: int, size: int) -> None:
        self.rows += rows
        self._done += size
        self._report(Progress(self._done, self._plan.total, self._plan.unit, self.rows))


def _is_folder(output: str) -> bool:
    """InvalidParameter: neither a file of a format that can be written, nor a folder."""
    if output.endswith("/"):
        return True
    if PurePosixPath(output).suffix.lower() not in WRITERS:
        raise InvalidParameter(
            f"{shown(output)} is to end with one of {', '.join(WRITERS)}, which tells its format, or with / for a "
            "folder of Parquet files."
        )
    return False
