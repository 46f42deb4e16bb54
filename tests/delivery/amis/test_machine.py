"""A disk of `trackback deliver ami` boots, scores what its user data names in an S3, and shuts down."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from tests.delivery.images.conftest import Images, image_cache, images
from tests.delivery.registered import Ended
from tests.needs import need
from tests.servers import machine
from tests.servers.machine import HOST
from tests.servers.s3 import S3
from trackback.delivery.batch.objects import store_of
from trackback.delivery.batch.places import place_at

__all__ = ["image_cache", "images"]

pytestmark = [pytest.mark.delivery, pytest.mark.timeout(3600)]


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    store_of.cache_clear()
    return s3.make_bucket("machine")


def order(s3: S3, bucket: str, **more: object) -> str:
    """User data; the keys are there since no role can be had here."""
    environment = {**s3.env, "AWS_ENDPOINT_URL": f"http://{HOST}:{s3.port}"}
    said = {"input": f"{bucket}/in/", "output": f"{bucket}/out/", "report": f"{bucket}/report.json", **more}
    return yaml.safe_dump({**said, "environment": environment})


class Imaged:
    """A promoted version with an image; ``make`` has its disk written to a place."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self.registered = images.registered
        self.promotion = images.registered.promoted("yes")
        layout = images.cache / f"layout-of-{self.promotion.digest}"
        self.image = f"oci:{layout}"
        made = images.make(self.promotion.seq, "churn:machine", "--output", layout)
        assert made.code == 0, made.said

    def typed(self, disk: Path) -> list[str]:
        return ["ami", str(self.promotion.seq), "--image", self.image, "--disk", str(disk)]

    @property
    def env(self) -> dict[str, str]:
        """With the cache of all tests, since Debian for the machine takes a minute to make."""
        return {"TRACKBACK_CACHE_DIR": str(self._images.cache)}

    def make(self, disk: Path) -> Ended:
        return self.registered.deliver(*self.typed(disk), env=self.env)


@pytest.fixture
def imaged(images: Images) -> Imaged:
    need(shutil.which("mmdebstrap"), "no mmdebstrap: install it (on Debian: apt install mmdebstrap)")
    return Imaged(images)


def test_a_machine_scores_the_prefix_of_its_user_data_and_shuts_down(
    imaged: Imaged, image_cache: Path, s3: S3, bucket: str, tmp_path: Path
) -> None:
    reason = machine.missing()
    need(reason is None, str(reason))
    promotion = imaged.promotion
    disk = image_cache / "disk.raw"
    built = imaged.make(disk)
    assert built.code == 0, built.said
    rows = pa.Table.from_pandas(pd.DataFrame({"word": ["a", "b"] * 500, "id": range(1000)}))
    source = tmp_path / "in.parquet"
    parquet.write_table(rows, source)
    place_at(f"{bucket}/in/part.parquet").write(source.read_bytes())

    console = machine.boot(disk, order(s3, bucket), tmp_path, timeout_s=900)

    found = {each.path: each.place for each in place_at(bucket).found()}
    assert "report.json" in found, console[-6000:]
    report = json.loads(found["report.json"].read())
    assert (report["passed"], report["rows"], report["model"]) == (True, 1000, f"models:/churn/{promotion.version}")
    (part,) = (place for path, place in found.items() if path.startswith("out/part-"))
    (tmp_path / "out.parquet").write_bytes(part.read())
    scored = parquet.read_table(tmp_path / "out.parquet")
    assert scored["id"].to_pylist() == list(range(1000))
    assert set(scored["prediction"].to_pylist()) == {"yes"}
    assert set(scored["model_digest"].to_pylist()) == {promotion.digest}

    console = machine.boot(disk, order(s3, bucket, input=f"{bucket}/nothing/"), tmp_path, timeout_s=900)

    report = json.loads(place_at(f"{bucket}/report.json").read())
    assert (report["passed"], report["error"]["code"]) == (False, "RESOURCE_DOES_NOT_EXIST"), console[-6000:]


def test_a_full_disk_ends_with_three_and_leaves_nothing_half_made(imaged: Imaged, tmp_path: Path) -> None:
    need(os.geteuid() == 0, "to fill a disk of its own takes root")
    full = tmp_path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", full], check=True)
    try:
        ended = imaged.make(full / "disk.raw")
        left = list(full.iterdir())
    finally:
        subprocess.run(["umount", full], check=True)

    assert (ended.code, left) == (3, []), ended
    assert "No space left" in ended.said


def test_a_stage_that_was_killed_leaves_nothing_once_it_is_run_again(imaged: Imaged, tmp_path: Path) -> None:
    disk = tmp_path / "disks" / "disk.raw"
    command = [sys.executable, "-m", "trackback", "deliver", *imaged.typed(disk)]
    env = imaged.registered.environment(imaged.env)
    stage = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 300
    while not list(disk.parent.glob(".disk.raw-*/image.squashfs")):
        assert stage.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    stage.kill()
    stage.wait()
    time.sleep(6)  # a folder that is newer may be of somebody who is about to say that it is theirs
    assert [each.name[:10] for each in disk.parent.iterdir()] == [".disk.raw-"]

    assert imaged.make(disk).code == 0
    assert list(disk.parent.iterdir()) == [disk]
    (build,) = imaged.registered.client.list_builds(promotion=imaged.promotion.seq).items[:1]
    assert build.result == "passed"
