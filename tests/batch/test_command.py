"""`trackback deliver score`, as a pipeline runs it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests.batch.jobs import flowers, write_parquet
from tests.batch.stages import Promoted, Stages, promote
from tests.servers.threaded import ThreadedServer
from trackback.client.api import Client
from trackback.server.settings import Settings


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedServer]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "trackback.db").write_bytes(sqlite_template.read_bytes())
    settings = Settings(
        backend_store_uri=f"sqlite:///{folder}/trackback.db", artifacts_destination=str(folder / "artifacts")
    )
    with ThreadedServer(settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: ThreadedServer) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


@pytest.fixture(scope="module")
def promoted(client: Client, iris: tuple[Path, Any]) -> Promoted:
    return promote(client, iris[0])


@pytest.fixture
def stages(server: ThreadedServer, tmp_path: Path) -> Stages:
    return Stages(server, tmp_path)


def test_what_is_scored_says_which_version_it_was_and_the_promotion_has_a_build(
    stages: Stages, client: Client, promoted: Promoted, tmp_path: Path
) -> None:
    source = write_parquet(flowers(), tmp_path / "in.parquet")
    number = promoted.promotion.seq
    said = stages.document(
        *("score", "--input", str(source), "--output", str(tmp_path / "out.parquet"), "--id", "id"),
        env={"TRACKBACK_PROMOTION": str(number)},
    )
    digest = promoted.version.digest
    assert (said["stage"], said["passed"], said["rows"], said["resumed"]) == ("score", True, 600, 0)
    assert (said["model"], said["digest"], said["promotion"]) == ("models:/iris/1", digest, number)
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["id", "prediction", "model_version", "model_digest"]
    assert table["model_version"].unique().to_pylist() == ["models:/iris/1"]
    assert table["model_digest"].unique().to_pylist() == [digest]
    (build,) = client.list_builds(promotion=number)
    assert (build.stage, build.result) == ("score", "passed")


def test_the_exit_code_tells_wrong_input_and_the_output_is_as_it_was(
    stages: Stages, promoted: Promoted, tmp_path: Path
) -> None:
    source = write_parquet(flowers().drop(columns="petal_width"), tmp_path / "in.parquet")
    (tmp_path / "out.csv").write_text("before")
    said = stages.document(
        *("score", "models:/iris/1", "--input", str(source), "--output", str(tmp_path / "out.csv")), code=2
    )
    assert "has no column 'petal_width', which the model needs" in said["error"]["message"]
    assert (tmp_path / "out.csv").read_text() == "before"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--master", "local"], "--master and --conf are options of --engine spark"),
        (["--engine", "spark", "--workers", "2"], "--workers is an option of --engine local"),
        (["--engine", "spark", "--conf", "x"], "is to be KEY=VALUE"),
    ],
    ids=["master", "workers", "conf"],
)
def test_options_of_another_engine_are_refused(stages: Stages, options: list[str], message: str) -> None:
    done = stages.run("score", "models:/iris/1", "--input", "in.csv", "--output", "out.csv", *options)
    assert done.returncode == 2
    assert message in done.stderr
