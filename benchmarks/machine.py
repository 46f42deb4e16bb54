"""The machine that the figures are from."""

import os
import platform
import time
from pathlib import Path

from benchmarks.percentiles import percentile

_SYNCS = 300
_BLOCK = b"\0" * 4096


def describe(directory: Path) -> dict[str, str]:
    """What it is, and how long its disk takes to make a write durable; `directory` is where the servers' data lie."""
    return {
        "processor": f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        "disk": f"{_file_system(directory)}, {_sync_latency(directory)}",
        "python": platform.python_version(),
    }


def _field(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(name))


def _file_system(directory: Path) -> str:
    mounts = [line.split()[:3] for line in Path("/proc/mounts").read_text().splitlines()]
    found = max(
        (mount for mount in mounts if directory.is_relative_to(mount[1])), key=lambda mount: len(Path(mount[1]).parts)
    )
    return f"{found[2]} on {found[0]}"


def _sync_latency(directory: Path) -> str:
    probe = directory / "sync-probe"
    descriptor = os.open(probe, os.O_CREAT | os.O_WRONLY)
    latencies_s = []
    for _ in range(_SYNCS):
        os.write(descriptor, _BLOCK)
        began = time.perf_counter()
        os.fdatasync(descriptor)
        latencies_s.append(time.perf_counter() - began)
    os.close(descriptor)
    probe.unlink()
    half, most = (percentile(latencies_s, percent) * 1e3 for percent in (50, 99))
    return f"fdatasync of an appended 4 KiB: p50 {half:.2f} ms, p99 {most:.2f} ms"
