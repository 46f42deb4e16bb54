"""FastTrackML, a server of MLflow's protocol written in Go: the fastest peer known."""

from pathlib import Path
from typing import Self

from benchmarks.servers.server import Server, output_of


class FastTrackMLServer(Server):
    name = "fasttrackml"
    title = "FastTrackML"
    durability = (
        "SQLite, journal_mode=WAL, synchronous=NORMAL (its SQLite driver's default): nothing is synced at a commit, "
        "so a power loss takes the last acknowledged writes with it"
    )
    proxies_artifacts = False

    def __init__(self, directory: Path, environment: Path) -> None:
        super().__init__(directory)
        self._fml = environment / "bin" / "fml"

    def command(self) -> list[str]:
        return [str(self._fml), "server", "--listen-address", f"127.0.0.1:{self.port}"]

    def version(self) -> str:
        return output_of(self._fml, "--version").rpartition(" ")[2]

    def twin(self, directory: Path) -> Self:
        return type(self)(directory, self._fml.parent.parent)
