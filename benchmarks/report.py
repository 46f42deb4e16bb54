"""The results as Markdown."""

from collections.abc import Iterable, Mapping
from statistics import median

from benchmarks.measures import FIGURES
from benchmarks.results import Results
from benchmarks.sdks import LIBRARIES, SDK_FIGURES
from benchmarks.targets import POSTGRES_TARGETS, SDK_TARGETS, TARGETS, Against, Target, ValuesByServer, ratio

_OWN = "trackback"
_ON_POSTGRES = "trackback-postgres"
_PEERS = ("fasttrackml", "mlflow")

_READING = """\
Every value is the median of several rounds, in which the servers took turns. A ratio says how many times better this
server is than the peer (above 1: faster, or smaller), with the worst and the best round in brackets. Every server was
sent the same bytes over loopback by one generator: raw keep-alive sockets, bodies encoded beforehand, TCP_NODELAY, head
and body in one write, answers read whole but not parsed. Before a search counted, it had to find the right runs in the
right order; after a round of writing, every acknowledged point had to be there once.

MLflow's 40 ms for a small call is a delayed acknowledgement: it sends its answer in two segments with Nagle's algorithm
on, so an ordinary client waits as long.
"""

_SDKS_READING = """\
One program, run by each library in turn, in a process of its own for each round. It imports the library, names a
server and starts a run, logs one metric again and again and times each call, and then does so in another run in a plain
loop. trackback and MLflow log to their servers on this machine, where every point had to be there once afterwards; the
others log to files.
"""

_RERUN = """\
`make bench` (about an hour), or from the repository's root, for a part of it:

    .venv/bin/python -m benchmarks --servers trackback,fasttrackml --only search
    .venv/bin/python -m benchmarks --quick

The peers are looked for in `.venvs/bench`; `--help` says how to name another place.
"""


def render(results: Results) -> str:
    parts = [
        "# Benchmarks",
        _READING,
        "## Against peers, on SQLite",
        _table(_peer_header(results), _peer_rows(results)),
        "## On PostgreSQL, against this server on SQLite",
        _table(("what", "unit", "SQLite", "PostgreSQL", "ratio", "target", "met"), _postgres_rows(results)),
        *_sdks(results),
        *_failures(results),
        "## Servers and their durability",
        _table(("server", "version", "durability", "syncs for each acknowledged metric"), _server_rows(results)),
        "## Machine and date",
        _machine(results),
        "## To run it again",
        _RERUN,
    ]
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def _peer_header(results: Results) -> tuple[str, ...]:
    return ("what", "unit", *(_title(results, name) for name in (_OWN, *_PEERS)), "ratio", "target", "met")


def _peer_rows(results: Results) -> Iterable[tuple[str, ...]]:
    servers = results.by_server()
    own = servers.get(_OWN, {})
    for key in _figures_of((_OWN, *_PEERS), servers):
        target = TARGETS.get(key)
        against = target.server if isinstance(target, Against) else _first_with(key, servers)
        met = target.reached(key, own, servers) if target and key in own else None
        yield (
            FIGURES[key].title,
            FIGURES[key].unit,
            *(_value(servers.get(name, {}), key) for name in (_OWN, *_PEERS)),
            _ratio(key, own, servers.get(against, {}), _title(results, against)),
            *_verdict(target, met),
        )


def _first_with(key: str, servers: ValuesByServer) -> str:
    return next((peer for peer in _PEERS if key in servers.get(peer, {})), "")


def _postgres_rows(results: Results) -> Iterable[tuple[str, ...]]:
    servers = results.by_server()
    own, base = servers.get(_ON_POSTGRES, {}), servers.get(_OWN, {})
    for key in _figures_of((_ON_POSTGRES,), servers):
        target = POSTGRES_TARGETS.get(key)
        met = target.reached(key, own, servers) if target and key in own else None
        yield (
            FIGURES[key].title,
            FIGURES[key].unit,
            _value(base, key),
            _value(own, key),
            _ratio(key, own, base, ""),
            *_verdict(target, met),
        )


def _sdks(results: Results) -> list[str]:
    measured = results.measures.get("sdk")
    if measured is None:
        return []
    present = [library for library in LIBRARIES if library.name in measured.values]
    own = measured.values.get(_OWN, {})
    rows = (
        (
            figure.title,
            figure.unit,
            *(_value(measured.values[library.name], figure.key) for library in present),
            *_verdict(target, target.reached(figure.key, own, {}) if target and figure.key in own else None),
        )
        for figure in SDK_FIGURES.values()
        for target in (SDK_TARGETS.get(figure.key),)
    )
    libraries = ((library.title, library.version, library.kept) for library in results.libraries.values())
    return [
        "## What programs import, beside others",
        _SDKS_READING,
        _table(("what", "unit", *(library.title for library in present), "target", "met"), rows),
        _table(("library", "version", "where a point is when the run has ended"), libraries),
    ]


def _figures_of(names: tuple[str, ...], servers: ValuesByServer) -> list[str]:
    """The figures that any of these servers has, in the order of the measures."""
    return [key for key in FIGURES if any(key in servers.get(name, {}) for name in names)]


def _verdict(target: Target | None, met: bool | None) -> tuple[str, str]:
    if target is None:
        return "", ""
    return target.text(), {True: "yes", False: "**no**", None: "not measured"}[met]


def _ratio(key: str, own: Mapping[str, list[float]], base: Mapping[str, list[float]], against: str) -> str:
    found = ratio(key, own, base)
    if found is None:
        return ""
    return f"{_number(found.median)} × [{_number(found.least)}–{_number(found.most)}] {against}".rstrip()


def _value(values: Mapping[str, list[float]], key: str) -> str:
    return _number(median(values[key])) if key in values else ""


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100:
        digits = len(str(int(value)))
        return f"{round(value, 3 - digits):,.0f}"
    return f"{value:.3g}"


def _failures(results: Results) -> list[str]:
    lines = [
        f"- {name}: {_title(results, server)}: {reason}"
        for name, measure in results.measures.items()
        for server, reason in measure.failures.items()
    ]
    return ["## Failed", "\n".join(lines)] if lines else []


def _server_rows(results: Results) -> Iterable[tuple[str, ...]]:
    for server in results.servers.values():
        syncs = "not counted" if server.syncs_per_call is None else f"{server.syncs_per_call:g}"
        yield server.title, server.version, server.durability, syncs


def _machine(results: Results) -> str:
    dates = sorted({measure.measured_at[:16] for measure in results.measures.values()})
    when = f"- measured: {dates[0]} to {dates[-1]} UTC\n" if dates else ""
    return when + "\n".join(f"- {name}: {value}" for name, value in results.machine.items())


def _title(results: Results, name: str) -> str:
    return results.servers[name].title if name in results.servers else name


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
