"""What CI says it does for promotions."""

import pytest

from tests.contract.registered import promote, register_model, register_version
from trackback.entities import ANYONE, Actor, BuildResult, Grants, Permission
from trackback.errors import Conflict, InvalidParameter, NotFound, PermissionDenied
from trackback.services.builds import BuildReport, Builds
from trackback.storage import Storage

TEST_STAGE = BuildReport(promotion=1, system="gocd", pipeline="churn", counter="12", stage="test")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        self.now += 1_000
        return self.now


@pytest.fixture
async def model(storage: Storage) -> int:
    """A model whose version 1 has been promoted, by the promotions 1 and 2."""
    model = await register_model(storage, "churn")
    version = await register_version(storage, model)
    await promote(storage, 1, f"models/{model}", "staging", model_version=version)
    await promote(storage, 2, f"models/{model}", "production", model_version=version)
    return model


@pytest.fixture
def builds(storage: Storage, model: int) -> Builds:
    return Builds(storage, Clock())


class TestReports:
    async def test_a_new_build_is_running_and_started_now(self, builds: Builds) -> None:
        build = await builds.report(ANYONE, TEST_STAGE)
        assert (build.result, build.started, build.finished) == (BuildResult.RUNNING, 2_000, None)
        assert (build.promotion, build.system, build.pipeline, build.counter) == (1, "gocd", "churn", "12")
        assert await builds.get(ANYONE, build.id) == build

    async def test_the_same_report_again_writes_nothing(self, builds: Builds) -> None:
        first = await builds.report(ANYONE, TEST_STAGE)
        assert await builds.report(ANYONE, TEST_STAGE) == first
        assert list((await builds.search(ANYONE)).items) == [first]

    async def test_a_key_of_the_reporters_own_makes_two_reports_one_build(self, builds: Builds) -> None:
        first = await builds.report(ANYONE, TEST_STAGE._replace(counter="", key="job-7"))
        again = await builds.report(ANYONE, BuildReport(key="job-7", result=BuildResult.PASSED, url="https://ci/7"))
        assert again.id == first.id
        assert (again.result, again.finished, again.url) == (BuildResult.PASSED, 3_000, "https://ci/7")

    async def test_what_a_later_report_does_not_say_stays(self, builds: Builds) -> None:
        await builds.report(ANYONE, TEST_STAGE._replace(url="https://ci/12", log_url="https://ci/12/log"))
        build = await builds.report(ANYONE, TEST_STAGE._replace(result=BuildResult.FAILED))
        assert (build.url, build.log_url, build.result) == ("https://ci/12", "https://ci/12/log", BuildResult.FAILED)

    async def test_the_result_again_keeps_the_time_at_which_the_build_finished(self, builds: Builds) -> None:
        passed = TEST_STAGE._replace(result=BuildResult.PASSED)
        first = await builds.report(ANYONE, passed)
        assert (await builds.report(ANYONE, passed)).finished == first.finished

    async def test_a_build_that_runs_again_has_not_finished(self, builds: Builds) -> None:
        await builds.report(ANYONE, TEST_STAGE._replace(result=BuildResult.FAILED))
        build = await builds.report(ANYONE, TEST_STAGE._replace(result=BuildResult.RUNNING))
        assert (build.result, build.finished) == (BuildResult.RUNNING, None)

    async def test_each_stage_of_a_pipeline_is_a_build(self, builds: Builds) -> None:
        await builds.report(ANYONE, TEST_STAGE)
        await builds.report(ANYONE, TEST_STAGE._replace(stage="image"))
        await builds.report(ANYONE, TEST_STAGE._replace(stage="image", job="arm"))
        stages = [(build.stage, build.job) for build in (await builds.search(ANYONE)).items]
        assert stages == [("image", "arm"), ("image", None), ("test", None)]

    async def test_a_build_is_updated_by_its_number_too(self, builds: Builds) -> None:
        build = await builds.report(ANYONE, TEST_STAGE)
        changed = await builds.update(ANYONE, build.id, BuildReport(result=BuildResult.PASSED, finished_ms=9_000))
        assert (changed.result, changed.finished) == (BuildResult.PASSED, 9_000)

    @pytest.mark.parametrize(
        ("missing", "report"),
        [
            ("promotion", TEST_STAGE._replace(promotion=None)),
            ("system", TEST_STAGE._replace(system="")),
            ("pipeline", TEST_STAGE._replace(pipeline="")),
        ],
    )
    async def test_a_new_build_needs_its_promotion_system_and_pipeline(
        self, builds: Builds, missing: str, report: BuildReport
    ) -> None:
        with pytest.raises(InvalidParameter, match=f"required parameter '{missing}'"):
            await builds.report(ANYONE, report)

    async def test_a_promotion_that_is_not_there_is_named(self, builds: Builds) -> None:
        with pytest.raises(NotFound, match="There is no promotion 9"):
            await builds.report(ANYONE, TEST_STAGE._replace(promotion=9))

    async def test_a_key_is_not_given_to_another_build(self, builds: Builds) -> None:
        await builds.report(ANYONE, TEST_STAGE._replace(key="k"))
        with pytest.raises(Conflict, match="has the stage 'test', not 'image'"):
            await builds.report(ANYONE, TEST_STAGE._replace(key="k", stage="image"))

    async def test_a_build_does_not_finish_before_it_started(self, builds: Builds) -> None:
        report = TEST_STAGE._replace(result=BuildResult.PASSED, started_ms=5_000, finished_ms=4_999)
        with pytest.raises(InvalidParameter, match="before it started"):
            await builds.report(ANYONE, report)
        assert list((await builds.search(ANYONE)).items) == []

    async def test_the_time_of_an_end_needs_a_result(self, builds: Builds) -> None:
        with pytest.raises(InvalidParameter, match="needs a 'result'"):
            await builds.report(ANYONE, TEST_STAGE._replace(finished_ms=5_000))

    async def test_long_names_make_a_key_too(self, builds: Builds) -> None:
        report = TEST_STAGE._replace(pipeline="p" * 250, stage="s" * 250, job="j" * 250)
        assert (await builds.report(ANYONE, report)).id == (await builds.report(ANYONE, report)).id

    async def test_an_unknown_number_is_not_found(self, builds: Builds) -> None:
        with pytest.raises(NotFound, match="There is no build 5"):
            await builds.update(ANYONE, 5, BuildReport(url="https://ci"))
        with pytest.raises(NotFound, match="There is no build 5"):
            await builds.get(ANYONE, 5)


