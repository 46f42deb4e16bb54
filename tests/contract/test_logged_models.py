"""Logged models: their life, params, tags and points, and how they are found."""

import asyncio
import base64
import itertools
import json
import math

import pytest

from trackback import limits
from trackback.entities import (
    ANYONE,
    DatasetFilter,
    LoggedModel,
    LoggedModelData,
    LoggedModelInfo,
    LoggedModelStatus,
    Metric,
    Param,
    Points,
    Tag,
)
from trackback.errors import BadRequest, InvalidParameter, NotFound
from trackback.search.parser import MAX_TERMS
from trackback.services.experiments import Experiments
from trackback.services.logged_models import LoggedModels, ModelOrder, writable_models
from trackback.services.pages import Page
from trackback.services.run_log import ModelOfPoint, RunLog
from trackback.services.runs import Runs
from trackback.services.sealing import Sealer
from trackback.storage import Storage, Transaction
from trackback.storage.interface import Row


class World:
    """An experiment with a run, and the models that are logged to it; the clock ticks at every look."""

    def __init__(self, storage: Storage) -> None:
        self.experiments = Experiments(storage, "mlflow-artifacts:/")
        self.models = LoggedModels(storage, itertools.count(1000).__next__)
        self._runs = Runs(storage)
        self._run_log = RunLog(storage, Sealer(storage))
        self.experiment_id = self.run_id = ""

    async def begin(self, name: str = "experiment") -> None:
        self.experiment_id = await self.experiments.create(ANYONE, name)
        self.run_id = (await self._runs.create(ANYONE, self.experiment_id)).info.run_id

    async def add(
        self,
        name: str,
        *,
        model_type: str = "",
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
        **metrics: float,
    ) -> str:
        model = await self.models.create(
            ANYONE,
            self.experiment_id,
            name=name,
            model_type=model_type,
            source_run_id=self.run_id,
            params=list((params or {}).items()),
            tags=list((tags or {}).items()),
        )
        for key, value in metrics.items():
            await self.log(model.info.model_id, key, value)
        return model.info.model_id

    async def log(
        self, model_id: str, key: str, value: float, step: int = 0, timestamp_ms: int = 1, dataset: str = " "
    ) -> None:
        """Log a point for a model; ``dataset`` is a name and a digest."""
        name, digest = dataset.split(" ")
        await self._run_log.log(
            ANYONE,
            self.run_id,
            points=Points([key], [step], [timestamp_ms], [value]),
            models=[ModelOfPoint(0, model_id, name, digest)],
        )

    async def log_batch(self, values: dict[str, float]) -> None:
        """Log a point for each model, all in one batch."""
        count = len(values)
        await self._run_log.log(
            ANYONE,
            self.run_id,
            points=Points(["m"] * count, [0] * count, [1] * count, list(values.values())),
            models=[ModelOfPoint(place, model_id, "", "") for place, model_id in enumerate(values)],
        )

    async def page(self, filter_text: str = "", *datasets: DatasetFilter, **options: int | str) -> Page[LoggedModel]:
        return await self.models.search(
            ANYONE,
            [self.experiment_id],
            filter_text=filter_text,
            datasets=datasets,
            max_results=int(options.get("max_results", 100)),
            page_token=str(options.get("page_token", "")),
        )

    async def names(self, filter_text: str = "", *datasets: DatasetFilter) -> list[str]:
        return [model.info.name for model in (await self.page(filter_text, *datasets)).items]

    async def ordered(self, *order_by: ModelOrder) -> list[str]:
        page = await self.models.search(ANYONE, [self.experiment_id], order_by=order_by)
        return [model.info.name for model in page.items]


@pytest.fixture
async def world(storage: Storage) -> World:
    world = World(storage)
    await world.begin()
    return world


