"""Searching logged models: filters, orders and pages."""

import base64
import json
import math

import pytest

from tests.contract.logged_models_world import World
from trackback import limits
from trackback.entities import ANYONE, DatasetFilter, LoggedModelStatus
from trackback.errors import InvalidParameter
from trackback.search.parser import MAX_TERMS
from trackback.services.logged_models import ModelOrder
from trackback.storage import Storage


@pytest.fixture
async def world(storage: Storage) -> World:
    world = World(storage)
    await world.begin()
    return world


class TestFilter:
    async def test_a_filter_finds_what_it_says(self, world: World) -> None:
        await world.add("Tree", model_type="x", params={"p": "1", "q r": "a"}, tags={"t": "1"}, loss=0.1)
        forest = await world.add("tree", params={"p": "2"}, tags={"t": "2"}, loss=2.0)
        await world.models.finalize(ANYONE, forest, LoggedModelStatus.READY)
        await world.add("svm", loss=math.nan)
        filters = {
            "name = 'tree'": {"tree"},
            "name = tree": {"tree"},
            "name != 'tree'": {"Tree", "svm"},
            "name LIKE 't%'": {"tree"},
            "name ILIKE 't%'": {"Tree", "tree"},
            "name IN ('svm', 'tree')": {"tree", "svm"},
            "name NOT IN ('svm', 'tree')": {"Tree"},
            "model_type = 'x'": {"Tree"},
            "model_type != 'x'": {"tree", "svm"},
            f"model_id = '{forest}'": {"tree"},
            f"source_run_id = '{world.run_id}'": {"Tree", "tree", "svm"},
            "status = 'READY'": {"tree"},
            "status != 'READY'": {"Tree", "svm"},
            "status IN ('PENDING', 'FAILED')": {"Tree", "svm"},
            "creation_time > 1000": {"tree", "svm"},
            "creation_timestamp = 1000": {"Tree"},
            "last_updated_timestamp >= 1002": {"tree", "svm"},
            "params.p = '1'": {"Tree"},
            "params.p != '1'": {"tree"},
            "params.`q r` LIKE '%a%'": {"Tree"},
            "params.p IS NULL": {"svm"},
            "params.never = '1'": set(),
            "tags.t = '2'": {"tree"},
            "tags.t IS NOT NULL": {"Tree", "tree"},
            "metrics.loss < 1": {"Tree"},
            "metrics.loss > 1 AND params.p = '2'": {"tree"},
            "metrics.loss = 0": set(),
            "metrics.loss != 0.1": {"tree", "svm"},
            "metrics.loss IS NOT NULL": {"Tree", "tree", "svm"},
            "metrics.never IS NULL": {"Tree", "tree", "svm"},
            "metrics.loss > 1 OR name = 'svm'": {"tree", "svm"},
            "NOT (metrics.loss > 1)": {"Tree"},
        }
        assert {text: set(await world.names(text)) for text in filters} == filters

    async def test_a_metric_is_its_last_point_by_step_then_timestamp_then_value(self, world: World) -> None:
        model_id = await world.add("a")
        await world.log(model_id, "loss", 9.0, step=1, timestamp_ms=99)
        for value in (1.0, 3.0, 2.0):
            await world.log(model_id, "loss", value, step=2, timestamp_ms=5)
        await world.log(model_id, "loss", 8.0, step=2, timestamp_ms=4)
        filters = {"metrics.loss = 3": ["a"], "metrics.loss > 3": [], "metrics.loss < 3": []}
        assert {text: await world.names(text) for text in filters} == filters

    async def test_the_least_and_the_greatest_value_leave_nan_out(self, world: World) -> None:
        model_id = await world.add("a")
        for step, value in enumerate((5.0, 1.0, math.nan)):
            await world.log(model_id, "loss", value, step=step)
        await world.add("b", loss=math.nan)
        filters = {
            "min(metrics.loss) = 1": ["a"],
            "max(metrics.loss) = 5": ["a"],
            "last(metrics.loss) = 5": [],
            "min(metrics.loss) != 7": ["a"],
        }
        assert {text: await world.names(text) for text in filters} == filters

    async def test_data_sets_narrow_metrics_to_their_own_points(self, world: World) -> None:
        good, bad = await world.add("good"), await world.add("bad")
        await world.add("none", loss=0.1)
        await world.log(good, "loss", 0.1, dataset="iris 1")
        await world.log(good, "loss", 0.9, dataset="wine 1")
        await world.log(bad, "loss", 0.9, dataset="iris 1")
        await world.log(bad, "loss", 0.1, step=-1, dataset="iris 2")
        searches: dict[tuple[str, tuple[DatasetFilter, ...]], set[str]] = {
            ("metrics.loss < 0.5", ()): {"none"},
            ("metrics.loss < 0.5", (DatasetFilter("iris", "1"),)): {"good"},
            ("metrics.loss < 0.5", (DatasetFilter("iris", "2"),)): {"bad"},
            ("metrics.loss < 0.5", (DatasetFilter("iris"),)): {"good"},
            ("metrics.loss > 0.5", (DatasetFilter("wine"), DatasetFilter("iris", "1"))): {"good", "bad"},
            ("", (DatasetFilter("iris"),)): {"good", "bad"},
            ("", (DatasetFilter("wine"),)): {"good"},
            ("name LIKE '%'", (DatasetFilter("iris", "3"),)): set(),
        }
        found = {(text, datasets): set(await world.names(text, *datasets)) for text, datasets in searches}
        assert found == searches

    async def test_what_is_no_search_is_refused(self, world: World, subtests: pytest.Subtests) -> None:
        for text in ("foo = 'x'", "name > 'x'", "metrics.loss = 'x'", "status = 'DONE'", "name"):
            with subtests.test(filter=text), pytest.raises(InvalidParameter):
                await world.page(text)
        for dataset in (DatasetFilter("", "1"), DatasetFilter("\0"), DatasetFilter("a", "\0")):
            with subtests.test(dataset=dataset), pytest.raises(InvalidParameter):
                await world.page("", dataset)
        for field in ("foo", "", "params.p", "metrics.", "metrics.\0"):
            with subtests.test(field=field), pytest.raises(InvalidParameter):
                await world.ordered(ModelOrder(field))
        for size in (0, -1, 1001):
            with subtests.test(size=size), pytest.raises(InvalidParameter):
                await world.page(max_results=size)
        with pytest.raises(InvalidParameter):
            await world.models.search(ANYONE, ["one"])


