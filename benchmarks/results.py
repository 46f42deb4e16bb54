"""The raw figures, kept as JSON: by measure, server, figure and round."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


@dataclass
class MeasureResults:
    """One measure: all its servers took part in the same rounds."""

    measured_at: str
    #: server -> figure -> one value for each round
    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    #: server -> why it has no values
    failures: dict[str, str] = field(default_factory=dict)


@dataclass
class ServerDescription:
    title: str
    version: str
    durability: str
    syncs_per_call: float | None


@dataclass
class LibraryDescription:
    """What training programs import: ``kept`` says where a point is when a run has ended."""

    title: str
    version: str
    kept: str


@dataclass
class Results:
    machine: dict[str, str] = field(default_factory=dict)
    servers: dict[str, ServerDescription] = field(default_factory=dict)
    measures: dict[str, MeasureResults] = field(default_factory=dict)
    libraries: dict[str, LibraryDescription] = field(default_factory=dict)

    def by_server(self) -> dict[str, dict[str, list[float]]]:
        """All figures of each server, whatever measure they come from."""
        figures: dict[str, dict[str, list[float]]] = {}
        for measure in self.measures.values():
            for server, values in measure.values.items():
                figures.setdefault(server, {}).update(values)
        return figures

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        raw = json.loads(path.read_text())
        return cls(
            raw["machine"],
            {name: ServerDescription(**server) for name, server in raw["servers"].items()},
            {name: MeasureResults(**measure) for name, measure in raw["measures"].items()},
            {name: LibraryDescription(**library) for name, library in raw.get("libraries", {}).items()},
        )
