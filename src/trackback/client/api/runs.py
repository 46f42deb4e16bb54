"""Calls for runs: their life, and searching them."""

from collections.abc import Mapping, Sequence

from trackback.client.api.calls import MLFLOW, OURS, Calls, member, now_ms, segment, tags_of, texts
from trackback.client.pages import Page
from trackback.entities import Run, RunInfo, RunStatus, ViewType

RUNS = f"{MLFLOW}runs/"
PARENT_RUN = "mlflow.parentRunId"
USER = "mlflow.user"


class Runs(Calls):
    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, object] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Begin a run, with the status RUNNING. ``start_time`` is in milliseconds since the epoch; now, if None.

        The tag ``mlflow.user`` says whose run it is, as with MLflow's client; the name is a random one if None.

        NotFound: there is no such experiment. InvalidParameter: it is deleted.
        """
        fields = {
            "experiment_id": experiment_id,
            "user_id": str((tags or {}).get(USER, "")),
            "run_name": run_name,
            "start_time": now_ms() if start_time is None else start_time,
            "tags": tags_of(tags),
        }
        return self._one("run", Run, "POST", f"{RUNS}create", fields, idempotent=False)

    def get_run(self, run_id: str) -> Run:
        """A run, deleted or not, with its params, tags, inputs and outputs, and the last point of each metric.

        NotFound: there is none of this id.
        """
        return self._one("run", Run, "GET", f"{RUNS}get", {"run_id": run_id})

    def get_parent_run(self, run_id: str) -> Run | None:
        """The run that a run is nested in; None if it is in none. NotFound: one of the two is not there."""
        tags = {tag.key: tag.value for tag in self.get_run(run_id).data.tags}
        parent = tags.get(PARENT_RUN)
        return self.get_run(parent) if parent else None

    def update_run(
        self,
        run_id: str,
        status: RunStatus | str | None = None,
        name: str | None = None,
        end_time: int | None = None,
    ) -> RunInfo:
        """Change a run's status, name or end (milliseconds since the epoch): what is None stays as it is.

        NotFound: there is no such run. InvalidParameter: it is deleted, or there is no such status.
        """
        known = None if status is None else member(RunStatus, status, "status")
        fields = {"run_id": run_id, "status": known, "run_name": name, "end_time": end_time}
        return self._one("run_info", RunInfo, "POST", f"{RUNS}update", fields)

    def set_terminated(
        self, run_id: str, status: RunStatus | str | None = None, end_time: int | None = None
    ) -> RunInfo:
        """End a run: as FINISHED, and now, unless told otherwise. Errors: those of ``update_run``."""
        ended = now_ms() if end_time is None else end_time
        return self.update_run(run_id, RunStatus.FINISHED if status is None else status, end_time=ended)

    def send_heartbeat(self, run_id: str, timeout_s: int = 60) -> RunStatus:
        """Say that a run goes on, and within how many seconds it will be heard of again; its status. Trackback only.

        A run that is not heard of in time is marked FAILED, and RUNNING again when it is.

        NotFound: there is no such run. InvalidParameter: it is deleted.
        """
        return self._one(
            "status", RunStatus, "POST", f"{OURS}runs/{segment(run_id)}/heartbeat", {"timeout_s": timeout_s}
        )

    def delete_run(self, run_id: str) -> None:
        """Delete a run; ``restore_run`` brings it back. NotFound: there is none of this id."""
        self._do("POST", f"{RUNS}delete", {"run_id": run_id})

    def restore_run(self, run_id: str) -> None:
        """Bring back a deleted run. NotFound: there is none of this id."""
        self._do("POST", f"{RUNS}restore", {"run_id": run_id})

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        run_view_type: ViewType | int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[Run]:
        """Runs of experiments, by a filter such as ``metrics.loss < 0.5 AND params.depth = '3'``.

        InvalidParameter: the filter or the order can't be read. NotFound: there is no such experiment.
        """
        fields = {
            "experiment_ids": texts(experiment_ids),
            "filter": filter_string,
            "run_view_type": run_view_type,
            "max_results": max_results,
            "order_by": texts(order_by),
            "page_token": page_token,
        }
        return self._page("runs", Run, "POST", f"{RUNS}search", fields)
