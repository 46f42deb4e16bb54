"""`trackback deliver score`, as a pipeline runs it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from tests.delivery.batch.jobs import flowers, write_parquet
from tests.delivery.world import World
from trackback.entities import ModelVersion, Promotion


@pytest.fixture
def version(delivery: World, iris: tuple[Path, Any]) -> ModelVersion:
    return delivery.register("iris", iris[0])


@pytest.fixture
def score(delivery: World) -> Callable[..., dict[str, Any]]:
    def run(*arguments: object, code: int = 0) -> dict[str, Any]:
        return delivery.deliver("score", *arguments, code=code, reports=False)

    return run


def test_what_is_scored_says_which_version_it_was_and_the_promotion_has_a_build(
    score: Callable[..., dict[str, Any]],
    delivery: World,
    version: ModelVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    promotion = delivery.client.promote("models:/iris/1", "staging")
    assert isinstance(promotion, Promotion)
    monkeypatch.setenv("TRACKBACK_PROMOTION", str(promotion.seq))
    source = write_parquet(flowers(), delivery.folder / "in.parquet")
    output = delivery.folder / "out.parquet"
    said = score("--input", source, "--output", output, "--id", "id")
    assert (said["stage"], said["passed"], said["rows"], said["resumed"]) == ("score", True, 600, 0)
    assert (said["model"], said["digest"], said["promotion"]) == ("models:/iris/1", version.digest, promotion.seq)
    table = parquet.read_table(output)
    assert table.column_names == ["id", "prediction", "model_version", "model_digest"]
    assert table["model_version"].unique().to_pylist() == ["models:/iris/1"]
    assert table["model_digest"].unique().to_pylist() == [version.digest]
    (build,) = delivery.client.list_builds(promotion=promotion.seq)
    assert (build.stage, build.result) == ("score", "passed")


def test_the_exit_code_tells_wrong_input_and_the_output_is_as_it_was(
    score: Callable[..., dict[str, Any]], delivery: World, version: ModelVersion
) -> None:
    source = write_parquet(flowers().drop(columns="petal_width"), delivery.folder / "in.parquet")
    output = delivery.write("out.csv", "before")
    said = score("models:/iris/1", "--input", source, "--output", output, code=2)
    assert "has no column 'petal_width', which the model needs" in said["error"]["message"]
    assert output.read_text() == "before"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--master", "local"], "--master and --conf are options of --engine spark"),
        (["--engine", "spark", "--workers", "2"], "--workers is an option of --engine local"),
        (["--engine", "spark", "--conf", "x"], "is to be KEY=VALUE"),
    ],
    ids=["master", "workers", "conf"],
)
def test_options_of_another_engine_are_refused(delivery: World, options: list[str], message: str) -> None:
    result = delivery.invoke("score", "models:/iris/1", "--input", "in.csv", "--output", "out.csv", *options)
    assert result.exit_code == 2
    assert message in result.stderr
