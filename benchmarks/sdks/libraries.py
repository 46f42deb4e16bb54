"""The packages that are measured, and where what they are sent goes."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Library:
    """``environment``: the Python that has it: this one, or that of the peers' folder of this name.

    ``server``: the server under test that it logs to; None keeps all on this machine.
    """

    name: str
    title: str
    distribution: str
    environment: Literal["own", "bench", "bench-sdks"]
    server: str | None
    kept: str


LIBRARIES = (
    Library("trackback", "trackback", "trackback", "own", "trackback", "on the server, each commit synced"),
    Library("mlflow", "MLflow", "mlflow", "bench", "mlflow", "on the server; each call waits for its answer"),
    Library("wandb", "W&B, offline", "wandb", "bench-sdks", None, "in a file of the run, to be uploaded later"),
    Library("trackio", "Trackio", "trackio", "bench-sdks", None, "in a SQLite database on this machine"),
    Library("aim", "Aim", "aim", "bench-sdks", None, "in a RocksDB on this machine"),
)
