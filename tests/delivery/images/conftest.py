import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.registered import Ended, Registered
from tests.environments import ROOT
from tests.needs import need
from tests.servers import registry
from tests.servers.registry import ImageRegistry

BASE = ROOT / ".tools" / "base.tar"


class Images:
    """Makes images of a test's versions on a base of Debian; what is made of packages is shared by all tests."""

    def __init__(self, registered: Registered, cache: Path) -> None:
        self.registered = registered
        self.cache = cache

    def make(self, what: object, tag: str, *more: object, **env: str) -> Ended:
        env = {"TRACKBACK_CACHE_DIR": str(self.cache), **env}
        return self.registered.deliver("image", what, "--tag", tag, "--base", BASE, *more, env=env)


@pytest.fixture(scope="session")
def image_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """On disk: packages for one image are half a gigabyte. With KEPT_IMAGES=FOLDER it is that, and the next tests of
    whoever mends something do not wait for what was made there.
    """
    need(BASE.exists(), "no base of Debian: run `make .tools/base.tar`, which needs root and mmdebstrap")
    if kept := os.environ.get("KEPT_IMAGES"):
        yield Path(kept)
        return
    folder = ROOT / ".tools" / f"images-{os.getpid()}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def images(registered: Registered, image_cache: Path) -> Images:
    return Images(registered, image_cache)


@pytest.fixture
def image_registry(tmp_path: Path) -> Iterator[ImageRegistry]:
    reason = registry.missing()
    need(reason is None, str(reason))
    with ImageRegistry(tmp_path / "registry") as running:
        yield running


@pytest.fixture
def guarded_registry(tmp_path: Path) -> Iterator[ImageRegistry]:
    reason = registry.missing()
    need(reason is None, str(reason))
    with ImageRegistry(tmp_path / "guarded", guarded=True) as running:
        yield running


@pytest.fixture
def storage(image_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """buildah's, of a test's own: any user may have it, where no kernel would mount a thing."""
    need(shutil.which("buildah"), "no buildah: install it (on Debian: apt install buildah)")
    folder = image_cache / "storage"
    folder.mkdir(parents=True)
    conf = folder / "storage.conf"
    conf.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = {json.dumps(str(folder / "root"))}\n'
        f"runroot = {json.dumps(str(folder / 'run'))}\n"
    )
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(conf))
    monkeypatch.setenv("BUILDAH_ISOLATION", "chroot")
    yield folder
    subprocess.run(["buildah", "rm", "--all"], capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)
