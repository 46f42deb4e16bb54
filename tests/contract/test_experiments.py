"""Experiments: names, lifecycle, tags and search, as MLflow's clients rely on them."""

import asyncio
import base64
import itertools
from pathlib import Path

import pytest

from trackback import limits
from trackback.entities import ANYONE, Experiment, LifecycleStage, Run, Tag, ViewType
from trackback.errors import AlreadyExists, BadRequest, InvalidParameter, InvalidState, NotFound
from trackback.services.experiments import Experiments
from trackback.services.runs import Runs
from trackback.storage import Storage

ROOT = "mlflow-artifacts:/"


@pytest.fixture
def experiments(storage: Storage) -> Experiments:
    """With a clock that ticks at every look."""
    return Experiments(storage, ROOT, itertools.count(1000).__next__)


@pytest.fixture
def runs(storage: Storage) -> Runs:
    return Runs(storage)


async def names(experiments: Experiments, filter_text: str = "", *order_by: str) -> list[str]:
    page = await experiments.search(ANYONE, max_results=100, filter_text=filter_text, order_by=order_by)
    return [experiment.name for experiment in page.items]


async def stages(runs: Runs, experiment_id: str) -> set[LifecycleStage]:
    page = await runs.search(ANYONE, [experiment_id], view_type=ViewType.ALL)
    return {run.info.lifecycle_stage for run in page.items}


