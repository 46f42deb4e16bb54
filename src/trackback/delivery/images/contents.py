"""The layers that an image has of its own: packages, the scoring server, the model."""

import hashlib
import json
import tarfile
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

import trackback
from trackback import __version__
from trackback.delivery.images.bases import keep_layer, read_layer
from trackback.delivery.images.blobs import Blobs
from trackback.delivery.images.layers import Entry, Layer, files_below, write_layer
from trackback.delivery.images.packages import Package, Pip, compile_all, normalise, note_estimators, version_of
from trackback.delivery.written import unfinished

LIBRARIES = "/opt/trackback/lib"
SERVER = "/opt/trackback/server"
MODEL = "/opt/model"
LOCK = "/opt/trackback/requirements.txt"

_UNFINISHED = "trackback-image-"
_ABANDONED_S = 6 * 3600
_REVISION = 2
"""Of how layers are made: another one makes them anew, although all that goes into them is the same."""


class Contents:
    """Layers, and what is in them. ``blobs`` keeps those that were made before."""

    def __init__(self, blobs: Blobs, pip: Pip) -> None:
        self._blobs = blobs
        self._pip = pip

    def packages(self, packages: Sequence[Package]) -> Layer:
        """A layer with these installed and compiled: the one of before, where the same were."""
        lock = "".join(f"{each.requirement}\n" for each in packages)
        kept = self._kept("packages", lock)
        if (layer := read_layer(kept, self._blobs)) is not None:
            return layer
        with unfinished(self._scratch(), _UNFINISHED) as folder:
            self._pip.install(packages, folder)
            normalise(folder)
            compile_all(self._pip.interpreter, folder, LIBRARIES)
            if {"scikit-learn", "skops"} <= {canonicalize_name(each.name) for each in packages}:
                note_estimators(self._pip.interpreter, folder)
            entries = [*files_below(folder, LIBRARIES.strip("/")), Entry(LOCK.strip("/"), lock.encode())]
            layer = write_layer(self._blobs, entries)
        keep_layer(kept, layer)
        return layer

    def server(self) -> Layer:
        """A layer with trackback itself, as it runs here."""
        sources = dict(_own_files())
        kept = self._kept(
            "server", json.dumps({path: hashlib.sha256(body).hexdigest() for path, body in sources.items()})
        )
        if (layer := read_layer(kept, self._blobs)) is not None:
            return layer
        with unfinished(self._scratch(), _UNFINISHED) as folder:
            for path, body in sources.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(body)
            compile_all(self._pip.interpreter, folder, SERVER)
            layer = write_layer(self._blobs, files_below(folder, SERVER.strip("/")))
        keep_layer(kept, layer)
        return layer

    def model(self, model: Path) -> Layer:
        """A layer with the files of a model."""
        return write_layer(self._blobs, files_below(model, MODEL.strip("/")))

    @contextmanager
    def unpacked(self, layers: Sequence[Layer]) -> Iterator[Path]:
        """The files of some layers in a folder, for as long as the ``with`` lasts."""
        with unfinished(self._scratch(), _UNFINISHED) as folder:
            for layer in layers:
                with tarfile.open(self._blobs.path(layer.digest), mode="r:gz") as tar:
                    tar.extractall(folder, filter="data")
            yield folder

    def _kept(self, kind: str, inputs: str) -> Path:
        said = [_REVISION, kind, inputs, version_of(self._pip.interpreter), zlib.ZLIB_RUNTIME_VERSION]
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
        return self._blobs.folder / "packed" / f"{kind}-{digest[:32]}.json"

    def _scratch(self) -> Path:
        """Where the layers are: what has room for a packed layer mostly has it for the files, and /tmp may not."""
        folder = self._blobs.folder
        for left in folder.glob("blobs/sha256/.new-*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > _ABANDONED_S:  # by a stage that was killed
                    left.unlink()
        return folder


def _own_files() -> Iterator[tuple[str, bytes]]:
    """trackback's own files, and as much of its metadata as says what it is."""
    package = Path(trackback.__file__).parent
    for file in sorted(package.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield f"trackback/{file.relative_to(package).as_posix()}", file.read_bytes()
    distribution = metadata.distribution("trackback")
    for name in ("METADATA", "entry_points.txt"):
        if (text := distribution.read_text(name)) is not None:
            yield f"trackback-{__version__}.dist-info/{name}", text.encode()
