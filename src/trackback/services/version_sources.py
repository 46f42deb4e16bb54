"""Where a version comes from: the run, the logged model or the version that its source names, and where its files lie.

A client says all of it as it likes, so what it says must agree: a source that lies in a run's or a logged model's
folder has to be of the run or logged model that it names. Where it names none, the source says which it is. To who may
not read a run, a model or a version, it is not there, and neither are its files.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from trackback.artifacts import paths
from trackback.artifacts.stores import local_path, scheme_of
from trackback.entities import Actor, LifecycleStage, Permission
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import check_version, shown
from trackback.services import access, file_access
from trackback.services.registry import NEWEST, readable_version, version_by_alias
from trackback.storage import Transaction, logged_models, manifests, runs
from trackback.storage.logged_models import LoggedModelRecord
from trackback.storage.model_versions import ModelVersionRecord
from trackback.storage.runs import RunRecord

_LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-f]{32})/?")
_VERSION = re.compile(r"models:/([^/:@]+)(?:/([^/@]+)|@([\w\-]+))")
_RUN = re.compile(r"runs:/([^/]+)(?:/(.*))?", re.DOTALL)
_DECODINGS = 3


class Claim(NamedTuple):
    """What a client says of a version: its source, and the run and the logged model that it is of, or empty texts."""

    source: str
    run_id: str = ""
    model_id: str = ""


class Origin(NamedTuple):
    """``location`` is where the files lie. ``run_id`` may be that of a run elsewhere; ``run`` is the one here."""

    location: str
    run_id: str = ""
    run: RunRecord | None = None
    logged_model: LoggedModelRecord | None = None
    copied_from: ModelVersionRecord | None = None


def find_origin(tx: Transaction, actor: Actor, claim: Claim) -> Origin:
    """What a claim comes to.

    Raises InvalidParameter where it contradicts itself or the source is not valid, and NotFound for a logged model or
    a version that is not there.
    """
    _check_no_way_up(claim.source)
    return _Search(tx, actor, claim).origin()


class _Search:
    def __init__(self, tx: Transaction, actor: Actor, claim: Claim) -> None:
        self._tx = tx
        self._actor = actor
        self._source, self._run_id, self._model_id = claim

    def origin(self) -> Origin:
        scheme = scheme_of(self._source)
        if scheme == "models":
            named = _LOGGED_MODEL.fullmatch(self._source)
            return self._of_logged_model(named[1]) if named else self._of_version()
        if scheme == "runs":
            return self._of_run()
        if (path := paths.proxy_path(self._source)) is not None:
            return self._of_proxy_path(paths.check_path(path))
        origin = self._as_named()
        if scheme in ("", "file"):
            self._check_local(origin)
        elif not any(_lies_in(self._source, uri) for uri in _places(origin)):
            access.require(self._actor, Permission.WRITE)  # everywhere, as to name any place for an experiment
        return origin

    def _of_version(self) -> Origin:
        """A copy has all that the version has."""
        match = _VERSION.fullmatch(self._source)
        if match is None:
            raise InvalidParameter(
                f"Invalid model version source: {shown(self._source)}. Name a version, as models:/churn/7, "
                "models:/churn@champion or models:/churn/latest, or a logged model, as models:/m-…."
            )
        record = self._version(*match.groups())
        if self._run_id not in ("", record.run_id) or self._model_id not in ("", record.logged_model):
            raise InvalidParameter(
                f"Invalid model version source: {shown(self._source)}. The run_id and model_id request parameters must "
                "match the referenced model version."
            )
        return Origin(record.location, record.run_id, copied_from=record)

    def _version(self, name: str, number: str | None, alias: str | None) -> ModelVersionRecord:
        if number is None or number.lower() == NEWEST:
            return version_by_alias(self._tx, self._actor, name, alias or NEWEST)
        return readable_version(self._tx, self._actor, name, check_version(number))

    def _of_logged_model(self, model_id: str) -> Origin:
        if self._model_id not in ("", model_id):
            raise self._of_another("model_id")
        model = self._logged_model(model_id)
        return self._in_model(model.artifact_uri, model)

    def _of_run(self) -> Origin:
        match = _RUN.fullmatch(self._source)
        if match is None or self._model_id:
            raise self._of_another("model_id" if self._model_id else "run_id")
        run, path = self._run(match[1]), (match[2] or "").strip("/")
        if run is None or self._run_id not in ("", run.uuid):
            raise self._of_another("run_id")
        location = _join(run.artifact_uri, path)
        name, _, below = path.partition("/")
        # Clients of MLflow 3 name a run's logged models as if they lay in its folder.
        if name and self._is_empty(location) and (model := self._model_of(run, name)):
            return Origin(_join(model.artifact_uri, below), run.uuid, run, model)
        return Origin(location, run.uuid, run)

    def _of_proxy_path(self, path: str) -> Origin:
        """In our own storage lies what the client names; if it names nothing, the path shows what it is."""
        origin = self._as_named()
        root = paths.split_root(path)[0]
        if not paths.is_snapshot(path):
            origin = self._around(origin, path, root.split("/")[:-1])
        if not file_access.may(self._tx, self._actor, Permission.READ, root):
            raise self._of_another("run_id")
        return origin

    def _around(self, origin: Origin, path: str, folder: list[str]) -> Origin:
        if origin.logged_model is not None:
            if not _is_below(path, origin.logged_model.artifact_uri):
                raise self._of_another("model_id")
            return origin
        if origin.run is not None and _is_below(path, origin.run.artifact_uri):
            return origin
        model = self._find_logged_model(paths.logged_model_id(folder) or "")
        if model is not None and self._run_id in ("", model.source_run):
            return self._in_model(self._source, model)
        if self._run_id:
            raise self._of_another("run_id")
        run = self._run(paths.run_id(folder) or "")
        return Origin(self._source, run.uuid if run else "", run)

    def _check_local(self, origin: Origin) -> None:
        """A path on the server's disk, or on one shared with it, is taken only within what the client names."""
        folder = local_path(self._source).resolve()
        local = [local_path(uri).resolve() for uri in _places(origin) if scheme_of(uri) in ("", "file")]
        if not any(folder.is_relative_to(owner) for owner in local):
            raise InvalidParameter(
                f"Invalid model version source: {shown(self._source)}. To use a local path as a model version source, "
                "the run_id request parameter has to be specified and the local path has to be contained within the "
                "artifact directory of the run specified by the run_id."
            )

    def _as_named(self) -> Origin:
        """The source as it is, of the run or the logged model that the client names."""
        if self._model_id:
            return self._in_model(self._source, self._logged_model(self._model_id))
        return Origin(self._source, self._run_id, self._run(self._run_id))

    def _in_model(self, location: str, model: LoggedModelRecord) -> Origin:
        """A version of a logged model is of the model's run, if the client doesn't name another."""
        run_id = self._run_id or model.source_run or ""
        return Origin(location, run_id, self._run(run_id), model)

    def _run(self, run_id: str) -> RunRecord | None:
        run = runs.find(self._tx, run_id) if run_id else None
        return run if run and access.may_read(self._actor, experiment=run.experiment) else None

    def _logged_model(self, model_id: str) -> LoggedModelRecord:
        if model := self._find_logged_model(model_id):
            return model
        raise NotFound(f"Logged model with ID '{model_id}' not found.")

    def _find_logged_model(self, model_id: str) -> LoggedModelRecord | None:
        model = logged_models.find(self._tx, model_id) if model_id else None
        if model is None or model.lifecycle != LifecycleStage.ACTIVE:
            return None
        return model if access.may_read(self._actor, experiment=model.experiment) else None

    def _is_empty(self, location: str) -> bool:
        """Whether our storage has no files there."""
        path = paths.proxy_path(location)
        return path is not None and not manifests.is_directory(self._tx, *paths.split_root(path))

    def _model_of(self, run: RunRecord, name: str) -> LoggedModelRecord | None:
        return logged_models.find_of_run(self._tx, run.experiment, run.uuid, name)

    def _of_another(self, parameter: str) -> InvalidParameter:
        return InvalidParameter(
            f"Invalid model version source: {shown(self._source)}. The {parameter} request parameter must identify the "
            "resource that contains the source."
        )


def _check_no_way_up(source: str) -> None:
    try:
        urlsplit(source)
    except ValueError as error:
        raise InvalidParameter(f"Invalid model version source: {shown(source)}: {error}.") from None
    for _ in range(_DECODINGS):
        if ".." in re.split(r"[/\\]", source) or "\x00" in source:
            raise InvalidParameter(
                f"Invalid model version source: {shown(source)}. An absolute path must be provided, without '..'."
            )
        source = unquote(source)


def _places(origin: Origin) -> list[str]:
    """Where the files of the run and of the logged model lie that were named."""
    return [each.artifact_uri for each in (origin.run, origin.logged_model) if each is not None]


def _lies_in(uri: str, place: str) -> bool:
    return f"{uri.rstrip('/')}/".startswith(f"{place.rstrip('/')}/")


def _is_below(path: str, artifact_uri: str) -> bool:
    root = paths.proxy_path(artifact_uri)
    return root is not None and (path == root or path.startswith(f"{root}/"))


def _join(uri: str, path: str) -> str:
    return f"{uri.rstrip('/')}/{path}" if path else uri
