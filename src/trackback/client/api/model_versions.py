"""Calls for versions of registered models."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from trackback.client.api.calls import MLFLOW, tags_of, texts
from trackback.client.api.registered_models import RegisteredModels
from trackback.client.pages import Page
from trackback.entities import ModelVersion
from trackback.errors import AlreadyExists

VERSIONS = f"{MLFLOW}model-versions/"


class ModelVersions(RegisteredModels):
    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Mapping[str, object] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        *,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Register what lies at ``source`` as the next version: its files, params and metrics as they are now.

        source: ``runs:/<id>/path``, ``models:/m-<id>``, ``models:/name/7``, or an artifact URI.

        NotFound: there is no such model, or nothing that the source names. InvalidParameter: the source is not valid,
        or of another run or logged model than was named.
        """
        fields = {
            "name": name,
            "source": source,
            "run_id": run_id,
            "tags": tags_of(tags),
            "run_link": run_link,
            "description": description,
            "model_id": model_id,
        }
        return self._one("model_version", ModelVersion, "POST", f"{VERSIONS}create", fields, idempotent=False)

    def copy_model_version(self, src_model_uri: str, dst_name: str) -> ModelVersion:
        """Register the version ``src_model_uri`` (``models:/name/7`` or ``models:/name@alias``) as one of ``dst_name``.

        The model is made if it is not there. Errors: those of ``create_model_version``.
        """
        with suppress(AlreadyExists):
            self.create_registered_model(dst_name)
        return self.create_model_version(dst_name, src_model_uri)

    def get_model_version(self, name: str, version: str | int) -> ModelVersion:
        """A version, with its aliases, and the params and metrics that it was registered with.

        NotFound: there is no such version. InvalidParameter: ``version`` is no number.
        """
        return self._one("model_version", ModelVersion, "GET", f"{VERSIONS}get", _named(name, version))

    def update_model_version(self, name: str, version: str | int, description: str | None = None) -> ModelVersion:
        """Change the description; None clears it. NotFound: there is no such version."""
        fields = {**_named(name, version), "description": description or ""}
        return self._one("model_version", ModelVersion, "PATCH", f"{VERSIONS}update", fields)

    def transition_model_version_stage(
        self, name: str, version: str | int, stage: str, archive_existing_versions: bool = False
    ) -> ModelVersion:
        """Bring a version into ``None``, ``Staging``, ``Production`` or ``Archived``, perhaps archiving those there.

        A stage that is an environment of the server promotes the version.

        NotFound: there is no such version. InvalidParameter: there is no such stage. BadRequest: it may not go in.
        """
        fields = {
            **_named(name, version),
            "stage": stage,
            "archive_existing_versions": archive_existing_versions,
        }
        return self._one("model_version", ModelVersion, "POST", f"{VERSIONS}transition-stage", fields)

    def delete_model_version(self, name: str, version: str | int) -> None:
        """Delete a version; its number is never given again. NotFound: there is no such version."""
        self._do("DELETE", f"{VERSIONS}delete", _named(name, version), idempotent=False)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int = 10_000,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[ModelVersion]:
        """Versions, by a filter such as ``name = 'churn'``; those changed last first, without params and metrics.

        InvalidParameter: the filter or the order can't be read.
        """
        fields = {
            "filter": filter_string,
            "max_results": max_results,
            "order_by": texts(order_by),
            "page_token": page_token,
        }
        return self._page("model_versions", ModelVersion, "GET", f"{VERSIONS}search", fields)

    def get_model_version_download_uri(self, name: str, version: str | int) -> str:
        """Where a version's files lie, such as ``mlflow-artifacts:/versions/<digest>``. NotFound: no such version."""
        return self._one("artifact_uri", str, "GET", f"{VERSIONS}get-download-uri", _named(name, version))

    def set_model_version_tag(self, name: str, version: str | int, key: str, value: object) -> None:
        """Set a tag, whatever it was. NotFound: there is no such version."""
        self._do("POST", f"{VERSIONS}set-tag", {**_named(name, version), "key": key, "value": str(value)})

    def delete_model_version_tag(self, name: str, version: str | int, key: str) -> None:
        """Remove a tag, if it is there. NotFound: there is no such version."""
        self._do("DELETE", f"{VERSIONS}delete-tag", {**_named(name, version), "key": key}, idempotent=False)


def _named(name: str, version: str | int) -> dict[str, object]:
    return {"name": name, "version": str(version)}
