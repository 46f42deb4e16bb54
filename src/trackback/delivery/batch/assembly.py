"""The output as one file: all parts in their order, written while the later ones are still to come."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trackback.delivery.batch.parts import cast, common_schema, read_part, table_without_rows
from trackback.delivery.batch.places import Place
from trackback.delivery.batch.plans import Plan
from trackback.delivery.batch.work import Work
from trackback.delivery.batch.writers import is_parquet, output_writer, stamped

if TYPE_CHECKING:
    import pyarrow as pa


class _OtherTypes(Exception):
    """A part has not the types of those before."""


class _GivenUp(Exception):
    """There will be no more parts."""


class Assembly:
    """One file, written by a thread of its own. ``check`` is told the number of rows before it is seen."""

    def __init__(self, plan: Plan, work: Work, output: Place, check: Callable[[int], None]) -> None:
        self._plan = plan
        self._work = work
        self._output = output
        self._check = check
        self._there: set[int] = set()
        self._given_up = False
        self._change = threading.Condition()
        self._rows = 0
        self.error: BaseException | None = None

    def add(self, number: int) -> None:
        """A part is there. Raises what the writing has ended with."""
        if self.error is not None:
            raise self.error
        with self._change:
            self._there.add(number)
            self._change.notify_all()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write while the block adds parts, and to the end when it ends. Raises what the writing ended with."""
        thread = threading.Thread(target=self._run, name="assembly")
        thread.start()
        try:
            yield
        except BaseException:
            with self._change:
                self._given_up = True
                self._change.notify_all()
            raise
        finally:
            thread.join()
        if self.error is not None:
            raise self.error

    @property
    def rows(self) -> int:
        return self._rows

    def _run(self) -> None:
        try:
            try:
                self._write(None)
            except _OtherTypes:
                numbers = range(len(self._plan.partitions))
                self._write(common_schema(self._part(number).schema for number in numbers))
        except _GivenUp:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
            self.error = error

    def _write(self, schema: "pa.Schema | None") -> None:
        """With these types; or with those of the first part, which all have to have then."""
        as_text = not is_parquet(self._output.name)
        rows, first = 0, schema
        with output_writer(self._plan, self._output.target()) as writer:
            if not self._plan.partitions:
                writer.write(stamped(table_without_rows(self._plan), self._plan.stamp, as_text=as_text))
            for number in range(len(self._plan.partitions)):
                table = self._part(number)
                first = first or table.schema
                if schema is None and table.schema != first:
                    raise _OtherTypes
                writer.write(stamped(cast(table, first), self._plan.stamp, as_text=as_text))
                rows += table.num_rows
            self._check(rows)
        self._rows = rows

    def _part(self, number: int) -> "pa.Table":
        """Waits until it is there."""
        with self._change:
            self._change.wait_for(lambda: number in self._there or self._given_up)
            if self._given_up:
                raise _GivenUp
        return read_part(self._work.parts.below(self._plan.part_name(number)))
