"""One model from its training through all stages, each by its command with its real tools, and back from what runs."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import yaml
from pyarrow import parquet
from sklearn.datasets import load_breast_cancer

from tests.delivery.amis.conftest import moto
from tests.delivery.images.conftest import BASE, image_cache, storage
from tests.delivery.images.containers import Container
from tests.delivery.registered import Registered
from tests.environments import ROOT, Environment
from tests.needs import need
from tests.servers import machine
from tests.servers.machine import HOST
from tests.servers.moto import REGION, Moto
from tests.servers.program import free_port
from tests.servers.s3 import S3
from trackback.client.api import Client
from trackback.delivery.batch.objects import store_of
from trackback.delivery.batch.places import place_at
from trackback.entities import Promotion, Trace

__all__ = ["image_cache", "moto", "storage"]

pytestmark = [pytest.mark.delivery, pytest.mark.timeout(3600)]

TRAIN = ROOT / "tests" / "delivery" / "scripts" / "train.py"
NAME = "tumours"


class Story:
    """``data``: a folder with what is trained and tested with; ``port``: where the endpoint listens."""

    def __init__(self, registered: Registered, folder: Path, cache: Path) -> None:
        self.registered = registered
        self.client: Client = registered.client
        self.port = free_port()
        self._env = {"TRACKBACK_CACHE_DIR": str(cache)}
        self.train, self.test, self.rows = (folder / f"{name}.parquet" for name in ("train", "test", "rows"))
        frame = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "benign"})
        frame.iloc[::2].to_parquet(self.train, index=False)
        frame.iloc[1::2].to_parquet(self.test, index=False)
        features = frame.iloc[1::2].drop(columns="benign")
        features.assign(patient=range(len(features))).to_parquet(self.rows, index=False)

    def trained(self, strength: str) -> str:
        """The run of a new version."""
        command = [sys.executable, str(TRAIN), strength, str(self.train)]
        ran = subprocess.run(command, env=self.registered.environment(self._env), capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.split()[-1]

    def promoted(self, version: int) -> int:
        promotion = self.client.promote(f"models:/{NAME}/{version}", "production")
        assert isinstance(promotion, Promotion)
        return promotion.seq

    def deliver(self, stage: str, *arguments: object, **env: str) -> dict[str, Any]:
        """What the stage tells; it passes."""
        return self._passed(stage, arguments, env, [])

    def deliver_by(self, python: Path, stage: str, *arguments: object) -> dict[str, Any]:
        """The same, by another Python than the tests' own."""
        command = [str(python), "-m", "trackback", "deliver"]
        return self._passed(stage, arguments, {"PYTHONPATH": str(ROOT / "src")}, command)

    def _passed(
        self, stage: str, arguments: Sequence[object], env: Mapping[str, str], command: Sequence[str]
    ) -> dict[str, Any]:
        ended = self.registered.deliver(stage, *arguments, env={**self._env, **env}, command=command)
        assert ended.code == 0, f"{stage}: {ended.document}\n{ended.said}"
        return ended.document

    def deploy(self, *arguments: object) -> dict[str, Any]:
        return self.deliver("deploy", *arguments, "--to", "process", "--port", self.port, "--slot", NAME, "--drain", 0)


@pytest.fixture
def story(registered: Registered, tmp_path: Path, image_cache: Path) -> Iterator[Story]:
    story = Story(registered, tmp_path, image_cache)
    yield story
    story.deploy("--remove")


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    store_of.cache_clear()
    return s3.make_bucket("story")


@pytest.fixture
def spark() -> Path:
    """A Python with pyspark, beside a Java."""
    need(shutil.which("java"), "no java: install it (on Debian: apt install default-jre-headless)")
    python = Environment("libraries").python
    need(python.exists(), "no environment libraries: run `make .venvs/libraries/.installed`")
    return python


