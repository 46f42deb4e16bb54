"""What a request or a command is about, from the text that names it.

A *subject* is what can be promoted: a version, ``models:/churn/7`` or ``models:/churn@champion``, or a run,
``runs:/<run id>``. A *stream* is whose promotions they are: ``models:/churn`` or ``experiments:/12`` in requests,
``models/3`` and ``experiments/12`` wherever a renamed model must stay the same.
"""

from typing import NamedTuple

from trackback import limits
from trackback.entities import Actor
from trackback.entities.streams import StreamKind, experiment_stream, model_stream, parse_stream
from trackback.errors import InvalidParameter, NotFound
from trackback.limits import INT64_MAX, shown
from trackback.services import access
from trackback.storage import Transaction, experiments, runs, subjects
from trackback.storage.runs import RunRecord
from trackback.storage.subjects import ModelRecord, VersionRecord

_NOTE = "mlflow.note.content"  # where MLflow's UI keeps what people write about a run
_DIGITS = 20  # more than any id has
_FORMS = "Name a version, as models:/churn/7 or models:/churn@champion, or a run, as runs:/<run id>."
_STREAM_FORMS = "Name a registered model, as models:/churn, or an experiment, as experiments:/12."


class Subject(NamedTuple):
    """A version (``model_version`` and ``model`` are its row's and its model's id) or a run.

    ``digest`` is that of the version, None of an unverified one; of a run, that under which it was last promoted.
    ``author`` is who registered the version, or whose run it is, as far as is known. ``run_id`` is that of the run
    that the version came from, which need not be here, or of the run itself.
    """

    stream: str
    digest: str | None
    author: str
    run_id: str | None
    description: str | None = None
    model_version: int | None = None
    model: int | None = None
    name: str | None = None
    version: int | None = None
    run: RunRecord | None = None

    @property
    def text(self) -> str:
        """How people name it."""
        return f"runs:/{self.run_id}" if self.run else f"models:/{self.name}/{self.version}"


def resolve(tx: Transaction, text: str, actor: Actor) -> Subject:
    """What ``text`` names. What the actor may not read is as if it were not there.

    Raises InvalidParameter if it names nothing that can be promoted, NotFound if there is no such thing.
    """
    limits.check_text(text, "subject")
    scheme, _, rest = text.partition(":/")
    if scheme == "runs":
        return of_run(tx, _run(tx, rest, actor))
    if scheme != "models":
        raise InvalidParameter(f"Invalid subject {shown(text)}. {_FORMS}")
    name, _, alias = rest.rpartition("@")
    if name and "/" not in alias:
        return of_version(_version_by_alias(tx, _model(tx, name, actor), alias))
    name, _, number = rest.rpartition("/")
    if not (name and number.isascii() and number.isdigit()):
        raise InvalidParameter(f"Invalid subject {shown(text)}: it names no version. {_FORMS}")
    return of_version(_version(tx, _model(tx, name, actor), number))


def of_version(record: VersionRecord) -> Subject:
    return Subject(
        stream=model_stream(record.model),
        digest=record.digest,
        author=record.user_id,
        run_id=record.run_id or None,
        description=record.description or None,
        model_version=record.id,
        model=record.model,
        name=record.name,
        version=record.version,
    )


def of_run(tx: Transaction, record: RunRecord) -> Subject:
    return Subject(
        stream=experiment_stream(record.experiment),
        digest=subjects.promoted_digest(tx, record.id),
        author=record.user_id,
        run_id=record.uuid,
        description=runs.find_tag(tx, record.id, _NOTE) or None,
        run=record,
    )


def resolve_stream(tx: Transaction, text: str, actor: Actor) -> str:
    """The stream that ``text`` names, as ``models:/churn``, ``experiments:/12``, ``models/3`` or ``experiments/12``.

    What the actor may not read is as if it were not there. Raises InvalidParameter or NotFound.
    """
    limits.check_text(text, "stream")
    kind, by_name, rest = text.partition(":/")
    if not by_name:
        kind, _, rest = text.partition("/")
    if kind == StreamKind.EXPERIMENT and rest:
        experiment = experiments.find(tx, limits.check_experiment_id(rest, "stream"))
        if experiment is None or _is_hidden(actor, experiment=experiment.id):
            raise NotFound(f"There is no experiment {shown(rest)}. {_STREAM_FORMS}")
        return experiment_stream(experiment.id)
    if kind == StreamKind.MODEL and by_name and rest:
        return model_stream(_model(tx, rest, actor).id)
    if kind == StreamKind.MODEL and rest.isascii() and rest.isdigit():
        model = subjects.find_model_by_id(tx, min(int(rest[:_DIGITS]), INT64_MAX))
        if model is None or _is_hidden(actor, model=model.id):
            raise NotFound(f"There is no registered model with the id {shown(rest)}. {_STREAM_FORMS}")
        return model_stream(model.id)
    raise InvalidParameter(f"Invalid stream {shown(text)}. {_STREAM_FORMS}")


def shown_stream(tx: Transaction, stream: str) -> str:
    """How people name a stream: by what its model is called now."""
    found = parse_stream(stream)
    if found.kind is StreamKind.MODEL and (model := subjects.find_model_by_id(tx, found.number)):
        return f"models:/{model.name}"
    return found.uri


def _is_hidden(actor: Actor, *, experiment: int | None = None, model: int | None = None) -> bool:
    return not access.may_read(actor, experiment=experiment, model=model)


def _run(tx: Transaction, run_id: str, actor: Actor) -> RunRecord:
    record = runs.find(tx, limits.check_run_id(run_id, "subject"))
    if record is None or _is_hidden(actor, experiment=record.experiment):
        raise NotFound(f"There is no run {shown(run_id)}.")
    return record


def _model(tx: Transaction, name: str, actor: Actor) -> ModelRecord:
    model = subjects.find_model(tx, name)
    if model is None or _is_hidden(actor, model=model.id):
        raise NotFound(f"There is no registered model {shown(name)}. Names are taken as they are, case and all.")
    return model


def _version(tx: Transaction, model: ModelRecord, digits: str) -> VersionRecord:
    number = min(int(digits[:_DIGITS]), INT64_MAX)
    if found := subjects.find_version(tx, model.name, number):
        return found
    last = model.last_version
    why = "It was deleted." if 1 <= number <= last else f"Its last is {last}." if last else "It has none yet."
    raise NotFound(f"There is no version {number} of the registered model {shown(model.name)}. {why}")


def _version_by_alias(tx: Transaction, model: ModelRecord, alias: str) -> VersionRecord:
    if found := subjects.find_version_by_alias(tx, model.name, alias):
        return found
    aliases = subjects.aliases_of(tx, model.id)
    has = f"Its aliases are {', '.join(aliases)}." if aliases else "It has no aliases."
    raise NotFound(f"The registered model {shown(model.name)} has no alias {shown(alias)}. {has}")
