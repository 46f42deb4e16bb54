"""Calls for logged models."""

from collections.abc import Mapping, Sequence

from trackback.client.api.calls import MLFLOW, Calls, member, params_of, segment, tags_of, texts
from trackback.client.pages import Page
from trackback.entities import LoggedModel, LoggedModelStatus

MODELS = f"{MLFLOW}logged-models"

_SHORT = {"PENDING": LoggedModelStatus.PENDING, "READY": LoggedModelStatus.READY, "FAILED": LoggedModelStatus.FAILED}


class LoggedModels(Calls):
    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """Make a logged model, whose files are yet to come: it is pending. The name is a random one if None.

        NotFound: there is no such experiment. InvalidParameter: the name holds one of ``/ : . % " '``.
        """
        fields = {
            "experiment_id": experiment_id,
            "name": name,
            "model_type": model_type,
            "source_run_id": source_run_id,
            "params": params_of(params),
            "tags": tags_of(tags),
        }
        return self._one("model", LoggedModel, "POST", MODELS, fields, idempotent=False)

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> LoggedModel:
        """A logged model. NotFound: there is none of this id, or it is deleted."""
        fields = {"allow_deleted": True} if allow_deleted else {}
        return self._one("model", LoggedModel, "GET", f"{MODELS}/{segment(model_id)}", fields)

    def finalize_logged_model(self, model_id: str, status: LoggedModelStatus | str) -> LoggedModel:
        """Say that a model's files are all there (``READY``), or will never be (``FAILED``).

        NotFound: there is no such model. InvalidParameter: there is no such status.
        """
        known = _SHORT.get(status) or member(LoggedModelStatus, status, "status")
        fields = {"model_id": model_id, "status": known}
        return self._one("model", LoggedModel, "PATCH", f"{MODELS}/{segment(model_id)}", fields)

    def delete_logged_model(self, model_id: str) -> None:
        """Delete a logged model. NotFound: there is none of this id."""
        self._do("DELETE", f"{MODELS}/{segment(model_id)}", {}, idempotent=False)

    def log_model_params(self, model_id: str, params: Mapping[str, object]) -> None:
        """Add params to a logged model. NotFound: there is no such model. BadRequest: it has one of them already."""
        fields = {"model_id": model_id, "params": params_of(params)}
        self._do("POST", f"{MODELS}/{segment(model_id)}/params", fields, idempotent=False)

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, object]) -> None:
        """Set tags, whatever they were. NotFound: there is no such model."""
        self._do("PATCH", f"{MODELS}/{segment(model_id)}/tags", {"tags": tags_of(tags)})

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag. NotFound: the model, or its tag, is not there."""
        self._do("DELETE", f"{MODELS}/{segment(model_id)}/tags/{segment(key)}", {}, idempotent=False)

    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None = None,
        datasets: Sequence[Mapping[str, str]] | None = None,
        max_results: int | None = None,
        order_by: Sequence[Mapping[str, object]] | None = None,
        page_token: str | None = None,
    ) -> Page[LoggedModel]:
        """Logged models of experiments, by a filter such as ``name = 'churn' AND metrics.accuracy > 0.9``.

        datasets: ``{"dataset_name": …, "dataset_digest": …}``: filters look only at metrics on these.
        order_by: ``{"field_name": "metrics.accuracy", "ascending": False}``, perhaps with a data set as above.

        InvalidParameter: the filter or the order can't be read, or the token is another search's.
        """
        fields = {
            "experiment_ids": texts(experiment_ids),
            "filter": filter_string,
            "datasets": list(datasets) if datasets else None,
            "max_results": max_results,
            "order_by": list(order_by) if order_by else None,
            "page_token": page_token,
        }
        return self._page("models", LoggedModel, "POST", f"{MODELS}/search", fields)
