"""What measures share that look at a database which was filled while its server was stopped."""

import itertools
from collections.abc import Callable, Iterable

from benchmarks.connection import Connection
from benchmarks.measures.measure import Context
from benchmarks.measures.metrics import call_all
from benchmarks.percentiles import percentile
from benchmarks.servers import Server
from benchmarks.servers.trackback import TrackbackServer


def filled(server: Server, load: Callable[[str], None]) -> TrackbackServer:
    """The server, started again with what ``load`` has put into its database."""
    assert isinstance(server, TrackbackServer)
    server.stop()
    load(server.database())
    server.start()
    return server


def p50_ms(connection: Connection, requests: Iterable[bytes], context: Context) -> float:
    """Of the first of endless requests, one after the other."""
    first = list(itertools.islice(requests, context.sizes.searches))
    return percentile(call_all(connection, first, context.sizes.seconds), 50) * 1e3
