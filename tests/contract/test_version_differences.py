"""In what two versions differ, on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.delivery_world import COMMIT, World
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission, Points
from trackback.errors import InvalidParameter, NotFound
from trackback.services.version_differences import Difference, Part, VersionDifferences, VersionName
from trackback.storage import Storage

ONE, TWO = VersionName("churn", "1"), VersionName("churn", "2")
OTHER_COMMIT = "f" * 40


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    """Two versions: of other params, commits, data and packages, but of the same metric and file name."""
    blobs = open_blobs(str(tmp_path / "artifacts"))
    world = World(storage, blobs)
    await world.begin()
    for commit, alpha, data, numpy in ((COMMIT, "0.1", "aaaa1111", "1.26.0"), (OTHER_COMMIT, "0.2", "bbbb2222", "2.0")):
        run = await world.run(commit=commit, params={"alpha": alpha, "solver": "sag"})
        points = Points(("auc", "same"), (0, 0), (1, 1), (float(alpha) + 0.5, 1.0))
        await world.run_log.log(ANYONE, run, points=points)
        await world.use(run, "customers", data)
        await world.register(run, requirements=f"numpy=={numpy}\nscipy==1.0\n")
    yield world
    await blobs.close()


@pytest.fixture
def differences(storage: Storage) -> VersionDifferences:
    return VersionDifferences(storage)


async def test_all_that_went_in_and_came_out_is_compared(world: World, differences: VersionDifferences) -> None:
    found = await differences.find(ANYONE, ONE, TWO)
    by_part = {part: [each for each in found.differences if each.part is part] for part in Part}
    assert by_part[Part.PARAM] == [Difference(Part.PARAM, "alpha", "0.1", "0.2")]
    assert by_part[Part.DATASET] == [Difference(Part.DATASET, "customers", "aaaa1111", "bbbb2222")]
    assert by_part[Part.CODE] == [Difference(Part.CODE, "commit", COMMIT, OTHER_COMMIT)]
    assert [(each.name, each.before, each.after) for each in by_part[Part.PACKAGE]] == [("numpy", "1.26.0", "2.0")]
    assert found.same[Part.PARAM] == found.same[Part.PACKAGE] == found.same[Part.METRIC] == 1
    assert not found.same_files


async def test_of_a_metric_it_is_told_by_how_much_it_is_greater(world: World, differences: VersionDifferences) -> None:
    found = await differences.find(ANYONE, ONE, TWO)
    (metric,) = [each for each in found.differences if each.part is Part.METRIC]
    assert metric.name == "auc"
    assert metric.change == pytest.approx(0.1)


async def test_a_version_does_not_differ_from_itself(world: World, differences: VersionDifferences) -> None:
    found = await differences.find(ANYONE, ONE, ONE)
    assert (found.differences, found.same_files) == ((), True)


async def test_a_run_that_may_not_be_read_is_not_told_of(world: World, differences: VersionDifferences) -> None:
    known = await differences.known(ANYONE, ONE)
    assert known.provenance
    stranger = Actor("eve", grants=Grants(models={1: frozenset((Permission.READ,))}))
    assert (await differences.known(stranger, ONE)).provenance is None
    with pytest.raises(NotFound):
        await differences.find(Actor("mallory", grants=Grants()), ONE, TWO)


@pytest.mark.parametrize(("version", "error"), [("3", NotFound), ("x", InvalidParameter)])
async def test_what_is_no_version_can_not_be_compared(
    world: World, differences: VersionDifferences, version: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await differences.find(ANYONE, VersionName("churn", version), TWO)
