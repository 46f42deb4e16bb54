"""Import, start of a run, calls of log_metric, and the rate of a loop of them, each in processes of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.connection import UnexpectedAnswerError
from benchmarks.measures.measure import Context, Figure
from benchmarks.results import LibraryDescription, MeasureResults
from benchmarks.sdks.libraries import LIBRARIES, Library
from benchmarks.servers import Server
from benchmarks.servers.server import output_of
from benchmarks.tracking import expect_points

_PROGRAM = Path(__file__).parent / "program.py"
_ENDS_WITHIN_S = 600

_TITLES = {
    "import_s": Figure("sdk_import", "import", "s", "less"),
    "ready_s": Figure("sdk_ready", "import, and the first run started", "s", "less"),
    "start_ms": Figure("sdk_start", "another run started, all that is captured by default included", "ms", "less"),
    "log_p50_us": Figure("sdk_log_p50", "one metric logged: p50 of the calls", "µs", "less"),
    "log_p99_us": Figure("sdk_log_p99", "one metric logged: p99 of the calls", "µs", "less"),
    "rate": Figure("sdk_rate", "a loop of such calls, from the first to all points kept", "points/s", "more"),
}
SDK_FIGURES = {figure.key: figure for figure in _TITLES.values()}


def measure_sdks(servers: Sequence[Server], peers: Path, context: Context) -> MeasureResults:
    """Libraries whose environment or server is not there are left out; one that fails says why."""
    results = MeasureResults(datetime.now(UTC).isoformat(timespec="seconds"))
    by_name = {server.name: server for server in servers}
    programs = [_Program(library, by_name, peers, context) for library in LIBRARIES]
    present = [program for program in programs if program.can_run]
    for number in range(context.sizes.rounds):
        turn = number % len(present) if present else 0
        for program in present[turn:] + present[:turn]:
            name = program.library.name
            if name in results.failures:
                continue
            try:
                figures = program.run(number)
            except (OSError, subprocess.SubprocessError, UnexpectedAnswerError, ValueError) as error:
                results.failures[name] = f"{type(error).__name__}: {error}"
                continue
            print(f"sdk: round {number + 1}, {name}: {figures}", file=sys.stderr, flush=True)
            for key, value in figures.items():
                results.values.setdefault(name, {}).setdefault(key, []).append(float(f"{value:.6g}"))
    return results


def describe_sdks(peers: Path) -> dict[str, LibraryDescription]:
    return {
        library.name: LibraryDescription(library.title, _version(library, python), library.kept)
        for library in LIBRARIES
        if (python := _python(library, peers)).exists()
    }


class _Program:
    """One library's program, in a folder of its own for each round."""

    def __init__(self, library: Library, servers: Mapping[str, Server], peers: Path, context: Context) -> None:
        self.library = library
        self._python = _python(library, peers)
        self._server = servers.get(library.server or "")
        self._context = context

    @property
    def can_run(self) -> bool:
        return self._python.exists() and (self.library.server is None or self._server is not None)

    def run(self, number: int) -> dict[str, float]:
        """Raises UnexpectedAnswerError if points that were logged are not on the server, each once."""
        sizes = self._context.sizes
        folder = self._context.directory / f"sdk-{self.library.name}-{number}"
        folder.mkdir()
        ended = subprocess.run(
            [self._python, _PROGRAM, self.library.name, str(sizes.seconds), str(sizes.sdk_points)],
            env=self._environment(folder),
            cwd=_PROGRAM.parent if self.library.server else folder,  # a checkout of git: it is captured, as at home
            capture_output=True,
            text=True,
            timeout=_ENDS_WITHIN_S,
            check=False,
        )
        if ended.returncode:
            raise UnexpectedAnswerError(f"exit {ended.returncode}: {ended.stderr[-1500:]}")
        printed = next(
            line for line in ended.stdout.splitlines() if line.startswith('{"import_s"')
        )  # others print, too
        measured: dict[str, Any] = json.loads(printed)
        self._expect_all(measured["logged"])
        return {figure.key: measured[name] for name, figure in _TITLES.items()}

    def _expect_all(self, logged: Mapping[str, int]) -> None:
        if self._server:
            with self._server.connect() as connection:
                for run_id, points in logged.items():
                    expect_points(connection, run_id, "loss", points)

    def _environment(self, folder: Path) -> dict[str, str]:
        """Whatever a library keeps, it keeps in the folder."""
        tracked_at = f"http://127.0.0.1:{self._server.port}" if self._server else ""
        homes = dict.fromkeys(("HOME", "TRACKBACK_SPOOL_DIR", "TRACKIO_DIR", "WANDB_DIR", "AIM_PATH"), str(folder))
        return {**os.environ, **homes, "TRACKED_AT": tracked_at, "WANDB_MODE": "offline"}


def _python(library: Library, peers: Path) -> Path:
    if library.environment == "own":
        return Path(sys.executable)
    return peers.with_name(library.environment) / "bin" / "python"


def _version(library: Library, python: Path) -> str:
    return output_of(python, "-c", f"import importlib.metadata as m; print(m.version({library.distribution!r}))")
