"""What is delivered: a version, or what was promoted of a run, by the digest of its files."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from trackback.client.api import Client, walk
from trackback.client.models import LocalModel, fetch_model
from trackback.client.places import Place, locate
from trackback.client.progress import Progress
from trackback.client.trees import tree_at
from trackback.delivery import ci
from trackback.entities import ModelVersion, Promotion, PromotionKind
from trackback.errors import DataLoss, InvalidParameter, InvalidState, NotFound, UnknownEndpoint
from trackback.limits import shown

_PROMOTION = re.compile(r"(?:promotions/)?([0-9]{1,18})")
_WORD = re.compile(r"models:/[^/@]+[@/](.+)")
_WAYS = (
    "Name a version, as models:/churn/7 or models:/churn@staging, or a promotion by its number, or set "
    f"{ci.PROMOTION} to that number"
)


@dataclass(frozen=True)
class Subject:
    """What a stage works on, found out once: files by their digest, whatever an alias comes to mean meanwhile.

    uri: what loads it: ``models:/churn/7``, ``models:/m-…``, ``runs:/<id>/model``; or, of a promoted run,
        ``mlflow-artifacts:/versions/<digest>``: its files as they were promoted.
    digest: of its files, as versions have it: 64 hex digits.
    name, version: of a version; None of anything else.
    run_id: the run that it is, or came from, where that is known.
    promotion, environment: the promotion's number, and where it leads, if it is delivered because of one.
    """

    uri: str
    digest: str
    name: str | None = None
    version: str | None = None
    run_id: str | None = None
    promotion: int | None = None
    environment: str | None = None

    @property
    def label(self) -> str:
        """What people call it: ``models:/churn/7``, ``runs:/<id>``."""
        return self.uri if self.version or not self.run_id or self.uri.startswith("runs:") else f"runs:/{self.run_id}"

    @property
    def reported_as(self) -> str:
        """What the server is told by which files a verdict is on: the version, else the digest."""
        return self.uri if self.version else self.digest

    def fetch(self, client: Client, progress: Progress | None = None) -> LocalModel:
        """Its files on this machine, in the cache, not to be changed.

        DataLoss: they are not those with its digest. Errors else: those of ``fetch_model``.
        """
        local = fetch_model(client, self.uri, progress=progress)
        if local.digest != self.digest:
            raise DataLoss(
                f"The files of {self.label} have the digest {local.digest} now, and are to be delivered as "
                f"{self.digest}: they have been changed meanwhile. Resolve what is to be delivered again."
            )
        return local

    def document(self) -> dict[str, Any]:
        """JSON, for reports; what is not known is left out."""
        fields = {
            "model": self.label,
            "digest": self.digest,
            "name": self.name,
            "version": self.version,
            "run_id": self.run_id,
            "promotion": self.promotion,
            "environment": self.environment,
        }
        return {name: value for name, value in fields.items() if value is not None}


def resolve(client: Client, text: str | None = None, environ: Mapping[str, str] = os.environ) -> Subject:
    """Find out what is to be delivered.

    text: a model's URI, of the server's, or the number of a promotion, also as ``promotions/12``. None: what a pipeline
        was triggered by: ``TRACKBACK_PROMOTION``, else ``TRACKBACK_MODEL``, else what GoCD's plugin sets for the one
        package that is a material.

    A version that is named, and is what ``TRACKBACK_PROMOTION`` promotes, is delivered because of that promotion; one
    that is named by an environment's alias or stage, because of the promotion by which it is there.

    NotFound: there is no such model, version, alias or promotion. InvalidParameter: the text names nothing of these, or
    there is none and the environment says nothing, or several things. InvalidState: what it names has no digest, or the
    promotion takes something out.
    """
    asked = text or _from_environment(environ)
    if number := _PROMOTION.fullmatch(asked):
        return _promoted(client, client.get_promotion(int(number[1])))
    if not asked.startswith(("models:", "runs:", "mlflow-artifacts:")):
        raise InvalidParameter(f"{shown(asked)} can't be delivered: the server does not know it. {_WAYS}.")
    found = _located(client, asked)
    return found if found.promotion else _triggered(client, found, environ)


def triggered(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment says what is to be delivered."""
    return bool(ci.of_packages(environ)) or any(environ.get(name, "").strip() for name in (ci.PROMOTION, ci.MODEL))


