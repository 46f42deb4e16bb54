"""Models of the active run: logged with all that it takes to load them again, registered, and loaded."""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trackback.client.api import Client
from trackback.client.cache import sha256_of
from trackback.client.places import kept_path
from trackback.entities import LoggedModel, LoggedModelStatus, ModelOutput, ModelVersion
from trackback.errors import AlreadyExists, TrackbackError, Unavailable, UnknownEndpoint, UntrustedModel
from trackback.limits import check_logged_model_name
from trackback.tracking.fluent import run_for, session
from trackback.tracking.reading import client
from trackback.tracking.run import ActiveRun

if TYPE_CHECKING:
    from trackback.flavors import MLmodel, ModelSignature, Trust

DEFAULT_NAME = "model"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelInfo:
    """A model that was logged. ``model_uri`` is what loads it.

    model_id: that of the logged model; None where it is a folder of the run's artifacts: on servers that know no logged
        models, and where it was logged without a server.
    registered_model_version: its number, if it was registered.
    """

    model_uri: str
    artifact_path: str
    run_id: str
    mlmodel: "MLmodel"
    model_id: str | None = None
    registered_model_version: int | None = None

    @property
    def signature(self) -> "ModelSignature | None":
        from trackback.flavors import ModelSignature  # noqa: PLC0415 - only who has models needs it

        return ModelSignature.from_text(self.mlmodel.signature) if self.mlmodel.signature else None


def log_model(
    model: Any,
    name: str | None = None,
    *,
    artifact_path: str | None = None,
    flavor: str | None = None,
    registered_model_name: str | None = None,
    signature: "ModelSignature | Literal[False] | None" = None,
    input_example: Any = None,
    pip_requirements: Sequence[str] | None = None,
    metadata: dict[str, Any] | None = None,
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    model_type: str | None = None,
    step: int = 0,
    **options: Any,
) -> ModelInfo:
    """Log a model of any library that ``trackback.flavors`` knows as an output of the active run.

    name: of the logged model, ``model`` by default; ``artifact_path`` is MLflow's older word for it.
    params: of the logged model; those that its library knows of it, if None.
    registered_model_name: register it, too, as a new version of this model.
    pip_requirements, and those that are not named here: see ``save_model``.

    If the server is away, the model is kept with the run's spool, and sent as a folder of the run's artifacts.

    Errors: those of ``save_model``, and the server's refusals.
    """
    from trackback.flavors import own_params, save_model  # noqa: PLC0415
    from trackback.tracking.trusted import remember  # noqa: PLC0415

    called = check_logged_model_name(name or artifact_path or DEFAULT_NAME)
    run = run_for(None)
    with tempfile.TemporaryDirectory(prefix="trackback-") as scratch:
        folder = Path(scratch) / "model"
        mlmodel = save_model(
            model,
            folder,
            flavor=flavor,
            signature=signature,
            input_example=input_example,
            requirements=pip_requirements,
            metadata=metadata,
            **options,
        )
        remember(map(sha256_of, _files(folder)))
        if params is None:
            params = own_params(model, flavor)
        try:
            info = _log_to_server(run, folder, mlmodel, called, params, tags, model_type, step)
        except (Unavailable, UnknownEndpoint) as error:
            if isinstance(error, Unavailable):
                _log.warning("The model %s is kept here until the server takes it: %s", called, error.message)
            info = _log_to_run(run, folder, mlmodel, called)
            if registered_model_name and isinstance(error, Unavailable):
                _log.error(
                    "It is not registered as %s. When it has been sent: register_model(%r, %r)",
                    registered_model_name,
                    info.model_uri,
                    registered_model_name,
                )
                return info
    if registered_model_name:
        version = register_model(info.model_uri, registered_model_name)
        return ModelInfo(info.model_uri, called, run.run_id, mlmodel, info.model_id, int(version.version))
    return info


def register_model(
    model_uri: str,
    name: str,
    await_registration_for: int | None = None,
    *,
    tags: Mapping[str, object] | None = None,
    description: str | None = None,
) -> ModelVersion:
    """Make a model a new version of the registered model ``name``, which is made if it is not there.

    model_uri: ``models:/<id of a logged model>``, ``runs:/<run id>/<folder>``, a version's, or an artifact URI.

    NotFound: there is no such model. InvalidParameter: the URI is none. ``await_registration_for`` is not needed: a
    version is ready when this returns.
    """
    server = client()
    with suppress(AlreadyExists):
        server.create_registered_model(name)
    source, run_id, model_id = _source_of(server, model_uri)
    return server.create_model_version(
        name, source, run_id=run_id, tags=tags, description=description, model_id=model_id
    )