def test_from_training_through_all_stages_and_back(
    story: Story, storage: Path, s3: S3, bucket: str, moto: Moto, spark: Path, tmp_path: Path, image_cache: Path
) -> None:
    reason = machine.missing()
    need(reason is None, str(reason))
    on_test = ("--data", story.test, "--target", "benign", "--report", tmp_path / "reports")
    story.trained("0.00001")
    first = story.promoted(1)
    assert story.deliver("delta", first, "--against", "production", *on_test)["first_release"]
    story.deploy(first)

    run_id = story.trained("1.0")
    seq = story.promoted(2)
    story.deliver("validate", seq, *on_test, "--require", "accuracy>=0.95")
    delta = story.deliver("delta", seq, "--against", "production", *on_test)
    assert delta["against"]["model"] == f"models:/{NAME}/1"

    layout = image_cache / "layout-of-the-story"
    made = story.deliver("image", seq, "--tag", f"{NAME}:2", "--base", BASE, "--output", layout, "--engine", "buildah")
    body = {"dataframe_split": pd.read_parquet(story.rows).drop(columns="patient").head(3).to_dict("split")}
    expected = story.client.get_model_version(NAME, "2").digest
    answer = Container(made).ask(body)
    assert answer["health"]["digest"] == expected

    deployed = story.deploy(seq)
    assert deployed["replaced"] == f"models:/{NAME}/1"
    endpoint = f"http://127.0.0.1:{story.port}"
    online = httpx.post(f"{endpoint}/invocations", json=body, timeout=30, trust_env=False).raise_for_status().json()
    assert online == answer["predictions"]

    rows = ("--input", story.rows, "--id", "patient")
    story.deliver("score", seq, *rows, "--output", tmp_path / "scored.parquet")
    scored = parquet.read_table(tmp_path / "scored.parquet")
    assert scored["prediction"].to_pylist()[:3] == online["predictions"]
    assert set(scored["model_digest"].to_pylist()) == {expected}
    cluster = ("--engine", "spark", "--master", "local[2]")
    story.deliver_by(spark, "score", seq, *rows, *cluster, "--output", tmp_path / "by-spark.parquet")
    assert parquet.read_table(tmp_path / "by-spark.parquet").equals(scored), "a cluster's executors predict the same"

    disk = image_cache / "disk-of-the-story.raw"
    ami = story.deliver("ami", seq, "--image", f"oci:{layout}", "--disk", disk, "--region", REGION, **moto.env)
    place_at(f"{bucket}/in/rows.parquet").write(story.rows.read_bytes())
    console = machine.boot(disk, order(s3, bucket), tmp_path, timeout_s=900)
    found = {each.path: each.place for each in place_at(bucket).found()}
    assert "report.json" in found, console[-6000:]
    assert json.loads(found["report.json"].read())["rows"] == scored.num_rows
    (tmp_path / "offline.parquet").write_bytes(found["out.parquet"].read())
    offline = parquet.read_table(tmp_path / "offline.parquet")
    assert offline.select(scored.column_names).equals(scored), "offline as online, to the last column"

    training_data = data_set_of(story.client.trace(run_id))
    for x in (made["image_digest"], ami["ami"], endpoint):
        traced = story.client.trace(x)
        assert traced.run is not None
        assert (traced.run.run_id, traced.run.params[0].value) == (run_id, "1.0")
        assert [each.seq for each in traced.promotions] == [seq]
        assert data_set_of(traced) == training_data


def order(s3: S3, bucket: str) -> str:
    """User data; the keys are there since no role can be had here."""
    environment = {**s3.env, "AWS_ENDPOINT_URL": f"http://{HOST}:{s3.port}"}
    said = {"input": f"{bucket}/in/", "output": f"{bucket}/out.parquet", "report": f"{bucket}/report.json"}
    return yaml.safe_dump({**said, "id": ["patient"], "environment": environment})


def data_set_of(found: Trace) -> tuple[str, str]:
    """Its name and its digest."""
    assert found.run is not None
    assert found.run.provenance is not None
    (only,) = found.run.provenance.datasets
    assert not only.weak
    return only.name, only.digest