def _from_environment(environ: Mapping[str, str]) -> str:
    if number := environ.get(ci.PROMOTION, "").strip():
        if not _PROMOTION.fullmatch(number):
            raise InvalidParameter(f"{ci.PROMOTION} is {shown(number)}, and no promotion's number.")
        return number
    if model := environ.get(ci.MODEL, "").strip():
        return model
    chosen = ci.of_packages(environ)
    if len(set(chosen.values())) > 1:
        raise InvalidParameter(
            f"The pipeline has several things to deliver: {', '.join(f'{k}={v}' for k, v in sorted(chosen.items()))}. "
            f"{_WAYS}, as a task's own shell can: {ci.PROMOTION}=${min(chosen)}."
        )
    if not chosen:
        raise InvalidParameter(f"Nothing says what is to be delivered. {_WAYS}.")
    return next(iter(chosen.values()))


def _promoted(client: Client, entry: Promotion) -> Subject:
    if entry.kind is PromotionKind.DEMOTED:
        raise InvalidState(
            f"Promotion {entry.seq} takes {_called(entry)} out of {entry.environment}: there is nothing to deliver. "
            "Name a promotion that lets something in."
        )
    if entry.digest is None:
        raise _without_digest(f"What promotion {entry.seq} promoted, {_called(entry)},")
    if entry.name is None or entry.version is None:
        uri = f"mlflow-artifacts:/versions/{entry.digest}"
        return Subject(uri, entry.digest, None, None, entry.run_id, entry.seq, entry.environment)
    try:
        run_id = entry.run_id or client.get_model_version(entry.name, entry.version).run_id
    except NotFound as error:
        raise NotFound(f"Promotion {entry.seq} promoted {_called(entry)}, which is gone: {error.message}") from None
    uri = f"models:/{entry.name}/{entry.version}"
    return Subject(uri, entry.digest, entry.name, entry.version, run_id or None, entry.seq, entry.environment)


def _called(entry: Promotion) -> str:
    return f"models:/{entry.name}/{entry.version}" if entry.version else f"runs:/{entry.run_id}"


def _located(client: Client, uri: str) -> Subject:
    place = _place(client, uri)
    if (version := place.version) is not None:
        if version.digest is None:
            raise _without_digest(place.uri)
        found = Subject(place.uri, version.digest, version.name, version.version, version.run_id or None)
        return _in_force(client, found, version, uri)
    digest = tree_at(client, place).digest
    if digest is None:
        raise _without_digest(place.uri)
    return Subject(place.uri, digest, run_id=place.run_id)


def _place(client: Client, uri: str) -> Place:
    """NotFound: there is no such alias, too, which is MLflow's invalid parameter."""
    try:
        return locate(client, uri)
    except InvalidParameter as error:
        model, _, alias = uri.partition("@")
        if not alias or "alias" not in error.message:
            raise
        raise NotFound(
            f"{shown(uri)} names no version: {model} has no alias {shown(alias)}. If it is an environment, "
            f"`trackback promote {model}/VERSION --to {alias}` puts a version there."
        ) from error


def _in_force(client: Client, found: Subject, version: ModelVersion, uri: str) -> Subject:
    """With the promotion by which it is in the environment that the URI's alias or stage names, if it is one's."""
    word = _WORD.fullmatch(uri)
    if word is None or word[1].isdecimal():
        return found
    try:
        for entry in walk(client.promotions_in_force, stream=f"models:/{version.name}"):
            if entry.environment == word[1].lower() and entry.digest == found.digest:
                return replace(found, promotion=entry.seq, environment=entry.environment)
    except UnknownEndpoint:  # MLflow's server
        pass
    return found


def _triggered(client: Client, found: Subject, environ: Mapping[str, str]) -> Subject:
    """With the promotion that the pipeline was triggered by, if that is what it promoted."""
    number = _PROMOTION.fullmatch(environ.get(ci.PROMOTION, "").strip())
    if number is None:
        return found
    try:
        entry = client.get_promotion(int(number[1]))
    except (NotFound, UnknownEndpoint):
        return found
    is_its = entry.digest == found.digest and entry.kind is not PromotionKind.DEMOTED
    return replace(found, promotion=entry.seq, environment=entry.environment) if is_its else found


def _without_digest(what: str) -> InvalidState:
    return InvalidState(
        f"{what} has no digest: the server does not have its files, so nothing says what would be delivered. "
        "Register it again from files that trackback's server can read."
    )
