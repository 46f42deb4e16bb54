"""Calls for registered models, their tags and their aliases."""

from collections.abc import Mapping, Sequence

from trackback.client.api.calls import MLFLOW, Calls, tags_of, texts
from trackback.client.pages import Page
from trackback.entities import ModelVersion, RegisteredModel

MODELS = f"{MLFLOW}registered-models/"


class RegisteredModels(Calls):
    def create_registered_model(
        self, name: str, tags: Mapping[str, object] | None = None, description: str | None = None
    ) -> RegisteredModel:
        """Make a registered model, without versions.

        AlreadyExists: the name is taken. InvalidParameter: it holds ``/`` or ``:``, or is blank.
        """
        fields = {"name": name, "tags": tags_of(tags), "description": description}
        return self._one("registered_model", RegisteredModel, "POST", f"{MODELS}create", fields, idempotent=False)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """A registered model, with the newest version of each stage. NotFound: there is none of this name."""
        return self._one("registered_model", RegisteredModel, "GET", f"{MODELS}get", {"name": name})

    def update_registered_model(self, name: str, description: str | None = None) -> RegisteredModel:
        """Change the description; None clears it. NotFound: there is no such model."""
        fields = {"name": name, "description": description or ""}
        return self._one("registered_model", RegisteredModel, "PATCH", f"{MODELS}update", fields)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Give a model another name. NotFound: there is no such model. AlreadyExists: the new name is taken."""
        fields = {"name": name, "new_name": new_name}
        return self._one("registered_model", RegisteredModel, "POST", f"{MODELS}rename", fields, idempotent=False)

    def delete_registered_model(self, name: str) -> None:
        """Delete a model with its versions. NotFound: there is none of this name."""
        self._do("DELETE", f"{MODELS}delete", {"name": name}, idempotent=False)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int = 100,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> Page[RegisteredModel]:
        """Registered models, by a filter such as ``name LIKE 'churn%'``; by name unless ``order_by`` says otherwise.

        InvalidParameter: the filter or the order can't be read.
        """
        fields = {
            "filter": filter_string,
            "max_results": max_results,
            "order_by": texts(order_by),
            "page_token": page_token,
        }
        return self._page("registered_models", RegisteredModel, "GET", f"{MODELS}search", fields)

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> tuple[ModelVersion, ...]:
        """The newest version of each stage, or of these. NotFound: there is no such model.

        InvalidParameter: one is no stage.
        """
        fields = {"name": name, "stages": texts(stages)}
        return self._several("model_versions", ModelVersion, "POST", f"{MODELS}get-latest-versions", fields)

    def set_registered_model_tag(self, name: str, key: str, value: object) -> None:
        """Set a tag, whatever it was. NotFound: there is no such model."""
        self._do("POST", f"{MODELS}set-tag", {"name": name, "key": key, "value": str(value)})

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Remove a tag, if it is there. NotFound: there is no such model."""
        self._do("DELETE", f"{MODELS}delete-tag", {"name": name, "key": key}, idempotent=False)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> None:
        """Have an alias name this version, whichever it named. An alias that is an environment's promotes.

        NotFound: there is no such version. InvalidParameter: the alias is ``latest``, ``v7`` or no name.
        """
        self._do("POST", f"{MODELS}alias", {"name": name, "alias": alias, "version": str(version)})

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """Remove an alias, if it is there. NotFound: there is no such model."""
        self._do("DELETE", f"{MODELS}alias", {"name": name, "alias": alias}, idempotent=False)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias names. NotFound: there is no such model. InvalidParameter: no such alias."""
        return self._one("model_version", ModelVersion, "GET", f"{MODELS}alias", {"name": name, "alias": alias})
