"""Several client processes at once."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from typing import Any, TypeVar

T = TypeVar("T")

_forking = multiprocessing.get_context("fork")


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """Runs `work(0)` to `work(count - 1)`, each in a process of its own, all begun together; returns their results."""
    barrier = _forking.Barrier(count)
    pipes = [_forking.Pipe(duplex=False) for _ in range(count)]
    processes = [
        _forking.Process(target=_run, args=(work, number, barrier, sender), daemon=True)
        for number, (_, sender) in enumerate(pipes)
    ]
    for process in processes:
        process.start()
    for _, sender in pipes:
        sender.close()  # So that a process that died is seen as an end of file.
    results = [receiver.recv() for receiver, _ in pipes]
    for process in processes:
        process.join()
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _run(work: Callable[[int], Any], number: int, barrier: Barrier, sender: "Pipe[Any, Any]") -> None:
    barrier.wait()
    try:
        sender.send(work(number))
    except Exception as error:  # noqa: BLE001 - raised again in the process that waits for the result
        sender.send(error)