class TestSearch:
    @pytest.fixture(autouse=True)
    async def _reported(self, builds: Builds) -> None:
        for promotion, counter in ((1, "1"), (1, "2"), (2, "3")):
            report = TEST_STAGE._replace(promotion=promotion, counter=counter, url=f"https://ci/{counter}")
            await builds.report(ANYONE, report)

    async def test_builds_are_found_by_promotion_by_version_and_by_url(self, builds: Builds) -> None:
        async def counters(**query: object) -> list[str | None]:
            return [each.counter for each in (await builds.search(ANYONE, **query)).items]  # type: ignore[arg-type]

        assert await counters(promotion=1) == ["2", "1"]
        assert await counters(subject="models:/churn/1") == ["3", "2", "1"]
        assert await counters(url="https://ci/3") == ["3"]
        assert await counters(url="https://ci/4") == []

    async def test_pages_follow_each_other(self, builds: Builds) -> None:
        first = await builds.search(ANYONE, max_results=2)
        rest = await builds.search(ANYONE, max_results=2, page_token=first.next_page_token or "")
        assert [build.counter for build in (*first.items, *rest.items)] == ["3", "2", "1"]
        assert rest.next_page_token is None


class TestAccess:
    def actor(self, *permissions: Permission, model: int) -> Actor:
        return Actor("bob", grants=Grants(models={model: frozenset(permissions)}))

    async def test_who_may_not_read_the_model_learns_of_no_build(self, builds: Builds, model: int) -> None:
        build = await builds.report(ANYONE, TEST_STAGE)
        stranger = self.actor(Permission.READ, Permission.WRITE, model=model + 1)
        assert list((await builds.search(stranger)).items) == []
        with pytest.raises(NotFound):
            await builds.get(stranger, build.id)
        with pytest.raises(NotFound):
            await builds.report(stranger, TEST_STAGE._replace(counter="13"))

    async def test_who_may_only_read_the_model_reports_nothing(self, builds: Builds, model: int) -> None:
        reader = self.actor(Permission.READ, model=model)
        with pytest.raises(PermissionDenied):
            await builds.report(reader, TEST_STAGE)
        writer = self.actor(Permission.READ, Permission.WRITE, model=model)
        assert (await builds.report(writer, TEST_STAGE)).actor == "bob"
