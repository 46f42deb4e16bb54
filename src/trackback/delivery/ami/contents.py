"""The container of a model that goes onto a disk: its layers, and how it is to be run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trackback.client.api import Client, walk
from trackback.client.cache import default_folder
from trackback.delivery.images.bases import Base, open_base
from trackback.delivery.images.blobs import Blobs
from trackback.delivery.subject import Subject
from trackback.entities import DeploymentKind
from trackback.errors import InvalidParameter, NotFound


@dataclass(frozen=True)
class Container:
    """An image of a model. ``layers`` are tars, the lowest first. ``command``: what it runs, up to its module."""

    name: str
    digest: str
    architecture: str
    layers: tuple[Path, ...]
    environment: Mapping[str, str]
    command: tuple[str, ...]
    user: str


def find_container(client: Client, subject: Subject, text: str | None) -> Container:
    """The image of a subject.

    text: as ``open_base`` takes it; None for the one that ``trackback deliver image`` made last, by the ledger.

    NotFound: there is none. InvalidParameter: it is no image of this model, or of none. Errors else: of ``open_base``.
    """
    named = text or _made_last(client, subject)
    blobs = Blobs(default_folder() / "images")
    base = open_base(named, blobs)
    labels: Mapping[str, str] = base.settings.get("Labels") or {}
    found = labels.get("trackback.digest", "").removeprefix("sha256:")
    if found != subject.digest:
        said = f"an image of {labels.get('trackback.model')}, by the digest {found}" if found else "no image of a model"
        raise InvalidParameter(
            f"{named} is {said}, and the disk is to be of {subject.label}, by the digest {subject.digest}. Make one "
            "with `trackback deliver image`."
        )
    return _container(base, blobs, named)


def _container(base: Base, blobs: Blobs, name: str) -> Container:
    variables = dict(each.partition("=")[::2] for each in base.settings.get("Env") or ())
    command = tuple(base.settings.get("Entrypoint") or ())
    return Container(
        name,
        base.digest,
        base.architecture,
        tuple(blobs.path(layer.digest) for layer in base.layers),
        variables,
        command,
        str(base.settings.get("User") or "65532:65532"),
    )


def _made_last(client: Client, subject: Subject) -> str:
    for each in walk(client.list_deployments, digest=subject.digest):
        if each.kind is DeploymentKind.IMAGE:
            digest = each.locator.rpartition("@sha256:")[2]
            layout = default_folder() / "images" / "layouts" / digest
            return str(layout) if layout.is_dir() else each.locator
    raise NotFound(
        f"The server knows no image of {subject.label}. Make one with `trackback deliver image`, or name it: --image."
    )
