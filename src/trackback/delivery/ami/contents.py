"""What of a container's image goes onto a disk: the file system that its layers make, and how it is to be run."""

import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trackback.client.api import Client, walk
from trackback.client.cache import default_folder
from trackback.delivery.images.bases import Base, open_base
from trackback.delivery.images.blobs import Blobs
from trackback.delivery.subject import Subject
from trackback.entities import DeploymentKind
from trackback.errors import InvalidParameter, NotFound

_OPAQUE = ".wh..wh..opq"
_WHITEOUT = ".wh."


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


def write_root(layers: Sequence[Path], target: Path) -> int:
    """A tar of the file system that layers make, each on top of those before; how many bytes its files have.

    InvalidParameter: a layer is no tar that can be read.
    """
    winners = _winners(layers)
    size = 0
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as root:
        for number, layer in enumerate(layers):
            with _open(layer) as tar:
                for member in tar:
                    path = _path(member)
                    if winners.get(path) != number or not path:
                        continue
                    winners[path] = -1  # once, though a layer may have it twice
                    member.name = path
                    root.addfile(member, tar.extractfile(member) if member.isreg() else None)
                    size += member.size if member.isreg() else 0
    return size


def _winners(layers: Sequence[Path]) -> dict[str, int]:
    """Which layer each path comes from."""
    winners: dict[str, int] = {}
    folders: set[str] = set()
    for number, layer in enumerate(layers):
        with _open(layer) as tar:
            for member in tar:
                path = _path(member)
                folder, _, name = path.rpartition("/")
                if name == _OPAQUE:
                    _drop(winners, folder, below_only=True, before=number)
                elif name.startswith(_WHITEOUT):
                    gone = name.removeprefix(_WHITEOUT)
                    _drop(winners, f"{folder}/{gone}" if folder else gone, below_only=False, before=number)
                else:
                    if member.isdir():
                        folders.add(path)
                    elif path in folders:
                        _drop(winners, path, below_only=True, before=number)
                    winners[path] = number
    return winners


def _drop(winners: dict[str, int], path: str, *, below_only: bool, before: int) -> None:
    below = f"{path}/" if path else ""
    for known in [each for each, number in winners.items() if number < before and each.startswith(below)]:
        del winners[known]
    if not below_only and winners.get(path, before) < before:
        del winners[path]


def _path(member: tarfile.TarInfo) -> str:
    path = member.name.removeprefix("./").strip("/")
    return "" if path == "." else path


def _open(layer: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(layer, "r:*")
    except tarfile.TarError as error:
        raise InvalidParameter(f"The layer {layer.name} of the image is no tar that can be read: {error}") from error
