"""What a measure is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.connection import Connection
from benchmarks.datasets import Datasets
from benchmarks.servers import SERVERS, Server


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    rounds: int
    seconds: float
    #: Requests encoded for one round; a fast server may run out of them before the seconds are over.
    single_metrics: int
    batches: int
    created_runs: int
    clients: int
    history_points: int
    long_history_points: int
    searched_runs: int
    many_searched_runs: int
    registered_versions: int
    descended_versions: int
    promotions: int
    searches: int
    artifact_bytes: int
    huge_artifact_bytes: int
    sdk_points: int
    transferred_bytes: int
    digested_bytes: int


FULL = Sizes(
    rounds=5,
    seconds=4.0,
    single_metrics=4_000,
    batches=500,
    created_runs=2_000,
    clients=8,
    history_points=100_000,
    long_history_points=10_000_000,
    searched_runs=10_000,
    many_searched_runs=100_000,
    registered_versions=200_000,
    descended_versions=10_000,
    promotions=100_000,
    searches=20,
    artifact_bytes=64 * 2**20,
    huge_artifact_bytes=5 * 10**9,
    sdk_points=1_000_000,
    transferred_bytes=10**9,
    digested_bytes=8 * 10**8,
)

QUICK = Sizes(
    rounds=2,
    seconds=0.5,
    single_metrics=500,
    batches=50,
    created_runs=50,
    clients=8,
    history_points=5_000,
    long_history_points=100_000,
    searched_runs=200,
    many_searched_runs=1_000,
    registered_versions=2_000,
    descended_versions=100,
    promotions=2_000,
    searches=3,
    artifact_bytes=4 * 2**20,
    huge_artifact_bytes=10**8,
    sdk_points=2_000,
    transferred_bytes=2**26,
    digested_bytes=8 * 10**6,
)


@dataclass(frozen=True)
class Context:
    """What measures share."""

    sizes: Sizes
    directory: Path
    datasets: Datasets = field(default_factory=Datasets)


@dataclass(frozen=True)
class Figure:
    """One number that a measure yields in each round."""

    key: str
    title: str
    unit: str
    better: Literal["less", "more"]


#: One round on one server, over a connection opened for it (servers close idle ones): its figures by key.
Round = Callable[[Connection], Mapping[str, float]]


@dataclass(frozen=True)
class Measure:
    """`prepare` sets up on one server, untimed, and returns what runs one round there.

    Rounds alternate between the servers, so that the machine's moods strike all of them alike.
    """

    name: str
    figures: tuple[Figure, ...]
    prepare: Callable[[Context, Server], Round]
    servers: tuple[str, ...] = tuple(SERVERS)
    #: Fewer rounds for what takes long and varies little.
    at_most_rounds: int = 99
    #: Each server is a twin, with nothing in it yet: for measures that fill its database directly.
    apart: bool = False
