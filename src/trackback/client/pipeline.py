"""Pieces of a file, worked on by a thread while the next ones come or go.

Hashing and writing take as long as a fast network does, and neither needs the interpreter meanwhile.
"""

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

PIECE_BYTES = 2**19
BUFFERS = 3


class Pipeline:
    """Hands pieces to ``work``, in order. They lie in few buffers, which are used again and again.

    size: how many bytes there will be, where that is known: little is worked on at once, without a thread.

    What ``work`` raises is raised by the next piece, or by the end of the ``with``.
    """

    def __init__(self, work: Callable[[memoryview], None], size: int | None = None) -> None:
        few = size is not None and size <= PIECE_BYTES
        self._work = work
        self._thread = None if few else _new_thread()
        length = max(size, 1) if size is not None and few else PIECE_BYTES
        self._free = deque(memoryview(bytearray(length)) for _ in range(1 if few else BUFFERS))
        self._under_way: deque[tuple[Future[None], memoryview]] = deque()

    def buffer(self) -> memoryview:
        """A buffer to fill, once one is free."""
        if not self._free:
            future, buffer = self._under_way.popleft()
            self._free.append(buffer)
            future.result()
        return self._free[0]

    def push(self, count: int) -> memoryview:
        """Have the first ``count`` bytes of the buffer worked on; they stay as they are until the next ``buffer``."""
        buffer = self._free.popleft()
        piece = buffer[:count]
        if self._thread is None:
            self._free.append(buffer)
            self._work(piece)
        else:
            self._under_way.append((self._thread.submit(self._work, piece), buffer))
        return piece

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        self._thread.shutdown()
        if kind is None:
            for future, _ in self._under_way:
                future.result()


def _new_thread() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only big files need it

    return ThreadPoolExecutor(1, "trackback-pipeline")
