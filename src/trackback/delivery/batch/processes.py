"""The engine of one machine: a process for each processor, which reads, predicts and writes partitions by itself.

What the processes are told, and tell, is small; rows go from files to files.
"""

import selectors
import signal
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from trackback.delivery.batch.messages import Advanced, Begin, Failed, Finished, Loaded, decode_told
from trackback.delivery.batch.partitions import Report
from trackback.delivery.batch.plans import Loading, Plan
from trackback.delivery.batch.scoring import Predict
from trackback.delivery.batch.work import Work
from trackback.errors import ModelNotLoaded, Unavailable
from trackback.scoring.messages import Frames, framed
from trackback.scoring.processes import ModelProcess, processors, threads_each

CHANCES = 2
"""How often a partition is begun that ends its process: memory may have been short for a moment."""
_READ_BYTES = 1 << 16
_END_S = 10


class Processes:
    """``workers``: how many; None for one a processor."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or processors()

    @contextmanager
    def started(self, work: Work, loading: Loading, partitions: int) -> Iterator[Predict]:
        """As of ``Engine``. To predict raises Unavailable if a process is ended by something else, twice at the same
        partition.
        """
        pool = _Pool(Begin(work.folder.text, loading.directory, loading.trusted), self._workers)
        try:
            pool.launch(partitions)
            yield pool.predict
        finally:
            pool.end()


class _Process(ModelProcess):
    def __init__(self, begin: Begin, threads: int | None) -> None:
        super().__init__("trackback.delivery.batch.worker", threads)
        self.frames = Frames()
        self.number: int | None = None
        self.loaded = False
        self._send(begin)

    def give(self, number: int) -> None:
        self.number = number
        self._send(number)

    def _send(self, message: object) -> None:
        with suppress(OSError):  # it has ended, which is found when it is read from
            self.connection.sendall(framed(message))

    def end(self) -> int:
        """Let it go; its exit code."""
        self.let_go()
        return self.wait(_END_S)


class _Pool:
    def __init__(self, begin: Begin, most: int) -> None:
        self._begin = begin
        self._most = most
        self._threads: int | None = None
        self._left: deque[int] = deque()
        self._crashes: Counter[int] = Counter()
        self._selector = selectors.DefaultSelector()
        self._processes: set[_Process] = set()
        self._let_go: list[_Process] = []

    def launch(self, partitions: int) -> None:
        """A process for each of so many, up to as many as there may be."""
        size = min(self._most, partitions)
        self._threads = threads_each(size)
        for _ in range(len(self._processes), size):
            self._launch()

    def predict(self, plan: Plan, numbers: Sequence[int], report: Report) -> Generator[int, None, None]:
        self._left.extend(numbers)
        self.launch(len(numbers))
        there = 0
        while there < len(numbers):
            for key, _ in self._selector.select():
                for number in self._hear(key.data, report):
                    there += 1
                    yield number

    def end(self) -> None:
        """Those that have nothing more to do end by themselves; others are killed, whatever they are at."""
        for process in self._processes:
            process.kill()
        for process in (*self._processes, *self._let_go):
            process.end()
        self._selector.close()

    def _launch(self) -> None:
        process = _Process(self._begin, self._threads)
        self._processes.add(process)
        self._selector.register(process.connection, selectors.EVENT_READ, process)

    def _hear(self, process: _Process, report: Report) -> Generator[int, None, None]:
        try:
            received = process.connection.recv(_READ_BYTES)
        except ConnectionError:
            received = b""
        if not received:
            self._ended(process)
            return
        for message in process.frames.feed(received):
            match decode_told(message):
                case Failed() as failed:
                    raise failed.error()
                case Advanced(rows, size):
                    report(rows, size)
                case Loaded():
                    process.loaded = True
                    self._occupy(process)
                case Finished(number):
                    process.number = None
                    self._occupy(process)
                    yield number

    def _occupy(self, process: _Process) -> None:
        """Give it a partition; where none is left, let it go."""
        if self._left:
            process.give(self._left.popleft())
            return
        self._forget(process)
        process.let_go()
        self._let_go.append(process)

    def _forget(self, process: _Process) -> None:
        self._processes.discard(process)
        self._selector.unregister(process.connection)

    def _ended(self, process: _Process) -> None:
        """By something else than us: another takes its place, and its partition."""
        self._forget(process)
        how = _told(process.end())
        if not process.loaded:
            raise ModelNotLoaded(f"A process {how} while it loaded the model.")
        number: Any = process.number
        self._crashes[number] += 1
        if self._crashes[number] >= CHANCES:
            raise Unavailable(
                f"A process {how} while it predicted partition {number}, {CHANCES} times. If memory is short, give "
                "fewer --workers, or fewer --rows; what is done stays, and is not predicted again."
            )
        self._left.appendleft(number)
        self._launch()


def _told(code: int) -> str:
    if code >= 0:
        return f"has ended by itself with exit code {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
