"""Logged models: their life, params, tags and points."""

import asyncio
import math

import pytest

from tests.contract.logged_models_world import World
from trackback.entities import (
    ANYONE,
    LoggedModel,
    LoggedModelData,
    LoggedModelInfo,
    LoggedModelStatus,
    Metric,
    Param,
    Tag,
)
from trackback.errors import BadRequest, InvalidParameter, NotFound
from trackback.services.logged_models import writable_models
from trackback.storage import Storage, Transaction
from trackback.storage.interface import Row


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
