"""Artifacts through the server: rates, and memory under a very large one."""

import os
import time
from collections.abc import Iterator

from benchmarks.connection import Connection, UnexpectedAnswerError, body_of
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.messages import get_artifact, put_head
from benchmarks.processes import PeakMemory
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, create_run

_SCHEME = "mlflow-artifacts:/"
_PIECE = 2**20


def transfer(context: Context, server: Server) -> Round:
    """One artifact up, then down again; every upload has new content."""
    with server.connect() as setup:
        root = _artifact_root(setup)
    content = bytearray(os.urandom(context.sizes.artifact_bytes))
    number = 0

    def run_round(connection: Connection) -> dict[str, float]:
        nonlocal number
        number += 1
        content[:16] = os.urandom(16)
        path = f"{root}/model-{number}.bin"
        began = time.perf_counter()
        body_of(connection.upload(put_head(path, len(content)), [memoryview(content)]))
        sent = time.perf_counter()
        received = connection.expect(get_artifact(path))
        ended = time.perf_counter()
        if received != content:
            raise UnexpectedAnswerError(f"{path} came back as other bytes than were sent")
        megabytes = len(content) / 1e6
        return {"artifact_up": megabytes / (sent - began), "artifact_down": megabytes / (ended - sent)}

    return run_round


def huge_artifact(context: Context, server: Server) -> Round:
    """One very large artifact up and down, on a server of its own, and the most memory it took meanwhile."""
    size = context.sizes.huge_artifact_bytes

    def run_round(_: Connection) -> dict[str, float]:
        with server.twin(context.directory / f"{server.name}-huge-artifact") as twin, twin.connect() as connection:
            path = f"{_artifact_root(connection)}/huge.bin"
            with PeakMemory(twin.pid) as uploading:
                began = time.perf_counter()
                body_of(connection.upload(put_head(path, size), _pieces(size)))
                up_s = time.perf_counter() - began
            with PeakMemory(twin.pid) as downloading:
                began = time.perf_counter()
                received = connection.drain(get_artifact(path))
                down_s = time.perf_counter() - began
        if received != size:
            raise UnexpectedAnswerError(f"{received} bytes came back, {size} were sent")
        return {
            "huge_up_memory": uploading.mb,
            "huge_down_memory": downloading.mb,
            "huge_up": size / 1e6 / up_s,
            "huge_down": size / 1e6 / down_s,
        }

    return run_round


def _artifact_root(connection: Connection) -> str:
    """Where a new run's artifacts go, below the proxy's path."""
    uri = create_run(connection, create_experiment(connection)).artifact_uri
    if not uri.startswith(_SCHEME):
        raise UnexpectedAnswerError(f"{uri} is not behind the server's proxy ({_SCHEME})")
    return uri.removeprefix(_SCHEME).lstrip("/")


def _pieces(size: int) -> Iterator[memoryview]:
    """Content without repeats, made as it goes."""
    piece = bytearray(os.urandom(_PIECE))
    for start in range(0, size, _PIECE):
        piece[:8] = start.to_bytes(8, "little")
        yield memoryview(piece)[: min(_PIECE, size - start)]


MEASURES = (
    Measure(
        "artifacts",
        (
            Figure("artifact_up", "artifact of 64 MiB, up", "MB/s", "more"),
            Figure("artifact_down", "artifact of 64 MiB, down", "MB/s", "more"),
        ),
        transfer,
        servers=("trackback", "mlflow"),
    ),
    Measure(
        "huge-artifact",
        (
            Figure("huge_up_memory", "memory during an upload of 5 GB", "MB", "less"),
            Figure("huge_down_memory", "memory during its download", "MB", "less"),
            Figure("huge_up", "artifact of 5 GB, up", "MB/s", "more"),
            Figure("huge_down", "artifact of 5 GB, down", "MB/s", "more"),
        ),
        huge_artifact,
        servers=("trackback",),
        at_most_rounds=1,
    ),
)
