"""A disk of `trackback deliver ami` boots, scores what its user data names in an S3, and shuts down."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from tests.delivery.images.conftest import Images, image_cache, images
from tests.delivery.registered import Registered
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


def test_a_machine_scores_the_prefix_of_its_user_data_and_shuts_down(
    images: Images, registered: Registered, s3: S3, bucket: str, tmp_path: Path
) -> None:
    reason = machine.missing()
    need(reason is None, str(reason))
    promotion = registered.promoted("yes")
    layout = images.cache / "layout-of-the-machine"
    made = images.make(promotion.seq, "churn:machine", "--output", layout)
    assert made.code == 0, made.said
    disk = images.cache / "disk.raw"
    built = registered.deliver("ami", promotion.seq, "--image", f"oci:{layout}", "--disk", disk)
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
