"""What the client does with many bytes: files that go to a server and come back, digests of data sets."""

import subprocess
import time
from pathlib import Path

from benchmarks.connection import Connection, UnexpectedAnswerError
from benchmarks.measures.measure import Context, Figure, Measure, Round
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, create_run

_PIECE = 2**24


def transfers(context: Context, server: Server) -> Round:
    """A file is logged to a run and fetched again, its digest verified both ways; beside `cp` and `sha256sum` of it.

    Each round has a file of other bytes, since a server that has them is not sent them again.
    """
    from trackback import Client  # noqa: PLC0415 - only these measures need it

    folder = context.directory / "transfers"
    folder.mkdir(exist_ok=True)
    rounds = 0

    def run_round(connection: Connection) -> dict[str, float]:
        nonlocal rounds
        rounds += 1
        file, copy, back = folder / f"file-{rounds}", folder / "copy", folder / "back"
        _write(file, context.sizes.transferred_bytes, rounds)
        run_id = create_run(connection, create_experiment(connection)).run_id
        copied_s = _timed(["sh", "-c", f"cp {file} {copy} && sha256sum {copy} > {copy}.sum"])
        client = Client(f"http://127.0.0.1:{server.port}")
        began = time.perf_counter()
        client.log_artifact(run_id, file)
        sent = time.perf_counter()
        client.download_artifacts(run_id, file.name, back)
        fetched = time.perf_counter()
        if subprocess.run(["cmp", file, back / file.name], check=False).returncode:
            raise UnexpectedAnswerError(f"{back / file.name} has not the bytes of {file}")
        for each in (file, copy, back / file.name):
            each.unlink()
        return {"transfer_up": (sent - began) / copied_s, "transfer_down": (fetched - sent) / copied_s}

    return run_round


def digests(context: Context, server: Server) -> Round:
    """The full digest of a table of numbers, in memory and in a Parquet file. No server has a part in it."""
    import numpy  # noqa: PLC0415 - only these measures need them
    import pandas  # noqa: PLC0415

    from trackback.provenance.datasets import describe_dataset  # noqa: PLC0415

    rows = context.sizes.digested_bytes // 8 // 10
    values = numpy.random.default_rng(0).normal(size=(rows, 10))
    parquet = context.directory / f"{server.name}-digested.parquet"
    pandas.DataFrame(values, columns=[f"x{column}" for column in range(10)]).to_parquet(parquet)

    def run_round(_: Connection) -> dict[str, float]:
        began = time.perf_counter()
        describe_dataset(values)
        in_memory = time.perf_counter()
        describe_dataset(parquet)
        in_file = time.perf_counter()
        return {
            "digest_array": values.nbytes / (in_memory - began) / 1e6,
            "digest_parquet": values.nbytes / (in_file - in_memory) / 1e6,
        }

    return run_round


def _write(file: Path, size: int, seed: int) -> None:
    import numpy  # noqa: PLC0415 - only these measures need it

    random = numpy.random.default_rng(seed)
    with file.open("wb") as written:
        for _ in range(0, size, _PIECE):
            written.write(random.bytes(_PIECE))


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


MEASURES = (
    Measure(
        "transfers",
        (
            Figure("transfer_up", "a file of 1 GB logged by the client, in times of cp and sha256sum", "×", "less"),
            Figure("transfer_down", "the same file fetched and verified, likewise", "×", "less"),
        ),
        transfers,
        servers=("trackback",),
    ),
    Measure(
        "digests",
        (
            Figure("digest_array", "full digest, schema and profile of an array of doubles", "MB/s", "more"),
            Figure("digest_parquet", "the same of a Parquet file, by the size of its values", "MB/s", "more"),
        ),
        digests,
        servers=("trackback",),
    ),
)
