"""Calls that log to a run, or read its metrics back. Each returns when the server has kept what it was sent."""

from collections.abc import Sequence

from trackback.client.api.calls import MLFLOW, MLFLOW_AJAX, Calls, now_ms, texts
from trackback.client.pages import Page, walk
from trackback.entities import DatasetInput, Metric, ModelInput, ModelOutput, Param, Tag

RUNS = f"{MLFLOW}runs/"
METRICS = f"{MLFLOW}metrics/"
HISTORY_PAGE = 25_000  # MLflow's


class RunLog(Calls):
    def log_metric(
        self,
        run_id: str,
        key: str,
        value: float,
        timestamp: int | None = None,
        step: int | None = None,
        *,
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> None:
        """Log one point. ``timestamp`` is in milliseconds since the epoch; now, if None. ``step`` is 0 if None.

        NotFound: there is no such run. InvalidParameter: it is deleted, or the key is no name.
        """
        fields = {
            "run_id": run_id,
            "key": key,
            "value": float(value),
            "timestamp": now_ms() if timestamp is None else timestamp,
            "step": step or 0,
            "dataset_name": dataset_name,
            "dataset_digest": dataset_digest,
            "model_id": model_id,
        }
        self._do("POST", f"{RUNS}log-metric", fields)

    def log_param(self, run_id: str, key: str, value: object) -> object:
        """Log a param; ``value`` itself. The server keeps it as a text, and cuts what is too long.

        NotFound: there is no such run. InvalidParameter: it is deleted, or the param has another value already.
        """
        self._do("POST", f"{RUNS}log-parameter", {"run_id": run_id, "key": key, "value": str(value)})
        return value

    def set_tag(self, run_id: str, key: str, value: object) -> None:
        """Set a tag, whatever it was. NotFound: there is no such run. InvalidParameter: it is deleted."""
        self._do("POST", f"{RUNS}set-tag", {"run_id": run_id, "key": key, "value": str(value)})

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag. NotFound: the run, or its tag, is not there. InvalidParameter: the run is deleted."""
        self._do("POST", f"{RUNS}delete-tag", {"run_id": run_id, "key": key}, idempotent=False)

    def log_batch(
        self, run_id: str, metrics: Sequence[Metric] = (), params: Sequence[Param] = (), tags: Sequence[Tag] = ()
    ) -> None:
        """Log up to 1,000 points, 100 params and 100 tags, 1,000 of all together: all of them, or none.

        NotFound: there is no such run. InvalidParameter: it is deleted, a key is no name, there is too much, or a param
        has another value already.
        """
        fields = {"run_id": run_id, "metrics": metrics, "params": params, "tags": tags}
        self._do("POST", f"{RUNS}log-batch", fields)

    def record_logged_model(self, run_id: str, model_json: str) -> None:
        """Append an MLmodel, as a JSON text, to the tag ``mlflow.log-model.history``, as MLflow's clients before 3 do.

        NotFound: there is no such run. InvalidParameter: it is deleted, or the text is not one of an MLmodel.
        """
        self._do("POST", f"{RUNS}log-model", {"run_id": run_id, "model_json": model_json}, idempotent=False)

    def log_inputs(
        self, run_id: str, datasets: Sequence[DatasetInput] | None = None, models: Sequence[ModelInput] | None = None
    ) -> None:
        """Say what went into a run: data sets, each with tags such as ``mlflow.data.context``, and logged models.

        NotFound: there is no such run. InvalidParameter: it is deleted, or a data set lacks a name or a digest.
        """
        fields = {"run_id": run_id, "datasets": list(datasets or ()), "models": list(models or ())}
        self._do("POST", f"{RUNS}log-inputs", fields, idempotent=False)

    def log_outputs(self, run_id: str, models: Sequence[ModelOutput]) -> None:
        """Say which logged models came out of a run, and at which step.

        NotFound: there is no such run. BadRequest: a model is an output at another step already.
        """
        self._do("POST", f"{RUNS}outputs", {"run_id": run_id, "models": list(models)}, idempotent=False)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        """All points of a metric, by timestamp, step and value; none if there is no such run or metric."""
        return list(walk(self._history_page, run_id, key))

    def _history_page(self, run_id: str, key: str, page_token: str | None = None) -> Page[Metric]:
        fields = {"run_id": run_id, "metric_key": key, "max_results": HISTORY_PAGE, "page_token": page_token}
        return self._page("metrics", Metric, "GET", f"{METRICS}get-history", fields)

    def get_metric_history_bulk(self, run_ids: Sequence[str], key: str, max_results: int = 25_000) -> list[Metric]:
        """The first points of a metric of up to 100 runs, one run after the other, by id; each says its ``run_id``.

        InvalidParameter: there are no runs, or too many.
        """
        fields = {"run_id": texts(run_ids), "metric_key": key, "max_results": max_results}
        return list(self._several("metrics", Metric, "GET", f"{MLFLOW_AJAX}metrics/get-history-bulk", fields))

    def get_metric_history_bulk_interval(
        self,
        run_ids: Sequence[str],
        key: str,
        max_results: int = 2500,
        start_step: int | None = None,
        end_step: int | None = None,
    ) -> list[Metric]:
        """At most ``max_results`` points of each of up to 100 runs, evenly chosen between two steps, ends included.

        InvalidParameter: there are no runs, or too many; or only one of the steps is given.
        """
        fields = {
            "run_ids": texts(run_ids),
            "metric_key": key,
            "max_results": max_results,
            "start_step": start_step,
            "end_step": end_step,
        }
        return list(self._several("metrics", Metric, "GET", f"{METRICS}get-history-bulk-interval", fields))