def _log_to_server(
    run: ActiveRun,
    folder: Path,
    mlmodel: "MLmodel",
    name: str,
    params: Mapping[str, object] | None,
    tags: Mapping[str, object] | None,
    model_type: str | None,
    step: int,
) -> ModelInfo:
    """As a logged model, which the run has as an output. UnknownEndpoint: the server knows none."""
    server = client()
    logged = server.create_logged_model(
        run.experiment_id, name=name, source_run_id=run.server_run_id, tags=tags, params=params, model_type=model_type
    )
    model_id = logged.info.model_id
    try:
        _describe(mlmodel, folder, run_id=run.server_run_id, model_id=model_id, artifact_path=logged.info.artifact_uri)
        root = kept_path(logged.info.artifact_uri)
        for file in _files(folder):
            server.transport.upload(f"{root}/{file.relative_to(folder).as_posix()}", file)
    except BaseException:
        with suppress(TrackbackError):  # what is wrong was raised already
            server.finalize_logged_model(model_id, LoggedModelStatus.FAILED)
        raise
    server.finalize_logged_model(model_id, LoggedModelStatus.READY)
    run.log_outputs([ModelOutput(model_id, step)])
    return ModelInfo(f"models:/{model_id}", name, run.run_id, mlmodel, model_id)


def _log_to_run(run: ActiveRun, folder: Path, mlmodel: "MLmodel", name: str) -> ModelInfo:
    """As a folder of the run's artifacts, in its turn."""
    _describe(mlmodel, folder, run_id=run.run_id, model_id=None, artifact_path=name)
    for file in _files(folder):
        run.upload(f"{name}/{file.relative_to(folder).as_posix()}", file)
    return ModelInfo(f"runs:/{run.run_id}/{name}", name, run.run_id, mlmodel)


def _describe(mlmodel: "MLmodel", folder: Path, *, run_id: str, model_id: str | None, artifact_path: str) -> None:
    """Have the model's own file say where it comes from."""
    from trackback.flavors import write_mlmodel  # noqa: PLC0415

    mlmodel.run_id, mlmodel.model_id, mlmodel.artifact_path = run_id, model_id, artifact_path
    write_mlmodel(mlmodel, folder)


def _files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file())


def _source_of(server: Client, uri: str) -> tuple[str, str | None, str | None]:
    """Where a model's files are, the run that it came from, and its id as a logged model, as far as the URI says."""
    scheme, _, rest = uri.partition(":/")
    if scheme == "runs":
        run_id, _, path = rest.strip("/").partition("/")
        run = server.get_run(run_id)
        if found := _output_named(server, run_id, path):
            return found.info.artifact_uri, run_id, found.info.model_id
        return f"{run.info.artifact_uri}/{path}", run_id, None
    if scheme == "models" and rest.startswith("m-"):
        logged = server.get_logged_model(rest)
        return logged.info.artifact_uri, logged.info.source_run_id, logged.info.model_id
    return uri, None, None


def _output_named(server: Client, run_id: str, name: str) -> LoggedModel | None:
    """The run's logged model of that name, which the older form of URI means as well."""
    outputs = server.get_run(run_id).outputs
    for output in reversed(outputs.model_outputs if outputs else ()):
        logged = server.get_logged_model(output.model_id)
        if logged.info.name == name:
            return logged
    return None


def load_model(
    model_uri: str, *, dst_path: str | Path | None = None, trust: "Trust | None" = None, native: bool = True
) -> Any:
    """Load a model: ``models:/churn/7``, ``models:/churn@production``, ``runs:/<run id>/model``, a folder.

    Its files are fetched into the cache, or into ``dst_path``, and have the digests that they should.

    trust: which files that can run code may be loaded, such as pickles; by default those that were logged here by the
        same user, and those that were promoted on a server with accounts. ``Trust.of([digest])`` is another file,
        ``Trust(everything=True)`` any.
    native: the library's own model; else one whose ``predict`` takes what the signature says, and checks it.

    NotFound: there is none. DataLoss: a file is not what it should be. UntrustedModel, MissingLibrary, InvalidModel: it
    can't be loaded; the message says what to do.
    """
    from trackback.client.models import fetch_model  # noqa: PLC0415 - only who loads models needs these
    from trackback.flavors import Trust, load_predictor  # noqa: PLC0415
    from trackback.tracking.trusted import promoted, trusted  # noqa: PLC0415

    server = _asked(model_uri)
    fetched = fetch_model(server, model_uri, Path(dst_path) if dst_path else None)
    try:
        predictor = load_predictor(fetched.path, trust=trusted() if trust is None else trust)
    except UntrustedModel:
        vouched = promoted(server, fetched) if trust is None and not Path(model_uri).is_dir() else None
        if not vouched or not vouched.digests:
            raise
        predictor = load_predictor(fetched.path, trust=Trust.of(trusted().digests | vouched.digests))
    return predictor.model if native else predictor


def _asked(model_uri: str) -> Client:
    """The server; of what lies here it is not asked."""
    return Client(session.uri) if Path(model_uri).is_dir() else client()
