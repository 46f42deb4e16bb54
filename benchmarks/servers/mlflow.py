"""`mlflow server` as PyPI ships it, with its defaults."""

from pathlib import Path
from typing import Self

from benchmarks.servers.server import Server, output_of

_SQLITE_VERSION = "import sqlite3; print(sqlite3.sqlite_version)"


class MlflowServer(Server):
    name = "mlflow"
    title = "MLflow"
    durability = (
        "SQLite with SQLite's own defaults, which MLflow leaves alone: journal_mode=DELETE, synchronous=FULL; "
        "artifacts are not synced"
    )

    def __init__(self, directory: Path, environment: Path) -> None:
        super().__init__(directory)
        self._bin = environment / "bin"

    @property
    def environment(self) -> Path:
        """Where MLflow is installed."""
        return self._bin.parent

    def command(self) -> list[str]:
        return [str(self._bin / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(self.port)]

    def version(self) -> str:
        own = output_of(self._bin / "python", "-c", "import importlib.metadata as m; print(m.version('mlflow'))")
        return f"{own}, SQLite {output_of(self._bin / 'python', '-c', _SQLITE_VERSION)}"

    def twin(self, directory: Path) -> Self:
        return type(self)(directory, self.environment)
