"""The servers that can be measured, by name."""

from contextlib import ExitStack
from pathlib import Path

from benchmarks.servers.fasttrackml import FastTrackMLServer
from benchmarks.servers.mlflow import MlflowServer
from benchmarks.servers.server import Server
from benchmarks.servers.trackback import TrackbackOnPostgresServer, TrackbackServer
from tests.servers.postgres import Postgres

__all__ = ["SERVERS", "Server", "start_servers"]

SERVERS: dict[str, type[Server]] = {
    kind.name: kind for kind in (TrackbackServer, TrackbackOnPostgresServer, FastTrackMLServer, MlflowServer)
}


def start_servers(names: list[str], directory: Path, peers: Path, stack: ExitStack) -> list[Server]:
    """Starts the named servers, each with an empty directory of its own; the stack stops them."""
    return [stack.enter_context(_create(name, directory / name, peers, stack)) for name in names]


def _create(name: str, directory: Path, peers: Path, stack: ExitStack) -> Server:
    match name:
        case TrackbackServer.name:
            return TrackbackServer(directory)
        case TrackbackOnPostgresServer.name:
            return TrackbackOnPostgresServer(directory, stack.enter_context(Postgres()))
        case FastTrackMLServer.name:
            return FastTrackMLServer(directory, peers)
        case MlflowServer.name:
            return MlflowServer(directory, peers)
        case _:
            raise ValueError(f"no server {name!r}; there are {', '.join(SERVERS)}")
