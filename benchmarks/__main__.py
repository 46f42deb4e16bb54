"""The command line: `python -m benchmarks`."""

import argparse
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.durability import syncs_per_call
from benchmarks.machine import describe
from benchmarks.measures import FULL, MEASURES, QUICK, Context
from benchmarks.report import render
from benchmarks.results import Results, ServerDescription
from benchmarks.runner import run_measure
from benchmarks.sdks import describe_sdks, measure_sdks
from benchmarks.servers import SERVERS, Server, start_servers

_HERE = Path(__file__).parent
_SDK = "sdk"
_NAMES = (*MEASURES, _SDK)


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # Unwinds, so that no server is left behind.
    directory = Path(tempfile.mkdtemp(prefix="trackback-bench-", dir=options.data))
    try:
        _run(options, directory)
    finally:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures servers side by side.")
    parser.add_argument("--servers", default=",".join(SERVERS), help="comma-separated (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=_NAMES, help="one measure; may be repeated")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, measures nothing")
    parser.add_argument(
        "--peers",
        type=Path,
        default=Path(".venvs/bench"),
        help="the environment with mlflow and fasttrackml (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("/var/tmp"),
        help="where the servers' data lie meanwhile (default: %(default)s)",
    )
    parser.add_argument("--keep", action="store_true", help="leave that data there")
    parser.add_argument(
        "--output",
        type=Path,
        help="a directory for RESULTS.md and results.json; figures already there and not measured now are kept "
        f"(default: {_HERE.name}/, and with --quick nowhere)",
    )
    return parser.parse_args()


def _run(options: argparse.Namespace, directory: Path) -> None:
    output: Path | None = options.output or (None if options.quick else _HERE)
    results = _results_so_far(output)
    context = Context(QUICK if options.quick else FULL, directory)
    with ExitStack() as stack:
        servers = start_servers(options.servers.split(","), directory, options.peers.absolute(), stack)
        results.machine = describe(directory)
        for server in servers:
            results.servers[server.name] = _describe(server, directory)
        for name in options.only or _NAMES:
            if name == _SDK:
                results.libraries = describe_sdks(options.peers.absolute())
                results.measures[name] = measure_sdks(servers, options.peers.absolute(), context)
            else:
                results.measures[name] = run_measure(MEASURES[name], servers, context)
            if output:
                _write(results, output)
    print(render(results))


def _results_so_far(output: Path | None) -> Results:
    path = output / "results.json" if output else None
    return Results.load(path) if path and path.exists() else Results()


def _describe(server: Server, directory: Path) -> ServerDescription:
    return ServerDescription(server.title, server.version(), server.durability, syncs_per_call(server, directory))


def _write(results: Results, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    results.save(output / "results.json")
    temporary = output / "RESULTS.md.new"
    temporary.write_text(render(results))
    temporary.replace(output / "RESULTS.md")


main()
