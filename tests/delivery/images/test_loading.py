"""Images that a tool for containers takes from a layout on this machine."""

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.needs import need
from trackback.delivery.images.build import Image
from trackback.delivery.images.pushes import load_image
from trackback.delivery.images.references import parse_reference

pytestmark = pytest.mark.delivery


def buildah(*arguments: str) -> str:
    return subprocess.check_output(["buildah", *arguments], text=True).strip()


def test_a_layout_may_lie_in_a_folder_that_no_image_could_be_called_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(shutil.which("buildah") is not None, "no buildah: install it (on Debian: apt install buildah)")
    conf = tmp_path / "storage.conf"
    conf.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/root"\nrunroot = "{tmp_path}/run"\n')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(conf))
    layout = tmp_path / ".cache" / "Layout of mine"
    layout.parent.mkdir()
    monkeypatch.chdir(tmp_path)
    buildah("commit", "--quiet", buildah("from", "scratch"), "oci:plain:2")
    Path("plain").rename(layout)

    image = cast(Image, SimpleNamespace(layout=SimpleNamespace(folder=layout)))
    loaded = load_image(image, parse_reference("tumours:2"), "buildah")
    assert buildah("images", "--quiet", "--no-trunc", "tumours:2").removeprefix("sha256:") == loaded