class TestLife:
    async def test_a_new_model_is_pending_and_lies_beside_the_runs(self, world: World) -> None:
        model = await world.models.create(
            ANYONE,
            world.experiment_id,
            name="forest",
            model_type="classifier",
            source_run_id="of another server",
            params=[("depth", "3"), ("ü", "")],
            tags=[("a*b", "1"), ("a*b", "2")],
        )
        model_id = model.info.model_id
        assert model == LoggedModel(
            LoggedModelInfo(
                model_id=model_id,
                experiment_id=world.experiment_id,
                name="forest",
                creation_timestamp_ms=1000,
                last_updated_timestamp_ms=1000,
                artifact_uri=f"mlflow-artifacts:/{world.experiment_id}/models/{model_id}/artifacts",
                status=LoggedModelStatus.PENDING,
                model_type="classifier",
                source_run_id="of another server",
                tags=(Tag("a*b", "2"),),
            ),
            LoggedModelData(params=(Param("depth", "3"), Param("ü", ""))),
        )
        assert await world.models.get(ANYONE, model_id) == model

    async def test_ids_are_m_and_32_hex_digits(self, world: World) -> None:
        prefix, _, digits = (await world.add("a")).partition("-")
        assert (prefix, len(digits), int(digits, 16) > 0) == ("m", 32, True)

    async def test_without_a_name_a_model_gets_one(self, world: World) -> None:
        model = await world.models.create(ANYONE, world.experiment_id)
        adjective, noun, number = model.info.name.split("-")
        assert adjective.isalpha()
        assert noun.isalpha()
        assert number.isdigit()

    async def test_names_may_repeat(self, world: World) -> None:
        first, second = await world.add("a"), await world.add("a")
        assert first != second

    async def test_bad_values_are_refused_and_nothing_is_created(self, world: World, subtests: pytest.Subtests) -> None:
        bad = {
            **{f"name with {sign}": {"name": f"a{sign}b"} for sign in "/:.%\"'\0"},
            "long name": {"name": "a" * 501},
            "long type": {"model_type": "a" * 501},
            "NUL in type": {"model_type": "\0"},
            "long run id": {"source_run_id": "a" * 257},
            "no param key": {"params": [("", "v")]},
            "long param key": {"params": [("k" * 256, "v")]},
            "NUL in param": {"params": [("k", "\0")]},
            "long tag value": {"tags": [("k", "v" * 100_001)]},
        }
        for name, values in bad.items():
            with subtests.test(name), pytest.raises(InvalidParameter):
                await world.models.create(ANYONE, world.experiment_id, **values)  # type: ignore[arg-type]
        assert await world.names() == []

    async def test_the_experiment_has_to_be_there_and_active(self, world: World) -> None:
        await world.experiments.delete(ANYONE, world.experiment_id)
        with pytest.raises(InvalidParameter, match=r"must be in the 'active' state\. Current state is deleted"):
            await world.add("a")
        with pytest.raises(NotFound, match="No Experiment with id=99 exists"):
            await world.models.create(ANYONE, "99")
        with pytest.raises(InvalidParameter):
            await world.models.create(ANYONE, "none")

    async def test_finalizing_sets_the_status_from_any_to_any(self, world: World) -> None:
        model_id = await world.add("a")
        for status in (LoggedModelStatus.READY, LoggedModelStatus.FAILED, LoggedModelStatus.PENDING):
            info = (await world.models.finalize(ANYONE, model_id, status)).info
            assert (info.status, info.last_updated_timestamp_ms > info.creation_timestamp_ms) == (status, True)

    async def test_a_deleted_model_is_hidden_unless_asked_for_and_can_be_deleted_again(self, world: World) -> None:
        model_id = await world.add("a", params={"p": "1"})
        for _ in range(2):
            await world.models.delete(ANYONE, model_id)
        with pytest.raises(NotFound, match=f"Logged model with ID '{model_id}' not found"):
            await world.models.get(ANYONE, model_id)
        deleted = await world.models.get(ANYONE, model_id, allow_deleted=True)
        assert (deleted.data.params, deleted.info.last_updated_timestamp_ms) == ((Param("p", "1"),), 1001)
        assert await world.names() == []

    async def test_nothing_is_written_to_an_unknown_or_a_deleted_model(self, world: World) -> None:
        deleted = await world.add("a")
        await world.models.delete(ANYONE, deleted)
        for model_id in (deleted, "m-unknown"):
            for write in (
                world.models.finalize(ANYONE, model_id, LoggedModelStatus.READY),
                world.models.set_tags(ANYONE, model_id, [("k", "v")]),
                world.models.delete_tag(ANYONE, model_id, "k"),
                world.models.add_params(ANYONE, model_id, [("k", "v")]),
                world.log(model_id, "loss", 1.0),
            ):
                with pytest.raises(NotFound, match=f"Logged model with ID '{model_id}' not found"):
                    await write
        with pytest.raises(NotFound):
            await world.models.delete(ANYONE, "m-unknown")
        with pytest.raises(InvalidParameter):
            await world.models.get(ANYONE, "\0")


