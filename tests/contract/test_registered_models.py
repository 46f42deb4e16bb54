"""Registered models: their life, tags and aliases, and how they are found."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.registry_world import World
from trackback import limits
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Alias, RegisteredModel, Stage, Tag
from trackback.errors import AlreadyExists, InvalidParameter, NotFound
from trackback.storage import Storage, registered_models


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "blobs"))
    yield World(storage, blobs)
    await blobs.close()


async def names(world: World, filter_text: str = "", **options: object) -> str:
    page = await world.models.search(ANYONE, filter_text=filter_text, **options)  # type: ignore[arg-type]
    return " ".join(model.name for model in page.items)


class TestLife:
    async def test_a_model_begins_without_versions(self, world: World) -> None:
        made = await world.models.create(
            ANYONE, "churn", description="who leaves", tags=[("team", "red"), ("team", "blue")]
        )
        assert made == RegisteredModel(
            name="churn",
            id=made.id,
            creation_timestamp=1000,
            last_updated_timestamp=1000,
            description="who leaves",
            tags=(Tag("team", "blue"),),
        )
        assert await world.models.get(ANYONE, "churn") == made

    async def test_a_name_is_taken_once(self, world: World) -> None:
        await world.models.create(ANYONE, "churn")
        with pytest.raises(AlreadyExists, match=r"Registered Model \(name=churn\) already exists."):
            await world.models.create(ANYONE, "churn")
        await world.models.create(ANYONE, "Churn")

    async def test_of_many_who_take_a_name_at_once_one_gets_it(self, world: World) -> None:
        outcomes = await asyncio.gather(
            *(world.models.create(ANYONE, "churn") for _ in range(8)), return_exceptions=True
        )
        assert sum(isinstance(outcome, RegisteredModel) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 7

    @pytest.mark.parametrize("name", ["", "  ", "a/b", "a:b", ".", "..", "x" * 257, "a\0b"])
    async def test_a_name_is_no_path_and_not_blank(self, world: World, name: str) -> None:
        with pytest.raises(InvalidParameter):
            await world.models.create(ANYONE, name)

    async def test_a_description_is_set_and_cleared(self, world: World) -> None:
        made = await world.models.create(ANYONE, "churn", description="old")
        changed = await world.models.update(ANYONE, "churn", "new")
        assert (changed.description, changed.last_updated_timestamp > made.last_updated_timestamp) == ("new", True)
        assert (await world.models.update(ANYONE, "churn", "")).description is None

    async def test_a_renamed_model_keeps_its_id_and_all_it_has(self, world: World) -> None:
        made = await world.models.create(ANYONE, "churn", tags=[("a", "1")])
        await world.register()
        await world.models.set_alias(ANYONE, "churn", "champion", "1")
        renamed = await world.models.rename(ANYONE, "churn", "leavers")
        assert (renamed.id, renamed.name, renamed.tags) == (made.id, "leavers", made.tags)
        assert (await world.versions.get_by_alias(ANYONE, "leavers", "champion")).name == "leavers"
        with pytest.raises(NotFound, match="Registered Model with name=churn not found"):
            await world.models.get(ANYONE, "churn")

    async def test_a_model_is_not_renamed_to_one_that_is_there(self, world: World) -> None:
        for name in ("a", "b"):
            await world.models.create(ANYONE, name)
        with pytest.raises(AlreadyExists, match=r"Registered Model \(name=b\) already exists."):
            await world.models.rename(ANYONE, "a", "b")
        assert (await world.models.rename(ANYONE, "a", "a")).name == "a"

    async def test_a_deleted_model_is_gone_with_its_versions_and_leaves_its_name(self, world: World) -> None:
        made = await world.models.create(ANYONE, "churn", tags=[("a", "1")])
        await world.register()
        await world.models.set_alias(ANYONE, "churn", "champion", "1")
        await world.models.delete(ANYONE, "churn")
        with pytest.raises(NotFound):
            await world.models.get(ANYONE, "churn")
        assert (await world.versions.search(ANYONE)).items == []
        again = await world.models.create(ANYONE, "churn")
        assert (again.id != made.id, again.tags, again.aliases) == (True, (), ())
        assert (await world.register()).version == "1"
        with pytest.raises(InvalidParameter):
            await world.versions.get_by_alias(ANYONE, "churn", "champion")

    async def test_what_is_not_there_is_not_found(self, world: World) -> None:
        models = world.models
        for call in (
            models.get(ANYONE, "no"),
            models.update(ANYONE, "no", ""),
            models.rename(ANYONE, "no", "new"),
            models.delete(ANYONE, "no"),
            models.set_tag(ANYONE, "no", "k", "v"),
            models.delete_tag(ANYONE, "no", "k"),
            models.set_alias(ANYONE, "no", "a", "1"),
            models.delete_alias(ANYONE, "no", "a"),
            world.versions.latest(ANYONE, "no"),
        ):
            with pytest.raises(NotFound, match="Registered Model with name=no not found"):
                await call


class TestTags:
    async def test_a_tag_is_set_changed_and_deleted(self, world: World) -> None:
        made = await world.models.create(ANYONE, "churn")
        await world.models.set_tag(ANYONE, "churn", "team", "red")
        await world.models.set_tag(ANYONE, "churn", "team", "x" * limits.REGISTRY_TAG_VALUE_LENGTH)
        tagged = await world.models.get(ANYONE, "churn")
        assert [len(tag.value) for tag in tagged.tags] == [limits.REGISTRY_TAG_VALUE_LENGTH]
        assert tagged.last_updated_timestamp == made.last_updated_timestamp
        for _ in range(2):
            await world.models.delete_tag(ANYONE, "churn", "team")
        assert (await world.models.get(ANYONE, "churn")).tags == ()

    @pytest.mark.parametrize(
        ("key", "value"), [("", "v"), ("a" * 251, "v"), ("/a", "v"), ("k", "x" * 100_001), ("k", "\0")]
    )
    async def test_keys_and_values_have_limits(self, world: World, key: str, value: str) -> None:
        await world.models.create(ANYONE, "churn")
        with pytest.raises(InvalidParameter):
            await world.models.set_tag(ANYONE, "churn", key, value)
        with pytest.raises(InvalidParameter):
            await world.models.create(ANYONE, "other", tags=[(key, value)])


class TestAliases:
    async def test_an_alias_names_one_version_and_moves(self, world: World) -> None:
        await world.models.create(ANYONE, "churn")
        for _ in range(2):
            await world.register()
        await world.models.set_alias(ANYONE, "churn", "champion", "1")
        await world.models.set_alias(ANYONE, "churn", "Ügly-1", "1")
        await world.models.set_alias(ANYONE, "churn", "champion", "2")
        await world.models.set_alias(ANYONE, "churn", "champion", "2")
        assert (await world.models.get(ANYONE, "churn")).aliases == (Alias("champion", "2"), Alias("Ügly-1", "1"))
        named = await world.versions.get_by_alias(ANYONE, "churn", "champion")
        assert (named.version, named.aliases) == ("2", ("champion",))
        for _ in range(2):
            await world.models.delete_alias(ANYONE, "churn", "champion")
        with pytest.raises(InvalidParameter, match="Registered model alias champion not found"):
            await world.versions.get_by_alias(ANYONE, "churn", "champion")
        with pytest.raises(InvalidParameter):
            await world.versions.get_by_alias(ANYONE, "churn", "ügly-1")

    @pytest.mark.parametrize("alias", ["", "a b", "a/b", "latest", "LATEST", "v1", "V20", "x" * 256])
    async def test_an_alias_is_a_word_that_is_not_reserved(self, world: World, alias: str) -> None:
        await world.models.create(ANYONE, "churn")
        await world.register()
        with pytest.raises(InvalidParameter):
            await world.models.set_alias(ANYONE, "churn", alias, "1")

    async def test_only_a_version_that_is_there_has_an_alias(self, world: World) -> None:
        await world.models.create(ANYONE, "churn")
        await world.register()
        await world.versions.delete(ANYONE, "churn", "1")
        for version in ("1", "2", "0", "-1", "99999999999999999999"):
            with pytest.raises(NotFound, match="not found"):
                await world.models.set_alias(ANYONE, "churn", "champion", version)
        with pytest.raises(InvalidParameter, match="integer"):
            await world.models.set_alias(ANYONE, "churn", "champion", "one")

    async def test_latest_names_the_highest_number(self, world: World) -> None:
        await world.models.create(ANYONE, "churn")
        with pytest.raises(NotFound, match="Latest version not found for model churn"):
            await world.versions.get_by_alias(ANYONE, "churn", "latest")
        for _ in range(3):
            await world.register()
        await world.versions.transition_stage(ANYONE, "churn", "1", "Production")
        await world.versions.delete(ANYONE, "churn", "3")
        assert (await world.versions.get_by_alias(ANYONE, "churn", "Latest")).version == "2"

    async def test_a_deleted_version_loses_its_aliases(self, world: World) -> None:
        await world.models.create(ANYONE, "churn")
        for alias, version in (("a", await world.register()), ("b", await world.register())):
            await world.models.set_alias(ANYONE, "churn", alias, version.version)
        await world.versions.delete(ANYONE, "churn", "1")
        assert (await world.models.get(ANYONE, "churn")).aliases == (Alias("b", "2"),)


class TestLatestVersions:
    async def test_a_model_shows_the_newest_version_of_each_stage(self, world: World) -> None:
        await world.models.create(ANYONE, "churn")
        for _ in range(5):
            await world.register()
        for version, stage in (("1", "archived"), ("2", "ARCHIVED"), ("3", "Production")):
            await world.versions.transition_stage(ANYONE, "churn", version, stage)
        await world.models.set_alias(ANYONE, "churn", "champion", "3")
        model = await world.models.get(ANYONE, "churn")
        shown = {version.current_stage: (version.version, version.aliases) for version in model.latest_versions}
        in_production = ("3", ("champion", "production"))
        assert shown == {Stage.ARCHIVED: ("2", ()), Stage.PRODUCTION: in_production, Stage.NONE: ("5", ())}
        found = await world.versions.latest(ANYONE, "churn", ["none", "Production", "Staging"])
        assert [version.version for version in found] == ["3", "5"]
        assert [version.version for version in await world.versions.latest(ANYONE, "churn")] == ["2", "3", "5"]
        with pytest.raises(InvalidParameter, match="Invalid Model Version stage: 'Prod'"):
            await world.versions.latest(ANYONE, "churn", ["Prod"])


class TestSearch:
    @pytest.fixture
    async def models(self, world: World) -> None:
        for name, team in (("ada", "red"), ("bob", "blue"), ("Cyd", "red"), ("dan", "")):
            await world.models.create(ANYONE, name, tags=[("team", team)] if team else [])
        await world.models.create(ANYONE, "greeting", tags=[("mlflow.prompt.is_prompt", "true")])
        await world.models.update(ANYONE, "bob", "changed last")

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", "Cyd ada bob dan"),
            ("name = 'ada'", "ada"),
            ("name != 'ada'", "Cyd bob dan"),
            ("name LIKE '%d%'", "Cyd ada dan"),
            ("name ILIKE 'c%'", "Cyd"),
            ("name IN ('ada', 'dan', 'no')", "ada dan"),
            ("name NOT IN ('ada', 'dan')", "Cyd bob"),
            ("attribute.name = 'ada'", "ada"),
            ("tags.team = 'red'", "Cyd ada"),
            ("tag.team != 'red'", "bob"),
            ("tags.team LIKE 'b%'", "bob"),
            ("tags.team IS NULL", "dan"),
            ("tags.`team` = 'red' AND name ILIKE '%A%'", "ada"),
            ("name = 'ada' OR NOT (tags.team = 'red' OR name = 'dan')", "ada bob"),
            ("tag.`mlflow.prompt.is_prompt` != 'true'", "Cyd ada bob dan"),
            ("name LIKE '%d%' AND tag.`mlflow.prompt.is_prompt` != 'true'", "Cyd ada dan"),
            ("tags.`mlflow.prompt.is_prompt` = 'false'", "Cyd ada bob dan"),
            ("tags.`mlflow.prompt.is_prompt` = 'true'", "greeting"),
            ("tags.`mlflow.prompt.is_prompt` != 'false'", "greeting"),
            ("name = 'ada' OR tags.`mlflow.prompt.is_prompt` = 'true'", "ada greeting"),
        ],
    )
    async def test_a_filter_finds(self, world: World, models: None, text: str, found: str) -> None:
        assert await names(world, text) == found

    @pytest.mark.parametrize(
        ("order", "found"),
        [
            (["name DESC"], "dan bob ada Cyd"),
            (["timestamp DESC"], "bob dan Cyd ada"),
            (["last_updated_timestamp"], "ada Cyd dan bob"),
        ],
    )
    async def test_an_order_is_kept(self, world: World, models: None, order: list[str], found: str) -> None:
        assert await names(world, order_by=order) == found

    @pytest.mark.parametrize(
        "text", ["creation_timestamp > 1", "version = '1'", "name > 'a'", "metrics.a = 1", "name = ada"]
    )
    async def test_what_models_do_not_have_is_refused(self, world: World, text: str) -> None:
        with pytest.raises(InvalidParameter):
            await names(world, text)
        with pytest.raises(InvalidParameter):
            await names(world, order_by=["creation_timestamp"])

    async def test_pages_follow_one_another(self, world: World, models: None) -> None:
        first = await world.models.search(ANYONE, max_results=3)
        rest = await world.models.search(ANYONE, max_results=3, page_token=first.next_page_token or "")
        assert [model.name for model in [*first.items, *rest.items]] == ["Cyd", "ada", "bob", "dan"]
        assert rest.next_page_token is None
        for size in (0, limits.REGISTERED_MODELS_PER_PAGE + 1):
            with pytest.raises(InvalidParameter):
                await world.models.search(ANYONE, max_results=size)


async def test_a_model_is_known_by_its_id_after_it_was_deleted(world: World) -> None:
    made = await world.models.create(ANYONE, "churn")
    await world.models.delete(ANYONE, "churn")
    found = await world.storage.look_up(lambda tx: registered_models.find_by_id(tx, int(made.id)))
    assert found is not None
    assert found.name == "churn"
