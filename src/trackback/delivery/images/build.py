"""Builds an image: layers over a base, config, manifest, in an OCI layout."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from trackback.client.cache import default_folder
from trackback.client.models import LocalModel
from trackback.delivery.images.bases import Base, file_names, machine_architecture, open_base
from trackback.delivery.images.blobs import Blobs
from trackback.delivery.images.configs import labels, make_config
from trackback.delivery.images.contents import Contents
from trackback.delivery.images.layers import Layer
from trackback.delivery.images.layouts import CONFIG_TYPE, MANIFEST_TYPE, Descriptor, Layout, encode
from trackback.delivery.images.packages import Package, Pip, version_of
from trackback.delivery.images.pythons import Python, find_python
from trackback.delivery.images.references import Reference
from trackback.delivery.images.requirements import (
    FILE_NAME,
    named_in,
    python_of,
    server_constraints,
    server_requirements,
)
from trackback.delivery.images.trials import try_model
from trackback.delivery.subject import Subject
from trackback.errors import ConfigurationError, InvalidModel, InvalidParameter, Unavailable
from trackback.scoring.trial import Finding


@dataclass(frozen=True)
class Recipe:
    """How an image is to be made.

    tag: its name. base: as ``open_base`` takes it; the image of Python's own, if None. output: the folder that becomes
    an OCI layout; one in the cache, if None. interpreter: the Python here whose pip is used.
    constraints: files of them, as pip takes them. find_links: folders with wheels.
    """

    tag: Reference
    base: str | None
    output: Path | None
    interpreter: Path
    constraints: tuple[Path, ...] = ()
    find_links: tuple[Path, ...] = ()
    architecture: str | None = None


class Part(NamedTuple):
    """Bytes of a part of an image: packed, as they are pushed and pulled, and unpacked."""

    name: str
    packed: int
    unpacked: int


@dataclass(frozen=True)
class Image:
    """An image in an OCI layout. ``trial`` is None where it is for another kind of machine than this one."""

    manifest: Descriptor
    config: Descriptor
    layout: Layout
    parts: tuple[Part, ...]
    packages: tuple[Package, ...]
    base: Base
    python: Python
    labels: Mapping[str, str] = field(default_factory=dict)
    trial: Finding | None = None

    @property
    def digest(self) -> str:
        """``sha256:…``, of its manifest: what registries know it by."""
        return self.manifest.digest


def build_image(
    recipe: Recipe,
    subject: Subject,
    model: LocalModel,
    trusted: Sequence[str],
    created_ms: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Image:
    """Make an image of a model, whose digest follows from what goes into it.

    trusted: the digests of its files that may run code. created_ms: when the version was registered. say: is
    told what is being done.

    InvalidParameter, InvalidModel, NotFound: what it is to be made of is not as it should be. CheckFailed: the model
    does not load in it. UntrustedModel: it may not be loaded. Unavailable: a registry or the index of packages is away.
    MissingTool: there is no pip. StorageFull: there is no room; nothing half made is left.
    """
    wanted = python_of(model.path, _minor(version_of(recipe.interpreter)))
    _check_interpreter(recipe.interpreter, wanted)
    blobs = Blobs(default_folder() / "images")
    name = recipe.base or f"docker.io/library/python:{wanted}-slim"
    say(f"base {name}")
    base = _opened(name, blobs, recipe)
    python = find_python(file_names(base, blobs), base.architecture, wanted, name)
    pip = Pip(recipe.interpreter, python, recipe.find_links)
    packages = _resolve(pip, model.path, recipe.constraints, say)
    contents = Contents(blobs, pip)
    say(f"{len(packages)} packages")
    layers = [("packages", contents.packages(packages)), ("server", contents.server())]
    trial = None
    if base.architecture == machine_architecture():
        say("trying the model with just these")
        with contents.unpacked([layer for _, layer in layers]) as root:
            trial = try_model(recipe.interpreter, root, model.path, trusted)
    layers.append(("model", contents.model(model.path)))
    config = encode(make_config(base, python, subject, layers, trusted, created_ms))
    image = _written(recipe, base, [layer for _, layer in layers], config, labels(base, subject), blobs)
    parts = [Part("base", sum(each.size for each in base.layers), _unpacked(base, blobs))]
    parts += [Part(name, layer.size, layer.unpacked) for name, layer in layers]
    return Image(*image, tuple(parts), tuple(packages), base, python, labels(base, subject), trial)


def _opened(name: str, blobs: Blobs, recipe: Recipe) -> Base:
    try:
        return open_base(name, blobs, recipe.architecture)
    except Unavailable as error:
        raise Unavailable(
            f"{error.message} To do without it, name another base, as `trackback deliver base base.tar` makes one: "
            "--base base.tar."
        ) from error


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _check_interpreter(interpreter: Path, wanted: str) -> None:
    """pip takes the packages of the Python that it runs in, as far as they tell them by its version."""
    version = version_of(interpreter)
    if _minor(version) != wanted:
        raise ConfigurationError(
            f"The model was made with Python {wanted}, and {interpreter} is {version}: its packages can't be found out "
            f"with that. Name a Python {wanted} that has pip: --python /usr/bin/python{wanted}."
        )


def _resolve(pip: Pip, model: Path, files: Sequence[Path], say: Callable[[str], None]) -> list[Package]:
    try:
        lines = (model / FILE_NAME).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidModel(
            f"The model has no {FILE_NAME} that could be read, so nothing says what it needs: {error}. Log it again "
            "with requirements=[…]."
        ) from error
    try:
        given = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        raise InvalidParameter(f"--constraint {error.filename} can't be read: {error.strerror}.") from error
    bounds = [line.partition("--hash")[0] for line in given]
    say("finding out packages")
    constraints = [*server_constraints(named_in([*lines, *bounds])), *bounds]
    return pip.resolve([*lines, *server_requirements()], constraints, model)


def _written(
    recipe: Recipe, base: Base, own: Sequence[Layer], config: bytes, said: Mapping[str, str], blobs: Blobs
) -> tuple[Descriptor, Descriptor, Layout]:
    """The manifest and the config in a layout, which has all that they refer to before it names them."""
    described = Descriptor(CONFIG_TYPE, blobs.put(config), len(config))
    layers = [Descriptor(each.media_type, each.digest, each.size) for each in (*base.layers, *own)]
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": described.document,
        "layers": [each.document for each in layers],
        "annotations": dict(said),
    }
    content = encode(document)
    manifest = Descriptor(MANIFEST_TYPE, blobs.put(content), len(content))
    layout = Layout(recipe.output or default_folder() / "images" / "layouts" / manifest.digest.removeprefix("sha256:"))
    layout.prepare()
    for each in (described, *layers, manifest):
        layout.blobs.take(blobs, each.digest, each.size)
    layout.add(manifest, recipe.tag.tag or "latest")
    return manifest, described, layout


def _unpacked(base: Base, blobs: Blobs) -> int:
    return sum(
        layer.unpacked if layer.unpacked != layer.size else _gzip_size(blobs.path(layer.digest))
        for layer in base.layers
    )


def _gzip_size(path: Path) -> int:
    """What a file that was packed by gzip says that it was: right below 4 GiB, which layers mostly are."""
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return path.stat().st_size
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little")