class TestParamsAndTags:
    async def test_params_are_added_but_never_changed(self, world: World) -> None:
        model_id = await world.add("a", params={"a": "1"})
        await world.models.add_params(ANYONE, model_id, [("b", "2")])
        for params in ([("c", "3"), ("a", "1")], [("d", "1"), ("d", "1")]):
            with pytest.raises(BadRequest):
                await world.models.add_params(ANYONE, model_id, params)
        assert (await world.models.get(ANYONE, model_id)).data.params == (Param("a", "1"), Param("b", "2"))

    async def test_a_param_given_twice_creates_no_model(self, world: World) -> None:
        with pytest.raises(BadRequest, match="'a' comes twice"):
            await world.models.create(ANYONE, world.experiment_id, params=[("a", "1"), ("b", "1"), ("a", "1")])
        assert await world.names() == []

    async def test_of_many_who_add_one_param_at_once_one_succeeds(self, world: World) -> None:
        model_id = await world.add("a")
        adding = (world.models.add_params(ANYONE, model_id, [("k", str(i))]) for i in range(20))
        outcomes = await asyncio.gather(*adding, return_exceptions=True)
        assert outcomes.count(None) == 1
        assert sum(isinstance(outcome, BadRequest) for outcome in outcomes) == 19

    async def test_tags_are_set_changed_and_deleted(self, world: World) -> None:
        model_id = await world.add("a", tags={"k": "1"})
        await world.models.set_tags(ANYONE, model_id, [("k", "2"), ("k", "3"), ("l", "v" * 100_000)])
        assert (await world.models.get(ANYONE, model_id)).info.tags == (Tag("k", "3"), Tag("l", "v" * 100_000))
        await world.models.delete_tag(ANYONE, model_id, "l")
        with pytest.raises(NotFound, match="No tag with key 'l' found"):
            await world.models.delete_tag(ANYONE, model_id, "l")
        assert (await world.models.get(ANYONE, model_id)).info.tags == (Tag("k", "3"),)

    async def test_many_set_the_same_tags_in_any_order_at_once(self, world: World) -> None:
        model_id = await world.add("a")
        tags = [(f"k{i}", "v") for i in range(20)]
        turned = (tags[i:] + tags[:i] for i in range(20))
        await asyncio.gather(*(world.models.set_tags(ANYONE, model_id, each) for each in turned))
        assert len((await world.models.get(ANYONE, model_id)).info.tags) == 20


class TestMetrics:
    async def test_a_model_has_all_its_points_each_once(self, world: World) -> None:
        model_id = await world.add("a")
        for _ in range(2):
            await world.log(model_id, "loss", 0.5, step=1, timestamp_ms=7)
            await world.log(model_id, "loss", math.inf, step=2, timestamp_ms=8, dataset="iris abc")
        metrics = (await world.models.get(ANYONE, model_id)).data.metrics
        assert metrics == (
            Metric("loss", 0.5, 7, 1, world.run_id, model_id),
            Metric("loss", 1.7976931348623157e308, 8, 2, world.run_id, model_id, "iris", "abc"),
        )

    async def test_nan_stays_nan(self, world: World) -> None:
        model_id = await world.add("a", loss=math.nan)
        (metric,) = (await world.models.get(ANYONE, model_id)).data.metrics
        assert math.isnan(metric.value)

    async def test_a_batch_has_points_of_many_models_or_none_where_one_is_not_there(self, world: World) -> None:
        ids = [await world.add(f"m{i}") for i in range(3)]
        await world.log_batch(dict.fromkeys(ids, 1.0))
        with pytest.raises(NotFound, match="Logged model with ID 'm-not-there' not found"):
            await world.log_batch(dict.fromkeys([*ids, "m-not-there"], 2.0))
        for model_id in ids:
            metrics = (await world.models.get(ANYONE, model_id)).data.metrics
            assert [(metric.value, metric.model_id) for metric in metrics] == [(1.0, model_id)]

    async def test_the_models_of_a_batch_are_found_by_one_statement(
        self, world: World, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [await world.add(f"m{i}") for i in range(3)]
        statements: list[str] = []

        def operation(tx: Transaction) -> list[str]:
            rows = tx.rows

            def counted(sql: str, *values: object) -> list[Row]:
                statements.append(sql)
                return rows(sql, *values)

            monkeypatch.setattr(tx, "rows", counted)
            return sorted(writable_models(tx, ANYONE, ids))

        assert await storage.read(operation) == sorted(ids)
        assert len(statements) == 1


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
