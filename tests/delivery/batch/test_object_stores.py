"""Scoring from and to a real S3: nothing but the bucket has to be the same when a job goes on."""

from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests.delivery.batch.jobs import HereEngine, Interrupted, expected, flowers, job, rows_of, run, write_parquet
from tests.servers.s3 import S3
from trackback.delivery.batch.objects import store_of
from trackback.delivery.batch.places import place_at
from trackback.delivery.batch.processes import Processes
from trackback.errors import NotFound, Unavailable

pytestmark = pytest.mark.usefixtures("small")

Iris = tuple[Path, Any]


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    store_of.cache_clear()
    return s3.make_bucket(f"batch-{abs(hash(request.node.name)) % 10**9}")


def upload(path: Path, url: str) -> str:
    place_at(url).write(path.read_bytes())
    return url


def test_objects_are_scored_to_an_object(iris: Iris, s3: S3, bucket: str, tmp_path: Path) -> None:
    frame = flowers()
    for number in range(2):
        half = write_parquet(frame[number * 300 : number * 300 + 300], tmp_path / f"{number}.parquet")
        upload(half, f"{bucket}/in/day={number}/part 1.parquet")
    done = run(iris[0], job(f"{bucket}/in", f"{bucket}/out/scored.parquet", ids=["id"]), Processes(2))
    assert done.rows == 600
    (tmp_path / "out.parquet").write_bytes(place_at(f"{bucket}/out/scored.parquet").read())
    assert rows_of(tmp_path / "out.parquet") == expected(frame, iris[1], "id")
    assert s3.files(bucket.removeprefix("s3://")) == [
        "in/day=0/part 1.parquet",
        "in/day=1/part 1.parquet",
        "out/scored.parquet",
    ]


@pytest.mark.parametrize("output", ["out.parquet", "out/"])
def test_a_job_goes_on_with_the_parts_that_are_in_the_bucket(
    iris: Iris, bucket: str, output: str, tmp_path: Path
) -> None:
    source = upload(write_parquet(flowers(), tmp_path / "in.parquet"), f"{bucket}/in.parquet")
    asked = job(source, f"{bucket}/{output}")
    with pytest.raises(Interrupted):
        run(iris[0], asked, HereEngine(most=3))
    engine = HereEngine()
    assert run(iris[0], asked, engine).resumed == 3
    assert engine.seen == [3]
    found = [each for each in place_at(f"{bucket}/{output}").found() if each.place.name.endswith(".parquet")]
    ids = []
    for each in found:
        with each.place.open() as file:
            ids += parquet.read_table(file)["id"].to_pylist()
    assert ids == list(range(600))


def test_what_a_store_refuses_is_told(iris: Iris, s3: S3, bucket: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file at"):
        run(iris[0], job(f"{bucket}/none.parquet", f"{bucket}/out.parquet"))
    with pytest.raises((Unavailable, NotFound), match="s3://no-such-bucket"):
        run(iris[0], job("s3://no-such-bucket/in.parquet", f"{bucket}/out.parquet"))
