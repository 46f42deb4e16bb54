"""Who may do what in the registry: what one may not read is not there, what one may read, one may not yet change."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from tests.contract.registry_world import World
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission, Role
from trackback.errors import InvalidParameter, NotFound, PermissionDenied
from trackback.storage import Storage, audit
from trackback.storage.audit import AuditQuery

READ, WRITE = Role.READER.permissions, Role.WRITER.permissions


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    """The registered models churn and fraud, each with a version of the run."""
    blobs = open_blobs(str(tmp_path / "blobs"))
    world = World(storage, blobs)
    for name in ("churn", "fraud"):
        await world.models.create(ANYONE, name, tags=[("k", "v")])
        await world.register(name)
    yield world
    await blobs.close()


async def actor(
    world: World, name: str = "churn", permissions: frozenset[Permission] = READ, **grants: object
) -> Actor:
    """Who has these permissions for one model, and besides."""
    model = int((await world.models.get(ANYONE, name)).id)
    return Actor("ann", grants=Grants(models={model: permissions}, **grants))  # type: ignore[arg-type]


def changes(world: World, who: Actor, name: str) -> list[Awaitable[object]]:
    return [
        world.models.update(who, name, "text"),
        world.models.delete(who, name),
        world.models.rename(who, name, "other"),
        world.models.set_tag(who, name, "k", "v"),
        world.models.delete_tag(who, name, "k"),
        world.models.set_alias(who, name, "a", "1"),
        world.models.delete_alias(who, name, "a"),
        world.versions.create(who, name, "s3://bucket/model"),
        world.versions.update(who, name, "1", "text"),
        world.versions.delete(who, name, "1"),
        world.versions.transition_stage(who, name, "1", "Archived"),
        world.versions.set_tag(who, name, "1", "k", "v"),
        world.versions.delete_tag(who, name, "1", "k"),
    ]


def looks(world: World, who: Actor, name: str) -> list[Awaitable[object]]:
    return [
        world.models.get(who, name),
        world.versions.get(who, name, "1"),
        world.versions.latest(who, name),
        world.versions.download_uri(who, name, "1"),
        world.versions.get_by_alias(who, name, "latest"),
        world.artifacts.open_of_version(who, name, "1", "MLmodel"),
    ]


async def test_what_one_may_not_read_is_not_there(world: World) -> None:
    ann = await actor(world, "churn", WRITE)
    for call in looks(world, ann, "churn"):
        await call
    for call in (*looks(world, ann, "fraud"), *changes(world, ann, "fraud")):
        with pytest.raises(NotFound, match="not found"):
            await call


async def test_who_may_read_may_not_change(world: World) -> None:
    ann = await actor(world, "churn", READ)
    for call in changes(world, ann, "churn"):
        with pytest.raises(PermissionDenied):
            await call


async def test_searches_find_what_one_may_read(world: World) -> None:
    ann = await actor(world, "churn")
    assert [model.name for model in (await world.models.search(ann)).items] == ["churn"]
    for text in ("", "name = 'fraud'", f"run_id = '{world.run_id}'"):
        found = (await world.versions.search(ann, filter_text=text)).items
        assert [version.name for version in found] == ([] if "fraud" in text else ["churn"])


async def test_names_are_given_by_those_who_may_write_everywhere(world: World) -> None:
    ann = await actor(world, "churn", WRITE)
    for call in (world.models.create(ann, "new"), world.models.rename(ann, "churn", "new")):
        with pytest.raises(PermissionDenied):
            await call
    assert (await world.models.create(Actor("bob", grants=Grants(everywhere=WRITE)), "new")).name == "new"


async def test_a_version_is_made_of_what_one_may_read(world: World) -> None:
    blind = await actor(world, "churn", WRITE)
    sources = (
        f"{world.run_uri}/model",
        f"runs:/{world.run_id}/model",
        f"mlflow-artifacts:/versions/{'0' * 64}",
        "models:/fraud/1",
    )
    for source in sources:
        with pytest.raises((InvalidParameter, NotFound)):
            await world.versions.create(blind, "churn", source)
    seeing = await actor(world, "churn", WRITE, experiments={int(world.experiment_id): READ})
    made = await world.versions.create(seeing, "churn", f"{world.run_uri}/model")
    assert (made.run_id, made.user_id) == (world.run_id, "ann")


async def test_an_environment_is_entered_and_left_by_those_who_may_promote(world: World) -> None:
    writer = await actor(world, "churn", WRITE)
    await world.models.set_alias(ANYONE, "churn", "production", "1")
    for call in (
        world.models.set_alias(writer, "churn", "staging", "1"),
        world.models.delete_alias(writer, "churn", "production"),
        world.versions.transition_stage(writer, "churn", "1", "Archived"),
        world.versions.delete(writer, "churn", "1"),
        world.models.delete(writer, "churn"),
    ):
        with pytest.raises(PermissionDenied, match="promote"):
            await call
    promoter = await actor(world, "churn", WRITE | Role.PROMOTER.permissions)
    await world.versions.delete(promoter, "churn", "1")


async def test_each_change_is_in_the_audit_log_under_the_models_id(world: World) -> None:
    model, versions = world.models, world.versions
    made = await model.get(ANYONE, "churn")
    for call in (
        model.update(ANYONE, "churn", "text"),
        model.set_tag(ANYONE, "churn", "k", "v"),
        model.delete_tag(ANYONE, "churn", "k"),
        model.delete_tag(ANYONE, "churn", "never there"),
        model.set_alias(ANYONE, "churn", "a", "1"),
        model.delete_alias(ANYONE, "churn", "a"),
        versions.update(ANYONE, "churn", "1", "text"),
        versions.set_tag(ANYONE, "churn", "1", "k", "v"),
        versions.delete_tag(ANYONE, "churn", "1", "k"),
        versions.transition_stage(ANYONE, "churn", "1", "Archived"),
        versions.delete(ANYONE, "churn", "1"),
        model.rename(ANYONE, "churn", "leavers"),
        model.delete(ANYONE, "leavers"),
    ):
        await call
    entries = await world.storage.look_up(lambda tx: audit.entries(tx, AuditQuery(object=f"models/{made.id}")))
    assert " ".join(entry.action for entry in reversed(entries)) == (
        "model.create version.create model.describe model.set_tag model.delete_tag alias.set alias.delete"
        " version.describe version.set_tag version.delete_tag stage.set version.delete model.rename model.delete"
    )
