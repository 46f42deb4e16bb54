"""Images to where they are used: a registry, or the storage of a tool for containers on this machine."""

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from trackback.delivery.images.build import Image
from trackback.delivery.images.layouts import Descriptor, read_json
from trackback.delivery.images.references import Reference
from trackback.delivery.images.registries import Registry
from trackback.errors import MissingTool, StorageFull, Unavailable

ENGINES = ("podman", "docker", "buildah")
_LINK = "trackback-layout"


def push_image(image: Image, to: Reference, say: Callable[[str], None] = lambda text: None) -> None:
    """Have a registry keep an image, as it is, by its tag. What it has already is not sent again.

    PermissionDenied: it refuses. Unavailable: it is away.
    """
    content = image.layout.blobs.read(image.digest)
    manifest = read_json(image.layout.blobs, image.digest)
    with Registry(to) as registry:
        for part in map(Descriptor.of, (*manifest["layers"], manifest["config"])):
            say(f"pushing {part.digest[:19]} ({part.size / 1e6:.1f} MB)")
            registry.push_blob(part, image.layout.blobs.path(part.digest))
        registry.push_manifest(image.manifest, content, to.tag or image.digest)


def find_engine(wanted: str | None = None) -> str:
    """The tool for containers that is here; docker, whose daemon may not run, only if it does or there is no other.

    MissingTool: there is none, or not the one that is wanted.
    """
    here = [engine for engine in ((wanted,) if wanted else ENGINES) if shutil.which(engine)]
    if here:
        return next((engine for engine in here if len(here) == 1 or engine != "docker" or _docker_runs()), here[0])
    if wanted:
        raise MissingTool(f"There is no {wanted} in PATH. Install it, or name another of {', '.join(ENGINES)}: --load.")
    raise MissingTool(
        f"None of {', '.join(ENGINES)} is in PATH, and one of them is needed to --load an image. Install one (on "
        "Debian: apt install buildah), or --push the image, or take the layout that --output names."
    )


def _docker_runs() -> bool:
    return subprocess.run(["docker", "version"], capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def load_image(image: Image, name: Reference, engine: str) -> str:
    """Have a tool know an image by its tag; the image's id there. Unavailable: the tool can't."""
    if engine == "docker":
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "image.tar")
            with tarfile.open(archive, "w") as tar:
                tar.add(image.layout.folder, ".")
            _run(engine, "load", "--input", str(archive))
        _run(engine, "tag", image.digest, str(name))
        return image.digest
    found = _pulled(engine, image.layout.folder, name.tag or "latest")
    _run(engine, "tag", found, str(name))
    return found


def _pulled(engine: str, layout: Path, tag: str) -> str:
    """The id of an image that a tool has taken from a layout. It calls it by the path that it is given, and most paths,
    as of one below ``.cache``, are no names: so it is given a plain one.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, _LINK).symlink_to(layout.absolute())
        return _run(engine, "pull", "--quiet", f"oci:{_LINK}:{tag}", folder=folder).split()[-1]


def _run(*command: str, folder: str | None = None) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if ran.returncode:
        told = ran.stderr.strip()[-1000:]
        if "no space left" in told.lower():
            raise StorageFull(f"{command[0]} found no room for the image: {told}. Make room, and run the stage again.")
        raise Unavailable(f"`{' '.join(command[:2])}` failed with {ran.returncode}: {told}")
    return ran.stdout
