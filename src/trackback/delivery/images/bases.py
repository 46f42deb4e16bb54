"""What an image stands on: an image of a registry, one in an OCI layout, or a file system in a folder or a tar."""

import json
import platform
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackback.client.cache import sha256_of
from trackback.delivery.images.blobs import Blobs
from trackback.delivery.images.layers import LAYER_TYPE, Layer, layer_of_root, layer_of_tar
from trackback.delivery.images.layouts import INDEXES, MANIFESTS, Descriptor, Layout, read_json
from trackback.delivery.images.references import Reference, parse_reference
from trackback.delivery.images.registries import Registry
from trackback.delivery.written import write_whole
from trackback.errors import InvalidParameter, NotFound

_LAYOUT = re.compile(r"(?:oci:)?(.*?)(?::([A-Za-z0-9_][A-Za-z0-9._-]*))?")
_LAYER_TYPES = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LAYER_TYPE,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
}
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Base:
    """``name`` is what it was asked for as, ``digest`` that of its manifest, or of the tar or the folder's layer.

    settings: of its config, what containers of it are started with.
    history: what its config says of how it was made; empty, if that does not fit its layers.
    """

    name: str
    digest: str
    architecture: str
    layers: tuple[Layer, ...]
    settings: dict[str, Any]
    history: tuple[dict[str, Any], ...] = ()


def machine_architecture() -> str:
    """OCI's word for this machine."""
    return _MACHINES.get(platform.machine(), platform.machine())


def open_base(text: str, blobs: Blobs, architecture: str | None = None) -> Base:
    """Have a base's layers among ``blobs``.

    text: ``registry.example/python:3.11``; ``oci:FOLDER`` or ``oci:FOLDER:TAG``; a folder with an OCI layout or a file
        system; a tar of a file system.
    architecture: the one to take of an image that is there for several; this machine's, if None.

    NotFound: there is no such image. InvalidParameter: it is no base. PermissionDenied, Unavailable: of the registry.
    """
    wanted = architecture or machine_architecture()
    path = Path(text)
    if text.startswith("oci:") or (path.is_dir() and Layout(path).is_there):
        match = _LAYOUT.fullmatch(text)
        assert match
        folder, tag = (text, None) if path.is_dir() else match.groups()
        return _of_layout(Layout(Path(folder)), tag, blobs, text, wanted)
    if path.is_dir():
        if not (path / "usr").is_dir():
            raise InvalidParameter(
                f"The folder {text} is no base: it has neither an OCI layout nor a file system in it."
            )
        return _of_root(path, blobs, text, wanted)
    if path.is_file():
        return _of_tar(path, blobs, text, wanted)
    if text.startswith(("/", ".")):
        raise NotFound(f"There is no base at {text}.")
    return _of_registry(parse_reference(text), blobs, wanted)


def file_names(base: Base, blobs: Blobs) -> Iterator[str]:
    """The names of all files of all layers."""
    for layer in base.layers:
        try:
            with tarfile.open(blobs.path(layer.digest), mode="r:*") as tar:
                for member in tar:
                    yield member.name
        except tarfile.TarError as error:
            raise InvalidParameter(
                f"The base {base.name} has a layer of the type {layer.media_type}, which can't be read here: {error}."
            ) from error


def _of_registry(reference: Reference, blobs: Blobs, architecture: str) -> Base:
    with Registry(reference) as registry:
        descriptor, content = registry.pull_manifest(reference.asked_for)
        if descriptor.media_type in INDEXES:
            digest = _chosen(json.loads(content), str(reference), architecture)
            descriptor, content = registry.pull_manifest(digest)
        blobs.put(content)
        manifest = json.loads(content)
        for part in (manifest["config"], *manifest["layers"]):
            registry.pull_blob(Descriptor.of(part), blobs)
    return _of_manifest(descriptor, blobs, str(reference))


