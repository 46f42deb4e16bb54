"""A process and all its descendants: their memory, and the time they have taken. Read from /proc."""

import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

_PROC = Path("/proc")
_SAMPLED_EVERY_S = 0.05


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def memory_mb(root: int) -> float:
    """Memory of the whole tree in MB (10^6 bytes): what each process has alone, and once what they share.

    For a single process that is its RSS. PSS would grant it a discount for every stranger that uses the same libraries,
    and a sum of RSS would count a library once for each process.
    """
    shares = [_private_and_shared_bytes(pid) for pid in tree(root)]
    return (sum(private for private, _ in shares) + max(shared for _, shared in shares)) / 1e6


def cpu_seconds(roots: Iterable[int]) -> float:
    """What the processors have worked for these processes and all their descendants, in the kernel too."""
    ticks = sum(_ticks(pid) for root in roots for pid in tree(root))
    return ticks / os.sysconf("SC_CLK_TCK")


class PeakMemory:
    """The highest memory of a process tree while the block runs, sampled 20 times a second."""

    def __init__(self, root: int) -> None:
        self.mb = 0.0
        self._root = root
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.is_set():
            self.mb = max(self.mb, memory_mb(self._root))
            time.sleep(_SAMPLED_EVERY_S)


def _parents() -> Iterator[tuple[int, int]]:
    for directory in _PROC.iterdir():
        if directory.name.isdigit():
            try:
                stat = (directory / "stat").read_text()
            except OSError:  # It ended meanwhile.
                continue
            yield int(directory.name), int(stat.rpartition(")")[2].split()[1])


def _ticks(pid: int) -> int:
    """Of a process, and of those of its children that have ended."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:  # It ended meanwhile.
        return 0
    fields = stat.rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15])


def _private_and_shared_bytes(pid: int) -> tuple[int, int]:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:  # It ended meanwhile.
        return 0, 0
    fields = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines[1:])}
    return (
        fields["Private_Clean"] + fields["Private_Dirty"] + fields["Private_Hugetlb"],
        fields["Shared_Clean"] + fields["Shared_Dirty"] + fields["Shared_Hugetlb"],
    )