class TestCreate:
    async def test_ids_count_up_from_one_after_the_default_experiment(self, experiments: Experiments) -> None:
        await experiments.ensure_default()
        assert [await experiments.create(ANYONE, name) for name in ("a", "b")] == ["1", "2"]

    async def test_the_default_experiment_is_made_once_by_servers_that_start_together(
        self, experiments: Experiments
    ) -> None:
        await asyncio.gather(*(experiments.ensure_default() for _ in range(5)))
        assert await names(experiments) == ["Default"]
        default = await experiments.get_by_name(ANYONE, "Default")
        assert (default.experiment_id, default.artifact_location) == ("0", f"{ROOT}0")

    async def test_the_default_experiment_stays_as_its_users_left_it(self, experiments: Experiments) -> None:
        await experiments.ensure_default()
        await experiments.rename(ANYONE, "0", "ours")
        await experiments.delete(ANYONE, "0")
        await experiments.ensure_default()
        default = await experiments.get(ANYONE, "0")
        assert (default.name, default.lifecycle_stage) == ("ours", LifecycleStage.DELETED)

    async def test_a_new_experiment_is_active_and_lies_under_the_artifact_root(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a", tags=[("k", "v"), ("ü", "")])
        assert await experiments.get(ANYONE, created) == Experiment(
            created, "a", f"{ROOT}{created}", LifecycleStage.ACTIVE, 1000, 1000, (Tag("k", "v"), Tag("ü", ""))
        )

    async def test_a_location_on_the_servers_machine_is_made_absolute(self, experiments: Experiments) -> None:
        here = Path.cwd()
        locations = {
            "s3://bucket/path/": "s3://bucket/path/",
            "/absolute": "/absolute",
            "some/folder": f"{here}/some/folder",
            "file:some/folder": f"file://{here}/some/folder",
            "file:///absolute": "file:///absolute",
        }
        for given, kept in locations.items():
            created = await experiments.create(ANYONE, given, artifact_location=given)
            assert (await experiments.get(ANYONE, created)).artifact_location == kept

    async def test_a_location_where_nothing_can_lie_is_refused(
        self, experiments: Experiments, subtests: pytest.Subtests
    ) -> None:
        for location in ("runs:/1/a", "s3://b/p?q=1", "s3://b/p#f", "file://host/p", "x" * 2049, "s3://b/\0"):
            with subtests.test(location=location), pytest.raises(InvalidParameter):
                await experiments.create(ANYONE, "a", artifact_location=location)
        assert await names(experiments) == []

    async def test_a_name_that_is_none_is_refused(self, experiments: Experiments, subtests: pytest.Subtests) -> None:
        for name in ("", " \t", "x" * 501, "a\0b", "\ud800"):
            with subtests.test(name=name), pytest.raises(InvalidParameter):
                await experiments.create(ANYONE, name)
        assert await names(experiments) == []

    async def test_a_name_may_have_500_characters_of_any_script(self, experiments: Experiments) -> None:
        # Random enough that no database could compress it to fit into an index.
        name = "".join(chr(0x4E00 + (i * 7919) % 20_000) for i in range(500))
        created = await experiments.create(ANYONE, name)
        assert (await experiments.get_by_name(ANYONE, name)).experiment_id == created

    async def test_of_a_tag_that_comes_twice_the_last_value_stays(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a", tags=[("k", "1"), ("other", "w"), ("k", "2")])
        assert (await experiments.get(ANYONE, created)).tags == (Tag("k", "2"), Tag("other", "w"))

    async def test_with_a_bad_tag_nothing_is_created(self, experiments: Experiments, subtests: pytest.Subtests) -> None:
        for tag in (("a//b", "v"), ("", "v"), ("k", "x" * 20_001), ("k", "\0")):
            with subtests.test(tag=tag), pytest.raises(InvalidParameter):
                await experiments.create(ANYONE, "a", tags=[("fine", "v"), tag])
        assert await names(experiments) == []

    async def test_a_name_is_taken_by_an_active_and_by_a_deleted_experiment(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a")
        with pytest.raises(AlreadyExists, match=r"Experiment\(name=a\) already exists\."):
            await experiments.create(ANYONE, "a")
        await experiments.delete(ANYONE, created)
        with pytest.raises(AlreadyExists, match=r"Experiment\(name=a\) already exists\. It is deleted"):
            await experiments.create(ANYONE, "a")

    async def test_of_many_who_create_one_name_at_once_one_succeeds(self, experiments: Experiments) -> None:
        attempts = (experiments.create(ANYONE, "a") for _ in range(20))
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 19


class TestGet:
    async def test_an_unknown_number_is_not_found(self, experiments: Experiments, subtests: pytest.Subtests) -> None:
        for experiment_id in ("7", "-1", "9" * 18, "9" * 19, "-" + "9" * 19, "9" * 5000):
            with subtests.test(id=experiment_id), pytest.raises(NotFound, match="No Experiment with id="):
                await experiments.get(ANYONE, experiment_id)

    async def test_an_id_that_is_no_number_is_invalid(
        self, experiments: Experiments, subtests: pytest.Subtests
    ) -> None:
        for experiment_id in ("", "a", "1.0", "1 ", "٣", "\0", "--1"):
            with subtests.test(id=experiment_id), pytest.raises(InvalidParameter):
                await experiments.get(ANYONE, experiment_id)

    async def test_a_name_finds_a_deleted_experiment_too(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a")
        await experiments.delete(ANYONE, created)
        assert (await experiments.get_by_name(ANYONE, "a")).lifecycle_stage is LifecycleStage.DELETED

    async def test_names_heed_case(self, experiments: Experiments) -> None:
        await experiments.create(ANYONE, "a")
        with pytest.raises(NotFound, match="Could not find experiment with name 'A'"):
            await experiments.get_by_name(ANYONE, "A")


class TestRename:
    async def test_an_experiment_takes_a_new_name_and_the_old_one_is_free(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a")
        await experiments.rename(ANYONE, created, "b")
        renamed = await experiments.get(ANYONE, created)
        assert (renamed.name, renamed.creation_time, renamed.last_update_time) == ("b", 1000, 1001)
        await experiments.create(ANYONE, "a")

    async def test_its_own_name_again_is_no_conflict(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a")
        await experiments.rename(ANYONE, created, "a")
        assert await names(experiments) == ["a"]

    async def test_anothers_name_is_refused(self, experiments: Experiments) -> None:
        created, other = [await experiments.create(ANYONE, name) for name in ("a", "b")]
        await experiments.delete(ANYONE, other)
        with pytest.raises(BadRequest, match="already exists"):
            await experiments.rename(ANYONE, created, "b")

    async def test_a_deleted_experiment_keeps_its_name(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a")
        await experiments.delete(ANYONE, created)
        with pytest.raises(InvalidState):
            await experiments.rename(ANYONE, created, "b")

    async def test_of_many_renamed_to_one_name_at_once_one_gets_it(self, experiments: Experiments) -> None:
        created = [await experiments.create(ANYONE, f"a{i}") for i in range(20)]
        outcomes = await asyncio.gather(
            *(experiments.rename(ANYONE, each, "b") for each in created), return_exceptions=True
        )
        assert outcomes.count(None) == 1
        assert sum(isinstance(outcome, BadRequest) for outcome in outcomes) == 19
        assert (await names(experiments)).count("b") == 1


class TestDelete:
    async def test_all_runs_go_and_come_back_with_their_experiment(self, experiments: Experiments, runs: Runs) -> None:
        created = await experiments.create(ANYONE, "a")
        one, _ = [await runs.create(ANYONE, created) for _ in range(2)]
        await runs.delete(ANYONE, one.info.run_id)
        await experiments.delete(ANYONE, created)
        assert await stages(runs, created) == {LifecycleStage.DELETED}
        await experiments.restore(ANYONE, created)
        assert await stages(runs, created) == {LifecycleStage.ACTIVE}

    async def test_other_experiments_runs_stay(self, experiments: Experiments, runs: Runs) -> None:
        created, other = [await experiments.create(ANYONE, name) for name in ("a", "b")]
        await runs.create(ANYONE, other)
        await experiments.delete(ANYONE, created)
        assert await stages(runs, other) == {LifecycleStage.ACTIVE}

    async def test_only_an_active_experiment_can_be_deleted_and_only_a_deleted_one_restored(
        self, experiments: Experiments
    ) -> None:
        created = await experiments.create(ANYONE, "a")
        with pytest.raises(NotFound):
            await experiments.restore(ANYONE, created)
        await experiments.delete(ANYONE, created)
        with pytest.raises(NotFound):
            await experiments.delete(ANYONE, created)
        with pytest.raises(NotFound, match="No Experiment with id=99 exists"):
            await experiments.delete(ANYONE, "99")

    async def test_no_run_slips_into_an_experiment_that_is_being_deleted(
        self, experiments: Experiments, runs: Runs
    ) -> None:
        created = await experiments.create(ANYONE, "a")

        async def create_run(delay_s: float) -> Run:
            await asyncio.sleep(delay_s)
            return await runs.create(ANYONE, created)

        creations = [create_run(i / 2000) for i in range(60)]
        await asyncio.gather(experiments.delete(ANYONE, created), *creations, return_exceptions=True)
        assert await stages(runs, created) <= {LifecycleStage.DELETED}
        with pytest.raises(InvalidParameter, match="must be in the 'active' state"):
            await runs.create(ANYONE, created)


class TestTags:
    async def test_a_tag_set_again_has_the_new_value(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a", tags=[("k", "v"), ("other", "w")])
        await experiments.set_tag(ANYONE, created, "k", "x" * 20_000)
        tags = (await experiments.get(ANYONE, created)).tags
        assert set(tags) == {Tag("k", "x" * 20_000), Tag("other", "w")}

    async def test_a_bad_tag_is_refused(self, experiments: Experiments, subtests: pytest.Subtests) -> None:
        created = await experiments.create(ANYONE, "a")
        for key, value in (("k", "x" * 20_001), ("../k", "v"), ("k" * 251, "v"), ("k", "\0")):
            with subtests.test(key=key, value=value), pytest.raises(InvalidParameter):
                await experiments.set_tag(ANYONE, created, key, value)
        assert (await experiments.get(ANYONE, created)).tags == ()

    async def test_a_deleted_experiments_tags_are_fixed(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a", tags=[("k", "v")])
        await experiments.delete(ANYONE, created)
        for change in (experiments.set_tag(ANYONE, created, "k", "w"), experiments.delete_tag(ANYONE, created, "k")):
            with pytest.raises(InvalidParameter, match=r"must be in the 'active' state. Current state is deleted"):
                await change
        assert (await experiments.get(ANYONE, created)).tags == (Tag("k", "v"),)

    async def test_a_deleted_tag_is_gone_and_cannot_be_deleted_again(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a", tags=[("k", "v")])
        await experiments.delete_tag(ANYONE, created, "k")
        assert (await experiments.get(ANYONE, created)).tags == ()
        with pytest.raises(NotFound, match=f"No tag with name: k in experiment with id {created}"):
            await experiments.delete_tag(ANYONE, created, "k")

    async def test_an_experiment_has_at_most_50_custom_views(self, experiments: Experiments) -> None:
        views = [(f"mlflow.customView.view{i}", "{}") for i in range(50)]
        created = await experiments.create(ANYONE, "a", tags=views)
        with pytest.raises(InvalidParameter, match="50"):
            await experiments.set_tag(ANYONE, created, "mlflow.customView.view50", "{}")
        await experiments.set_tag(ANYONE, created, "mlflow.customView.view0", "changed")
        await experiments.set_tag(ANYONE, created, "mlflow.note.content", "a note")
        assert len((await experiments.get(ANYONE, created)).tags) == 51

    async def test_many_may_set_one_tag_at_once(self, experiments: Experiments) -> None:
        created = await experiments.create(ANYONE, "a")
        await asyncio.gather(*(experiments.set_tag(ANYONE, created, "k", str(i)) for i in range(30)))
        (tag,) = (await experiments.get(ANYONE, created)).tags
        assert int(tag.value) in range(30)


class TestSearch:
    @pytest.fixture
    async def some(self, experiments: Experiments) -> Experiments:
        """Abc, abd, b and c, in this order; c is deleted, b was changed last of the others."""
        for name, tags in (("Abc", [("t", "1")]), ("abd", [("t", "2")]), ("b", []), ("c", [("t", "1")])):
            await experiments.create(ANYONE, name, tags=tags)
        await experiments.delete(ANYONE, "4")
        await experiments.rename(ANYONE, "3", "b")
        return experiments

    async def test_without_an_order_the_newest_come_first(self, some: Experiments) -> None:
        assert await names(some) == ["b", "abd", "Abc"]

    async def test_a_filter_finds_what_it_says(self, some: Experiments) -> None:
        filters = {
            "name = 'abd'": {"abd"},
            "name != 'abd'": {"Abc", "b"},
            "name LIKE 'ab%'": {"abd"},
            "name ILIKE 'ab%'": {"Abc", "abd"},
            "name LIKE 'A_c'": {"Abc"},
            "tags.t = '1'": {"Abc"},
            "tags.t != '1'": {"abd"},
            "tags.t IS NULL": {"b"},
            "tag.t IS NOT NULL": {"Abc", "abd"},
            "tags.never_set != '1'": set(),
            "tags.t = '1' AND name LIKE 'A%'": {"Abc"},
            "tags.t = '2' OR name = 'b'": {"abd", "b"},
            "experiment_id IN ('1', '3')": {"Abc", "b"},
            "creation_time >= 1001 AND creation_time < 1002": {"abd"},
            "last_update_time > 1003": {"b"},
            f"creation_time < {limits.INT64_MAX}": {"Abc", "abd", "b"},
        }
        assert {text: set(await names(some, text)) for text in filters} == filters

    async def test_an_order_is_kept(self, some: Experiments) -> None:
        orders = {
            "name": ["Abc", "abd", "b"],
            "name DESC": ["b", "abd", "Abc"],
            "experiment_id": ["Abc", "abd", "b"],
            "last_update_time DESC": ["b", "abd", "Abc"],
        }
        assert {order: await names(some, "", order) for order in orders} == orders

    async def test_ties_go_to_the_highest_id(self, storage: Storage) -> None:
        experiments = Experiments(storage, ROOT, lambda: 1000)
        for name in "abc":
            await experiments.create(ANYONE, name)
        assert await names(experiments, "", "creation_time") == ["c", "b", "a"]
        assert await names(experiments) == ["a", "b", "c"]

    async def test_a_view_shows_its_stages(self, some: Experiments) -> None:
        views = {
            ViewType.ACTIVE_ONLY: {"Abc", "abd", "b"},
            ViewType.DELETED_ONLY: {"c"},
            ViewType.ALL: {"Abc", "abd", "b", "c"},
        }
        pages = {view: await some.search(ANYONE, max_results=100, view_type=view) for view in views}
        assert {view: {experiment.name for experiment in page.items} for view, page in pages.items()} == views

    async def test_pages_hold_everything_once_and_the_last_has_no_token(self, some: Experiments) -> None:
        first = await some.search(ANYONE, max_results=2)
        assert first.next_page_token == base64.b64encode(b'{"offset": 2}').decode()
        second = await some.search(ANYONE, max_results=2, page_token=first.next_page_token)
        assert [experiment.name for experiment in (*first.items, *second.items)] == ["b", "abd", "Abc"]
        assert second.next_page_token is None
        whole = await some.search(ANYONE, max_results=3)
        assert whole.next_page_token is None

    async def test_a_token_that_is_none_of_ours_is_refused(
        self, experiments: Experiments, subtests: pytest.Subtests
    ) -> None:
        offset, depth = base64.b64encode(b'{"offset": -1}').decode(), base64.b64encode(b"[" * 9999).decode()
        for token in ("x", "ü", "e30=", "W10=", offset, depth):
            with subtests.test(token=token), pytest.raises(InvalidParameter, match="Invalid page token"):
                await experiments.search(ANYONE, max_results=1, page_token=token)

    async def test_a_page_has_one_to_50000_experiments(
        self, experiments: Experiments, subtests: pytest.Subtests
    ) -> None:
        for size in (-1, 0, 50_001):
            with subtests.test(size=size), pytest.raises(InvalidParameter, match="max_results"):
                await experiments.search(ANYONE, max_results=size)