def _of_layout(layout: Layout, tag: str | None, blobs: Blobs, name: str, architecture: str) -> Base:
    if not layout.is_there:
        raise NotFound(f"There is no OCI layout in {layout.folder}.")
    descriptor = layout.find(tag)
    if descriptor.media_type in INDEXES:
        digest = _chosen(read_json(layout.blobs, descriptor.digest), name, architecture)
        descriptor = Descriptor(MANIFESTS[0], digest, layout.blobs.path(digest).stat().st_size)
    manifest = read_json(layout.blobs, descriptor.digest)
    for part in (descriptor, *map(Descriptor.of, (manifest["config"], *manifest["layers"]))):
        if not layout.blobs.has(part.digest, part.size):
            raise NotFound(f"The layout {name} lacks the blob {part.digest} of its image. Make it anew.")
        blobs.take(layout.blobs, part.digest, part.size)
    return _of_manifest(descriptor, blobs, name)


def _chosen(index: dict[str, Any], name: str, architecture: str) -> str:
    """The digest of the image for Linux on a kind of machine."""
    there = []
    for each in index.get("manifests", ()):
        for_what = each.get("platform") or {}
        if for_what.get("os") == "linux":
            if for_what.get("architecture") == architecture:
                return str(each["digest"])
            there.append(str(for_what.get("architecture")))
    raise NotFound(f"The base {name} is not there for linux/{architecture}; it is for: {', '.join(there) or 'none'}.")


def _of_manifest(descriptor: Descriptor, blobs: Blobs, name: str) -> Base:
    manifest = read_json(blobs, descriptor.digest)
    config = read_json(blobs, str(manifest["config"]["digest"]))
    diff_ids = config.get("rootfs", {}).get("diff_ids", [])
    layers = [Descriptor.of(each) for each in manifest["layers"]]
    if len(diff_ids) != len(layers) or not config.get("architecture"):
        raise InvalidParameter(f"The base {name} is no image of a file system: its config does not tell its layers.")
    return Base(
        name,
        descriptor.digest,
        config["architecture"],
        tuple(
            Layer(each.digest, each.size, diff_id, each.size, _LAYER_TYPES.get(each.media_type, each.media_type))
            for each, diff_id in zip(layers, diff_ids, strict=True)
        ),
        config.get("config") or {},
        tuple(config.get("history") or ()),
    )


def _of_root(root: Path, blobs: Blobs, name: str, architecture: str) -> Base:
    try:
        layer = layer_of_root(blobs, root)
    except PermissionError as error:
        raise InvalidParameter(
            f"The base {name} can't be read: {error}. Pack it as root, or give it as a tar."
        ) from error
    return Base(name, layer.diff_id, architecture, (layer,), {})


def _of_tar(path: Path, blobs: Blobs, name: str, architecture: str) -> Base:
    """What a tar was packed to is kept, since to pack it takes longer than to see that it is the same."""
    digest = sha256_of(path)
    kept = blobs.folder / "packed" / f"{digest}-{zlib.ZLIB_RUNTIME_VERSION}.json"
    layer = read_layer(kept, blobs)
    if layer is None:
        try:
            with tarfile.open(path, mode="r:*") as tar:
                assert tar.fileobj is not None
                tar.fileobj.seek(0)
                layer = layer_of_tar(blobs, tar.fileobj)  # type: ignore[arg-type]
        except tarfile.TarError as error:
            raise InvalidParameter(f"The base {name} is no tar of a file system: {error}.") from error
        keep_layer(kept, layer)
    return Base(name, layer.diff_id, architecture, (layer,), {})


def read_layer(kept: Path, blobs: Blobs) -> Layer | None:
    """A layer that was made before, if it is still there."""
    try:
        layer = Layer(**json.loads(kept.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return layer if blobs.has(layer.digest, layer.size) else None


def keep_layer(kept: Path, layer: Layer) -> None:
    write_whole(kept, json.dumps(vars(layer)))
