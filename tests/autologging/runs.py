"""What a server has of the runs of one experiment."""

import json
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from trackback.client.api import Client
from trackback.client.places import kept_path
from trackback.entities import Run
from trackback.tracking.fluent import flush


class Runs:
    """Of a new experiment, or of the one that has a name."""

    def __init__(self, uri: str, name: str | None = None) -> None:
        self.client = Client(uri)
        known = self.client.get_experiment_by_name(name) if name else None
        self.experiment_id = known.experiment_id if known else self.client.create_experiment(name or uuid4().hex)

    def close(self) -> None:
        self.client.close()

    def all(self) -> list[Run]:
        """Those that are below no other, the first first."""
        return [run for run in self._search() if "mlflow.parentRunId" not in tags(run)]

    def only(self) -> Run:
        (run,) = self.all()
        return run

    def below(self, run: Run) -> list[Run]:
        return [each for each in self._search() if tags(each).get("mlflow.parentRunId") == run.info.run_id]

    def files(self, run: Run) -> set[str]:
        return {each.path for each in self.client.list_artifacts(run.info.run_id)}

    def text(self, run: Run, path: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "file"
            self.client.transport.download(f"{kept_path(run.info.artifact_uri)}/{path}", file)
            return file.read_text()

    def document(self, run: Run, path: str) -> Any:
        return json.loads(self.text(run, path))

    def steps(self, run: Run, key: str) -> list[int]:
        return [each.step for each in self.client.get_metric_history(run.info.run_id, key)]

    def _search(self) -> list[Run]:
        flush()
        found = self.client.search_runs([self.experiment_id], max_results=1000)
        return sorted(found, key=lambda run: run.info.start_time)


def params(run: Run) -> dict[str, str]:
    return {each.key: each.value for each in run.data.params}


def metrics(run: Run) -> dict[str, float]:
    return {each.key: each.value for each in run.data.metrics}


def tags(run: Run) -> dict[str, str]:
    return {each.key: each.value for each in run.data.tags}


def model_uri(run: Run, place: int = 0) -> str:
    assert run.outputs is not None
    return f"models:/{run.outputs.model_outputs[place].model_id}"
