"""OCI image layouts: folders of images that any tool for containers reads."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackback.client.file_locks import hold
from trackback.delivery.images.blobs import Blobs
from trackback.delivery.written import unwritable, write_whole
from trackback.errors import DataLoss, InvalidParameter, NotFound

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
DOCKER_MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES = (INDEX_TYPE, DOCKER_INDEX_TYPE)
MANIFESTS = (MANIFEST_TYPE, DOCKER_MANIFEST_TYPE)

_REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Descriptor:
    """What a manifest calls a blob by."""

    media_type: str
    digest: str
    size: int

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Descriptor":
        """DataLoss: it is none."""
        try:
            return cls(str(said["mediaType"]), str(said["digest"]), int(said["size"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataLoss(f"An image's manifest has no proper descriptor where {said!r} is.") from error

    @property
    def document(self) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


def encode(document: Mapping[str, Any]) -> bytes:
    """JSON that follows from its content: sorted, without spaces."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Layout:
    """A folder with an OCI image layout, or that becomes one. ``blobs`` are its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs = Blobs(folder)

    @property
    def is_there(self) -> bool:
        return (self.folder / "oci-layout").is_file() and (self.folder / "index.json").is_file()

    def prepare(self) -> None:
        """Make the folder. InvalidParameter: there is something else in it. StorageFull: there is no room."""
        if self.is_there:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            strange = [each.name for each in self.folder.iterdir() if each.name not in ("oci-layout", "blobs", ".lock")]
        except OSError as error:
            raise unwritable(self.folder, error) from error
        if strange:
            raise InvalidParameter(
                f"{self.folder} can't become an OCI layout: there is {strange[0]} in it. Name an empty folder, or a "
                "new one, as --output."
            )
        write_whole(self.folder / "oci-layout", encode({"imageLayoutVersion": "1.0.0"}))

    def add(self, manifest: Descriptor, tag: str) -> None:
        """Have an image whose blobs are here known by a tag, instead of the one that had it."""
        with (self.folder / ".lock").open("wb") as lock:
            hold(lock)
            others = [each for each in self._index() if each.get("annotations", {}).get(_REF_NAME) != tag]
            entries = [*others, {**manifest.document, "annotations": {_REF_NAME: tag}}]
            entries.sort(key=lambda each: (each["digest"], str(each.get("annotations"))))
            index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
            write_whole(self.folder / "index.json", encode(index))

    def find(self, tag: str | None = None) -> Descriptor:
        """The image of this tag; without one, the only image there is. NotFound: it does not say which."""
        entries = self._index()
        names = [str(each.get("annotations", {}).get(_REF_NAME, "")) for each in entries]
        found = [each for each, name in zip(entries, names, strict=True) if tag in (None, name)]
        if len({each["digest"] for each in found}) == 1:
            return Descriptor.of(found[0])
        there = ", ".join(sorted(filter(None, names))) or "none with a tag"
        raise NotFound(
            f"{self.folder} has {len(found)} images{f' with the tag {tag}' if tag else ''}; its tags are: {there}. "
            f"Name one, as oci:{self.folder}:TAG."
        )

    def _index(self) -> list[dict[str, Any]]:
        path = self.folder / "index.json"
        if not path.exists():
            return []
        try:
            return list(json.loads(path.read_bytes())["manifests"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidParameter(f"{path} is not that of an OCI layout: {error}.") from error


def read_json(blobs: Blobs, digest: str) -> dict[str, Any]:
    """A manifest or a config. DataLoss: it is not there, or no JSON object."""
    try:
        document = json.loads(blobs.read(digest))
    except ValueError as error:
        raise DataLoss(f"{digest} is to be JSON, and is not: {error}.") from error
    if not isinstance(document, dict):
        raise DataLoss(f"{digest} is to be a JSON object, and is not.")
    return document
