"""Calls for experiments."""

from collections.abc import Mapping, Sequence

from trackback.client.api.calls import MLFLOW, MLFLOW_AJAX, Calls, tags_of, texts
from trackback.client.pages import Page
from trackback.entities import DatasetSummary, Experiment, ViewType
from trackback.errors import NotFound

EXPERIMENTS = f"{MLFLOW}experiments/"


class Experiments(Calls):
    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Mapping[str, object] | None = None
    ) -> str:
        """Make an experiment; its id.

        artifact_location: where its runs' artifacts go; the server's choice, if None.

        AlreadyExists: the name is taken, perhaps by a deleted experiment.
        """
        fields = {"name": name, "artifact_location": artifact_location, "tags": tags_of(tags)}
        return self._one("experiment_id", str, "POST", f"{EXPERIMENTS}create", fields, idempotent=False)

    def get_experiment(self, experiment_id: str) -> Experiment:
        """An experiment, deleted or not. NotFound: there is none of this id."""
        return self._one("experiment", Experiment, "GET", f"{EXPERIMENTS}get", {"experiment_id": experiment_id})

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """The experiment of this name, deleted or not; None if there is none."""
        try:
            return self._one("experiment", Experiment, "GET", f"{EXPERIMENTS}get-by-name", {"experiment_name": name})
        except NotFound:
            return None

    def search_experiments(
        self,
        view_type: ViewType | int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        """Experiments, by a filter such as ``name LIKE 'churn%'``; the newest first unless ``order_by`` says otherwise.

        InvalidParameter: the filter or the order can't be read.
        """
        fields = {
            "view_type": view_type,
            "max_results": max_results,
            "filter": filter_string,
            "order_by": texts(order_by),
            "page_token": page_token,
        }
        return self._page("experiments", Experiment, "POST", f"{EXPERIMENTS}search", fields)

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name. AlreadyExists or BadRequest: it is taken. InvalidState: it is deleted."""
        fields = {"experiment_id": experiment_id, "new_name": new_name}
        self._do("POST", f"{EXPERIMENTS}update", fields, idempotent=False)

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment with its runs; ``restore_experiment`` brings them back. NotFound: none is active."""
        self._do("POST", f"{EXPERIMENTS}delete", {"experiment_id": experiment_id}, idempotent=False)

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring back a deleted experiment with all of its runs. NotFound: none is deleted."""
        self._do("POST", f"{EXPERIMENTS}restore", {"experiment_id": experiment_id}, idempotent=False)

    def set_experiment_tag(self, experiment_id: str, key: str, value: object) -> None:
        """Set a tag, whatever it was. NotFound: there is no such experiment. InvalidParameter: it is deleted."""
        fields = {"experiment_id": experiment_id, "key": key, "value": str(value)}
        self._do("POST", f"{EXPERIMENTS}set-experiment-tag", fields)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag. NotFound: the experiment, or its tag, is not there."""
        fields = {"experiment_id": experiment_id, "key": key}
        self._do("POST", f"{EXPERIMENTS}delete-experiment-tag", fields, idempotent=False)

    def search_dataset_summaries(self, experiment_ids: Sequence[str]) -> tuple[DatasetSummary, ...]:
        """The data sets that went into runs of up to 20 experiments. InvalidParameter: they are none, or more."""
        path = f"{MLFLOW_AJAX}experiments/search-datasets"
        return self._several(
            "dataset_summaries", DatasetSummary, "POST", path, {"experiment_ids": texts(experiment_ids)}
        )
