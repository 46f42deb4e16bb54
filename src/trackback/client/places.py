"""Model URIs: what each names, and where its files lie."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from trackback.entities import LoggedModel, ModelVersion, Stage
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import shown

if TYPE_CHECKING:
    from trackback.client.api.files import Files

_LOGGED_MODEL = re.compile(r"m-[0-9a-f]{32}")
_VERSION = re.compile(r"([^/@]+)(?:/([^/@]+)|@([^/@]+))?")
_PROXY = re.compile(r"/api/2\.0/mlflow-artifacts/artifacts(?:/(.*))?$")
_STAGES = {stage.lower(): stage for stage in Stage}
_LATEST = "latest"
_HOPS = 3  # a version may lie at a logged model's URI, in MLflow


@dataclass(frozen=True)
class Place:
    """What a URI was found to name.

    uri: it, with an alias or a stage replaced by the version that it meant.
    artifact_uri: where the files lie, such as ``mlflow-artifacts:/versions/<digest>``.
    version: the version, if it is one's; ``run_id`` or ``model_id`` and ``path`` otherwise say where it is in which.
    """

    uri: str
    artifact_uri: str
    version: ModelVersion | None = None
    run_id: str | None = None
    model_id: str | None = None
    path: str = ""

    @property
    def proxy_path(self) -> str | None:
        """The path at the server's proxy; None where the files lie elsewhere."""
        return proxy_path(self.artifact_uri)

    @property
    def local_path(self) -> Path | None:
        """The path on this machine; None where the files lie elsewhere."""
        parts = urlsplit(self.artifact_uri)
        if parts.scheme == "file" and parts.netloc in ("", "localhost"):
            return Path(unquote(parts.path))
        drive = len(parts.scheme) == 1  # as in C:\models
        return Path(self.artifact_uri) if not parts.scheme or drive else None


def proxy_path(artifact_uri: str) -> str | None:
    """The path at a server's proxy that an artifact URI means; None for other places."""
    parts = urlsplit(artifact_uri)
    if parts.scheme == "mlflow-artifacts":
        return unquote(parts.path).strip("/")
    if parts.scheme in ("http", "https") and (match := _PROXY.search(parts.path)):
        return unquote(match[1] or "").strip("/")
    return None


def kept_path(artifact_uri: str) -> str:
    """The path at the server's proxy, which takes files for it. InvalidParameter: the URI is of another place."""
    path = proxy_path(artifact_uri)
    if path is None:
        raise InvalidParameter(
            f"Nothing can be uploaded to {shown(artifact_uri)} by way of the server: it is not the server's own place. "
            "Start the server with --default-artifact-root mlflow-artifacts:/."
        )
    return path


def locate(client: "Files", uri: str) -> Place:
    """Find out what a URI names: ``models:/name/7``, ``models:/name@alias``, ``models:/name/Stage``, ``models:/name``
    (its newest version), ``models:/m-<id>``, ``runs:/<id>/path``, ``mlflow-artifacts:/…``, or a local path.

    NotFound: there is no such model, version, stage, run or path. InvalidParameter: it is no such URI, or there is no
    such alias.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "models":
        return _of_models(client, uri, rest.strip("/"))
    if scheme == "runs":
        return _of_run(client, uri, *_split(rest.strip("/")))
    place = Place(uri, uri)
    if place.proxy_path is None and place.local_path is None:
        raise InvalidParameter(
            f"Nothing can be fetched from {shown(uri)}. Name a version, as models:/churn/7 or models:/churn@champion, "
            "a logged model, as models:/m-…, artifacts of a run, as runs:/<id>/model, or a local folder."
        )
    if place.local_path is not None and not place.local_path.exists():
        raise NotFound(f"There is nothing at {shown(uri)}.")
    return place


def _of_models(client: "Files", uri: str, name: str) -> Place:
    if _LOGGED_MODEL.fullmatch(name):
        return _of_logged_model(client.get_logged_model(name))
    match = _VERSION.fullmatch(name)
    if match is None:
        raise InvalidParameter(
            f"{shown(uri)} names no model. Write models:/name/7, models:/name@alias, models:/name/Production or "
            "models:/name for the newest version; models:/m-… for a logged model."
        )
    version = _version(client, *match.groups())
    found = Place("", client.get_model_version_download_uri(version.name, version.version))
    for _ in range(_HOPS):
        if not found.artifact_uri.startswith(("models:", "runs:")):
            break
        found = locate(client, found.artifact_uri)
    return replace(found, uri=f"models:/{version.name}/{version.version}", version=version)


def _version(client: "Files", name: str, number: str | None, alias: str | None) -> ModelVersion:
    if alias is not None:
        return client.get_model_version_by_alias(name, alias)
    if number is None or number.lower() == _LATEST:
        versions = client.get_latest_versions(name)
    elif stage := _STAGES.get(number.lower()):
        versions = client.get_latest_versions(name, [stage])
    else:
        return client.get_model_version(name, number)
    if not versions:
        raise NotFound(f"The model {shown(name)} has no version{f' in {number}' if number else ''}.")
    return max(versions, key=lambda version: int(version.version))


def _of_run(client: "Files", uri: str, run_id: str, path: str) -> Place:
    """Of the run's own artifacts; or, as clients of MLflow 3 have it, of its logged model that the path begins with."""
    info = client.get_run(run_id).info
    own = Place(uri, _join(info.artifact_uri, path), run_id=run_id, path=path)
    if not path or client.list_artifacts(run_id, path):
        return own
    folder, _, name = path.rpartition("/")
    if any(each.path.rpartition("/")[2] == name for each in client.list_artifacts(run_id, folder or None)):
        return own
    first, _, below = path.partition("/")
    if "'" not in first:
        wanted = f"name = '{first}' AND source_run_id = '{run_id}'"
        for model in client.search_logged_models([info.experiment_id], wanted, max_results=1):
            found = _of_logged_model(model)
            return replace(found, uri=uri, artifact_uri=_join(found.artifact_uri, below), path=below)
    raise NotFound(f"There is nothing at {shown(uri)}: the run has no such artifact, and no logged model of that name.")


def _of_logged_model(model: LoggedModel) -> Place:
    return Place(f"models:/{model.info.model_id}", model.info.artifact_uri, model_id=model.info.model_id)


def _split(text: str) -> tuple[str, str]:
    run_id, _, path = text.partition("/")
    return run_id, path.strip("/")


def _join(uri: str, path: str) -> str:
    return f"{uri.rstrip('/')}/{path}" if path else uri
