"""One model, served by `trackback models serve` and by `mlflow models serve`, each as it is by default."""

import json
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.percentiles import percentile
from benchmarks.servers import Server
from benchmarks.servers.mlflow import MlflowServer
from benchmarks.servers.scoring import MlflowScoring, ScoringServer, TrackbackScoring

CONNECTIONS = 16
COLUMNS = [f"feature_{number}" for number in range(30)]
_MODEL = "scored-model"


def scoring(context: Context, server: Server) -> Round:
    """A model of the breast-cancer data, of 30 columns of doubles. The scoring server runs during its rounds only."""
    scored = _scoring_server(context, server)
    single, many = (_request(rows) for rows in (1, 100))

    def run_round(connection: Connection) -> dict[str, float]:
        with scored:
            seconds = context.sizes.seconds
            _load(scored.port, single, 1, CONNECTIONS, seconds / 4)  # so that no round pays for first calls
            at_once = _load(scored.port, single, 1, CONNECTIONS, seconds)
            alone = _load(scored.port, single, 1, 1, seconds)
            batches = _load(scored.port, many, 100, CONNECTIONS, seconds)
        return {
            "scoring_rate": len(at_once) / seconds,
            "scoring_p99": percentile(at_once, 99) * 1e3,
            "scoring_single_p50": percentile(alone, 50) * 1e3,
            "scoring_rows": len(batches) * 100 / seconds,
        }

    return run_round


def _scoring_server(context: Context, server: Server) -> ScoringServer:
    model = context.directory / _MODEL
    if not model.exists():
        train(model)
    if isinstance(server, MlflowServer):
        return MlflowScoring(context.directory / "mlflow-scoring", model, server.environment)
    return TrackbackScoring(context.directory / "trackback-scoring", model)


def train(directory: Path, model: Any = None) -> None:
    """Save a classifier of the breast-cancer data: a scaled linear one, or ``model`` once it is fitted.

    Imported here, since only measures of models need them.
    """
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    from trackback.flavors import infer_signature, save_model  # noqa: PLC0415

    features, target = load_breast_cancer(return_X_y=True, as_frame=True)
    features = features.set_axis(COLUMNS, axis=1)
    fitted = (model or make_pipeline(StandardScaler(), LogisticRegression())).fit(features, target)
    save_model(fitted, directory, signature=infer_signature(features, fitted.predict(features)))


def _request(rows: int) -> bytes:
    values = [[round(0.1 + 0.01 * (row + column), 4) for column in range(len(COLUMNS))] for row in range(rows)]
    body = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": values}}).encode()
    head = "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _load(port: int, request: bytes, rows: int, connections: int, seconds: float) -> Sequence[float]:
    """The seconds that each call took, of connections that each send again as soon as they are answered."""
    took: list[float] = []
    with _connected(port, connections) as selector:
        began = time.perf_counter()
        sent = {}
        for key in list(selector.get_map().values()):
            key.data.sendall(request)
            sent[key.data] = time.perf_counter()
        received = dict.fromkeys(sent, b"")
        while (now := time.perf_counter()) - began < seconds:
            for key, _ in selector.select(timeout=1):
                connection = key.data
                received[connection] += connection.recv(1 << 16)
                if _is_whole(received[connection], rows):
                    now = time.perf_counter()
                    took.append(now - sent[connection])
                    sent[connection], received[connection] = now, b""
                    connection.sendall(request)
    return took


@contextmanager
def _connected(port: int, number: int) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
        for connection in connections:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(connection, selectors.EVENT_READ, connection)
        try:
            yield selector
        finally:
            for connection in connections:
                connection.close()


def _is_whole(received: bytes, rows: int) -> bool:
    """Raises UnexpectedAnswerError for an answer that has not a prediction for each row."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return False
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    if len(body) < length:
        return False
    if head[9:12] != b"200" or len(json.loads(body)["predictions"]) != rows:
        raise UnexpectedAnswerError(received[:500].decode(errors="replace"))
    return True


MEASURES = (
    Measure(
        "scoring",
        (
            Figure("scoring_rate", f"predictions of one row over {CONNECTIONS} connections", "calls/s", "more"),
            Figure("scoring_p99", "the same: p99", "ms", "less"),
            Figure("scoring_single_p50", "predictions of one row over one connection, p50", "ms", "less"),
            Figure("scoring_rows", f"predictions of 100 rows a call over {CONNECTIONS} connections", "rows/s", "more"),
        ),
        scoring,
        servers=("trackback", "mlflow"),
    ),
)