class TestOrder:
    async def test_the_newest_come_first_and_ties_go_by_id(self, world: World) -> None:
        added = [await world.add(name) for name in ("a", "b", "c")]
        assert await world.names() == ["c", "b", "a"]
        page = await world.models.search(ANYONE, [world.experiment_id], order_by=[ModelOrder("model_type")])
        assert [model.info.model_id for model in page.items] == added[::-1]

    async def test_attributes_order_both_ways(self, world: World) -> None:
        for name in ("b", "a", "B"):
            await world.add(name)
        assert await world.ordered(ModelOrder("name")) == ["B", "a", "b"]
        assert await world.ordered(ModelOrder("name", ascending=False)) == ["b", "a", "B"]
        assert await world.ordered(ModelOrder("creation_timestamp")) == ["b", "a", "B"]

    async def test_values_come_before_nan_and_nan_before_nothing_both_ways(self, world: World) -> None:
        await world.add("none")
        for name, value in (("nan", math.nan), ("high", 2.0), ("low", 1.0)):
            await world.add(name, m=value)
        assert await world.ordered(ModelOrder("metrics.m")) == ["low", "high", "nan", "none"]
        assert await world.ordered(ModelOrder("metrics.m", ascending=False)) == ["high", "low", "nan", "none"]
        assert await world.ordered(ModelOrder("min(metrics.m)")) == ["low", "high", "nan", "none"]
        assert await world.ordered(ModelOrder("max(metrics.m)", ascending=False)) == ["high", "low", "nan", "none"]

    async def test_a_metric_may_be_that_of_one_data_set(self, world: World) -> None:
        a, b = await world.add("a"), await world.add("b")
        for model_id, iris, wine in ((a, 1.0, 2.0), (b, 2.0, 1.0)):
            await world.log(model_id, "m", iris, dataset="iris 1")
            await world.log(model_id, "m", wine, dataset="wine 1")
        assert await world.ordered(ModelOrder("metrics.m", True, "iris", "1")) == ["a", "b"]
        assert await world.ordered(ModelOrder("metrics.m", True, "wine")) == ["b", "a"]

    async def test_later_criteria_order_within_the_first(self, world: World) -> None:
        for name, loss in (("a", 1.0), ("b", 1.0), ("b", 0.0)):
            await world.add(name, loss=loss)
        assert await world.ordered(ModelOrder("metrics.loss"), ModelOrder("name", False)) == ["b", "b", "a"]


class TestPages:
    async def test_pages_hold_everything_once_and_the_last_has_no_token(self, world: World) -> None:
        for i in range(5):
            await world.add(f"m{i}")
        found, token = [], ""
        for size in (2, 2, 1):
            page = await world.page("name LIKE 'm%'", max_results=2, page_token=token)
            assert len(page.items) == size
            found += [model.info.name for model in page.items]
            token = page.next_page_token or ""
        assert found == ["m4", "m3", "m2", "m1", "m0"]
        assert not token

    async def test_a_token_serves_the_search_it_came_from(self, world: World, subtests: pytest.Subtests) -> None:
        for name in ("a", "b"):
            await world.add(name)
        here, token = world.experiment_id, (await world.page("name != 'x'", max_results=1)).next_page_token
        assert token is not None
        assert json.loads(base64.b64decode(token))["offset"] == 1
        search = world.models.search
        others = {
            "another filter": search(ANYONE, [here], filter_text="name != 'y'", page_token=token),
            "other experiments": search(ANYONE, [here, "0"], filter_text="name != 'x'", page_token=token),
            "another order": search(
                ANYONE, [here], filter_text="name != 'x'", order_by=[ModelOrder("name")], page_token=token
            ),
            "other data sets": search(
                ANYONE, [here], filter_text="name != 'x'", datasets=[DatasetFilter("d")], page_token=token
            ),
        }
        for name, other in others.items():
            with subtests.test(name), pytest.raises(InvalidParameter, match="token belongs to another search"):
                await other

    async def test_a_search_covers_the_experiments_it_names(self, world: World) -> None:
        await world.add("a")
        first = world.experiment_id
        await world.begin("other")
        await world.add("b")
        page = await world.models.search(ANYONE, [world.experiment_id, first, first, "999"])
        assert [model.info.name for model in page.items] == ["b", "a"]
        assert await world.names() == ["b"]
        assert (await world.models.search(ANYONE, [])).items == []


async def test_the_most_terms_and_data_sets_that_a_search_takes_are_answered(world: World) -> None:
    await world.add("model")
    text = " AND ".join(f"metrics.m{number} > 1" for number in range(MAX_TERMS))
    datasets = [DatasetFilter(f"d{number}", "g") for number in range(limits.SEARCH_DATASETS)]
    assert await world.names(text, *datasets) == []
