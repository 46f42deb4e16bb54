"""Versions: what is kept when one is registered, from wherever; their stages and tags, and how they are found."""

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.registry_world import World
from tests.contract.test_artifacts import contents
from trackback import limits
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, ModelParam, ModelVersion, ModelVersionStatus, Stage, Tag
from trackback.errors import InvalidParameter, NotFound
from trackback.storage import Storage

MLMODEL = hashlib.sha256(b"flavors: {}").hexdigest()
DIGEST = hashlib.sha256(f"{MLMODEL}  MLmodel\n".encode()).hexdigest()


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    """With the registered model churn, and a run whose folder ``model`` is of ``DIGEST``."""
    blobs = open_blobs(str(tmp_path / "blobs"))
    world = World(storage, blobs, str(tmp_path / "elsewhere"))
    await world.begin("mlflow-artifacts:/training")
    await world.models.create(ANYONE, "churn")
    yield world
    await blobs.close()


async def versions(world: World, filter_text: str = "", **options: object) -> str:
    page = await world.versions.search(ANYONE, filter_text=filter_text, **options)  # type: ignore[arg-type]
    return " ".join(f"{version.name}{version.version}" for version in page.items)


class TestRegistering:
    async def test_a_version_is_the_runs_files_params_and_metrics_as_they_are(self, world: World) -> None:
        await world.log({"alpha": "0.5"}, loss=0.5)
        await world.log({}, step=1, loss=math.nan)
        source = f"{world.run_uri}/model"
        made = await world.versions.create(
            ANYONE,
            "churn",
            source,
            run_id=world.run_id,
            run_link="http://runs/1",
            description="the first",
            tags=[("a", "1"), ("a", "2")],
        )
        await world.log({"beta": "1"}, step=2, loss=0.1, late=1.0)
        await world.put(f"{source}/MLmodel", b"changed later")

        kept = await world.versions.get(ANYONE, "churn", "1")
        assert kept.model_metrics[0].value != kept.model_metrics[0].value
        assert [(metric.key, metric.step) for metric in kept.model_metrics] == [("loss", 1)]
        assert kept.model_params == (ModelParam("alpha", "0.5"),) == made.model_params
        assert (kept.version, kept.digest, kept.source) == ("1", DIGEST, source)
        assert (kept.run_id, kept.run_link, kept.description) == (world.run_id, "http://runs/1", "the first")
        assert (kept.current_stage, kept.status) == (Stage.NONE, ModelVersionStatus.READY)
        assert (kept.tags, kept.aliases, kept.status_message) == ((Tag("a", "2"),), (), None)
        location = await world.versions.download_uri(ANYONE, "churn", "1")
        assert location == f"mlflow-artifacts:/versions/{DIGEST}"
        file = await world.artifacts.open(ANYONE, f"versions/{DIGEST}/MLmodel")
        assert await contents(file) == b"flavors: {}"

    async def test_a_version_of_a_logged_model_has_its_files_run_params_and_metrics(self, world: World) -> None:
        model = (
            await world.logged_models.create(
                ANYONE, world.experiment_id, name="net", source_run_id=world.run_id, params=[("depth", "3")]
            )
        ).info
        await world.put(f"{model.artifact_uri}/MLmodel", b"flavors: {}")
        await world.log({"of": "the run"}, model_id=model.model_id, step=2, auc=0.7)
        await world.log({}, model_id=model.model_id, step=1, auc=0.9)
        made = await world.versions.create(ANYONE, "churn", f"models:/{model.model_id}", model_id=model.model_id)
        assert (made.run_id, made.model_id, made.digest) == (world.run_id, model.model_id, DIGEST)
        assert made.model_params == (ModelParam("depth", "3"),)
        assert [(metric.key, metric.value) for metric in made.model_metrics] == [("auc", 0.7)]

    async def test_where_a_logged_model_has_no_params_the_runs_are_kept(self, world: World) -> None:
        model = (await world.logged_models.create(ANYONE, world.experiment_id, source_run_id=world.run_id)).info
        await world.log({"of": "the run"}, loss=1.0)
        made = await world.register(source=f"models:/{model.model_id}")
        assert made.model_params == (ModelParam("of", "the run"),)
        assert [metric.key for metric in made.model_metrics] == ["loss"]

    async def test_a_runs_logged_model_may_be_named_as_if_it_lay_in_the_run(self, world: World) -> None:
        model = (
            await world.logged_models.create(ANYONE, world.experiment_id, name="net", source_run_id=world.run_id)
        ).info
        await world.put(f"{model.artifact_uri}/MLmodel", b"flavors: {}")
        for path, model_id in (("net", model.model_id), ("model", None)):
            made = await world.register(source=f"runs:/{world.run_id}/{path}")
            assert (made.run_id, made.model_id, made.digest) == (world.run_id, model_id, DIGEST)

    async def test_a_copy_has_all_of_the_version_and_touches_no_files(self, world: World) -> None:
        await world.log({"alpha": "0.5"}, loss=0.5)
        original = await world.register(source=f"runs:/{world.run_id}/model")
        await world.models.set_alias(ANYONE, "churn", "champion", "1")
        await world.artifacts.delete(ANYONE, f"{world.run_uri.removeprefix('mlflow-artifacts:/')}/model")
        await world.models.create(ANYONE, "copies")
        for source in ("models:/churn/1", "models:/churn@champion", "models:/churn/latest"):
            copy = await world.versions.create(ANYONE, "copies", source, run_id=world.run_id)
            assert (copy.digest, copy.run_id, copy.source) == (original.digest, world.run_id, source)
            assert (copy.model_params, copy.model_metrics) == (original.model_params, original.model_metrics)
        location = await world.versions.download_uri(ANYONE, "copies", "3")
        assert location == await world.versions.download_uri(ANYONE, "churn", "1")
        with pytest.raises(InvalidParameter, match="must match the referenced model version"):
            await world.versions.create(ANYONE, "copies", "models:/churn/1", run_id="f" * 32)
        for source, error in (
            ("models:/churn/2", NotFound),
            ("models:/no/1", NotFound),
            ("models:/churn@no", InvalidParameter),
            ("models:/churn", InvalidParameter),
            ("models:/churn/one", InvalidParameter),
            ("models://profile/churn/1", InvalidParameter),
        ):
            with pytest.raises(error):
                await world.register("copies", source)

    async def test_files_on_a_disk_that_clients_share_are_taken_in(
        self, storage: Storage, world: World, tmp_path: Path
    ) -> None:
        root = tmp_path / "elsewhere"
        elsewhere = World(storage, world.blobs, str(root))
        run = (await world.runs.create(ANYONE, await world.new_experiment("shared", str(root / "shared")))).info
        folder = Path(run.artifact_uri) / "model"
        folder.mkdir(parents=True)
        (folder / "MLmodel").write_bytes(b"flavors: {}")
        made = await elsewhere.versions.create(ANYONE, "churn", str(folder), run_id=run.run_id)
        assert made.digest == DIGEST
        for run_id, path in (("", str(folder)), (world.run_id, str(folder)), (run.run_id, str(root))):
            with pytest.raises(InvalidParameter, match="To use a local path as a model version source"):
                await elsewhere.versions.create(ANYONE, "churn", path, run_id=run_id)

    async def test_a_version_whose_files_can_not_be_had_is_unverified(self, world: World) -> None:
        made = await world.versions.create(ANYONE, "churn", "dbfs:/models/1", run_id="a-run-elsewhere")
        assert (made.digest, made.status, made.run_id) == (None, ModelVersionStatus.READY, "a-run-elsewhere")
        assert (made.status_message or "").startswith("The files of this version are unverified: ")
        assert await world.versions.download_uri(ANYONE, "churn", "1") == "dbfs:/models/1"
        empty = await world.register(source=f"{world.run_uri}/nothing")
        assert "There are no files at" in (empty.status_message or "")

    async def test_a_prompt_has_no_files_and_any_source(self, world: World) -> None:
        await world.models.create(ANYONE, "greeting", tags=[("mlflow.prompt.is_prompt", "true")])
        made = await world.register("greeting", "dummy-source", {"mlflow.prompt.is_prompt": "true"})
        assert (made.digest, made.status_message, made.source) == (None, None, "dummy-source")

    @pytest.mark.parametrize(
        "source",
        [
            "runs:/{other}/model",
            "runs:/" + "f" * 32 + "/model",
            "mlflow-artifacts:/training/{other}/artifacts/model",
            "http://host/api/2.0/mlflow-artifacts/artifacts/training/{other}/artifacts/model",
            "mlflow-artifacts:/elsewhere",
            "mlflow-artifacts:/training/{run}/artifacts/../../{other}/artifacts",
            "mlflow-artifacts:/training/{run}/artifacts/%2e%2e/%2e%2e/{other}/artifacts",
            "s3://bucket/a/../b",
            "/etc",
            "file:///etc/passwd",
            "relative/path",
            "http://[bad",
        ],
    )
    async def test_a_source_lies_in_the_run_that_is_named(self, world: World, source: str) -> None:
        other = (await world.runs.create(ANYONE, world.experiment_id)).info.run_id
        source = source.format(run=world.run_id, other=other)
        with pytest.raises(InvalidParameter, match=r"Invalid (model version source|path)"):
            await world.versions.create(ANYONE, "churn", source, run_id=world.run_id)

    async def test_a_source_lies_in_the_logged_model_that_is_named(self, world: World) -> None:
        one, other = [(await world.logged_models.create(ANYONE, world.experiment_id)).info.model_id for _ in range(2)]
        for source in (f"models:/{other}", f"runs:/{world.run_id}/model", f"{world.run_uri}/model"):
            with pytest.raises(InvalidParameter, match="must identify"):
                await world.versions.create(ANYONE, "churn", source, model_id=one)
        with pytest.raises(NotFound, match="Logged model with ID"):
            await world.register(source=f"models:/m-{'0' * 32}")

    async def test_a_version_is_of_the_run_that_its_source_lies_in(self, world: World) -> None:
        assert (await world.register(source=f"{world.run_uri}/model")).run_id == world.run_id
        assert (await world.register(source=f"mlflow-artifacts:/versions/{DIGEST}")).digest == DIGEST

    async def test_numbers_are_never_given_twice(self, world: World) -> None:
        made = await asyncio.gather(*(world.register() for _ in range(10)))
        assert sorted(int(version.version) for version in made) == list(range(1, 11))
        for number in (10, 9):
            await world.versions.delete(ANYONE, "churn", str(number))
        assert (await world.register()).version == "11"

    async def test_registering_and_staging_change_the_models_time_and_tags_do_not(self, world: World) -> None:
        async def updated() -> int:
            return (await world.models.get(ANYONE, "churn")).last_updated_timestamp

        times = [await updated()]
        await world.register()
        times.append(await updated())
        await world.versions.transition_stage(ANYONE, "churn", "1", "Archived")
        times.append(await updated())
        await world.versions.update(ANYONE, "churn", "1", "text")
        await world.versions.set_tag(ANYONE, "churn", "1", "k", "v")
        assert times[0] < times[1] < times[2] == await updated()
        await world.versions.delete(ANYONE, "churn", "1")
        assert await updated() > times[2]

    @pytest.mark.parametrize(
        "values",
        [
            {"source": "s3://" + "x" * limits.VERSION_SOURCE_LENGTH},
            {"run_id": "x" * 257},
            {"run_link": "x" * (limits.RUN_LINK_LENGTH + 1)},
            {"tags": [("k", "x" * 100_001)]},
            {"name": "a/b"},
            {"description": "\0"},
        ],
    )
    async def test_values_have_limits(self, world: World, values: dict[str, object]) -> None:
        with pytest.raises(InvalidParameter):
            await world.versions.create(ANYONE, **{"name": "churn", "source": "s3://b/m", **values})  # type: ignore[arg-type]

    async def test_a_version_needs_its_model(self, world: World) -> None:
        with pytest.raises(NotFound, match="Registered Model with name=no not found"):
            await world.register("no")


class TestLife:
    async def test_a_description_is_set_and_cleared(self, world: World) -> None:
        made = await world.register()
        changed = await world.versions.update(ANYONE, "churn", "1", "new")
        assert (changed.description, changed.last_updated_timestamp > made.last_updated_timestamp) == ("new", True)
        assert (await world.versions.update(ANYONE, "churn", "1", "")).description == ""

    async def test_a_tag_is_set_changed_and_deleted(self, world: World) -> None:
        await world.register()
        for value in ("a", "b"):
            await world.versions.set_tag(ANYONE, "churn", "1", "k", value)
        assert (await world.versions.get(ANYONE, "churn", "1")).tags == (Tag("k", "b"),)
        for _ in range(2):
            await world.versions.delete_tag(ANYONE, "churn", "1", "k")
        assert (await world.versions.get(ANYONE, "churn", "1")).tags == ()

    async def test_a_deleted_version_is_gone(self, world: World) -> None:
        await world.register()
        await world.versions.delete(ANYONE, "churn", "1")
        calls = (
            world.versions.get(ANYONE, "churn", "1"),
            world.versions.delete(ANYONE, "churn", "1"),
            world.versions.update(ANYONE, "churn", "1", ""),
            world.versions.download_uri(ANYONE, "churn", "1"),
            world.versions.transition_stage(ANYONE, "churn", "1", "None"),
            world.versions.set_tag(ANYONE, "churn", "1", "k", "v"),
            world.versions.delete_tag(ANYONE, "churn", "1", "k"),
            world.versions.get(ANYONE, "no", "1"),
        )
        for call in calls:
            with pytest.raises(NotFound, match=r"Model Version \(name=(churn|no), version=1\) not found"):
                await call
        assert await versions(world) == ""

    async def test_a_version_is_a_number(self, world: World) -> None:
        for version in ("", "one", "1.5", "²"):
            with pytest.raises(InvalidParameter, match="integer"):
                await world.versions.get(ANYONE, "churn", version)

    async def test_stages_are_named_in_any_case(self, world: World) -> None:
        await world.register()
        for text, stage in (("archived", Stage.ARCHIVED), ("NONE", Stage.NONE), ("Staging", Stage.STAGING)):
            assert (await world.versions.transition_stage(ANYONE, "churn", "1", text)).current_stage == stage
        with pytest.raises(InvalidParameter, match="Invalid Model Version stage: 'Prod'"):
            await world.versions.transition_stage(ANYONE, "churn", "1", "Prod")

    async def test_the_versions_that_a_stage_had_are_archived(self, world: World) -> None:
        for _ in range(2):
            await world.register()
        await world.versions.transition_stage(ANYONE, "churn", "1", "Production")
        moved = await world.versions.transition_stage(ANYONE, "churn", "2", "Production", archive_existing=True)
        assert moved.current_stage == Stage.PRODUCTION
        assert (await world.versions.get(ANYONE, "churn", "1")).current_stage == Stage.ARCHIVED
        with pytest.raises(InvalidParameter, match="is not an Active stage"):
            await world.versions.transition_stage(ANYONE, "churn", "2", "Archived", archive_existing=True)

    async def test_stage_and_alias_of_an_environment_move_together(self, world: World) -> None:
        for _ in range(2):
            await world.register()
        await world.versions.transition_stage(ANYONE, "churn", "1", "Production")
        assert (await world.versions.get_by_alias(ANYONE, "churn", "production")).version == "1"
        await world.models.set_alias(ANYONE, "churn", "production", "2")
        assert (await world.versions.get(ANYONE, "churn", "2")).current_stage == Stage.PRODUCTION
        await world.versions.delete(ANYONE, "churn", "2")
        with pytest.raises(InvalidParameter):
            await world.versions.get_by_alias(ANYONE, "churn", "production")


class TestSearch:
    @pytest.fixture
    async def registered(self, world: World) -> None:
        """churn 1 to 4 and other 1, of which churn 2 changed last."""
        await world.models.create(ANYONE, "other")
        await world.versions.create(ANYONE, "churn", "s3://b/one", run_id="run-1", tags=[("team", "red")])
        await world.versions.create(ANYONE, "churn", "s3://b/two", run_id="run-2", tags=[("team", "blue")])
        await world.versions.create(ANYONE, "other", "s3://b/" + "x" * 300, run_id="run-1", tags=[("team", "red")])
        await world.versions.create(ANYONE, "churn", "s3://b/three", tags=[("long", "y" * 300)])
        await world.register()
        await world.versions.update(ANYONE, "churn", "2", "changed last")
        await world.models.create(ANYONE, "greeting", tags=[("mlflow.prompt.is_prompt", "true")])
        await world.register("greeting", "none", {"mlflow.prompt.is_prompt": "true"})

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", "churn2 churn4 churn3 other1 churn1"),
            ("name = 'churn'", "churn2 churn4 churn3 churn1"),
            ("name = 'no'", ""),
            ("name != 'churn'", "other1"),
            ("name LIKE 'o%'", "other1"),
            ("name ILIKE 'CH%' AND version_number >= 3", "churn4 churn3"),
            ("name IN ('churn', 'other', 'no')", "churn2 churn4 churn3 other1 churn1"),
            ("name NOT IN ('churn')", "other1"),
            ("name = 'churn' AND name = 'other'", ""),
            ("version_number = 1", "other1 churn1"),
            ("version_number = '1'", "other1 churn1"),
            ("name = 'churn' AND version_number > 3", "churn4"),
            ("name = 'churn' AND version_number IN (1, 4)", "churn4 churn1"),
            ("run_id = 'run-1'", "other1 churn1"),
            ("run_id IN ('run-1', 'run-2')", "churn2 other1 churn1"),
            ("run_id != 'run-1' AND name = 'churn' AND run_id LIKE 'run%'", "churn2"),
            ("source_path = 's3://b/two'", "churn2"),
            (f"source_path = 's3://b/{'x' * 300}'", "other1"),
            (f"source_path = 's3://b/{'x' * 299}'", ""),
            ("source_path LIKE 's3://b/t%'", "churn2 churn3"),
            ("tags.team = 'red'", "other1 churn1"),
            ("tags.team != 'red'", "churn2"),
            ("tags.team IS NOT NULL AND name = 'churn'", "churn2 churn1"),
            (f"tags.long = '{'y' * 300}'", "churn3"),
            (f"tags.long = '{'y' * 299}'", ""),
            (f"digest = '{DIGEST}'", "churn4"),
            ("current_stage = 'None' AND NOT (name = 'churn' OR run_id = 'run-2')", "other1"),
            ("tags.team = 'red' OR version_number = 3", "churn3 other1 churn1"),
            ("tags.`mlflow.prompt.is_prompt` = 'true'", "greeting1"),
            ("name = 'greeting'", ""),
            ("name = 'greeting' AND tags.`mlflow.prompt.is_prompt` = 'true'", "greeting1"),
            ("tag.`mlflow.prompt.is_prompt` != 'true' AND run_id = 'run-2'", "churn2"),
        ],
    )
    async def test_a_filter_finds(self, world: World, registered: None, text: str, found: str) -> None:
        assert await versions(world, text) == found

    @pytest.mark.parametrize(
        ("order", "found"),
        [
            (["name"], "churn2 churn4 churn3 churn1 other1"),
            (["name DESC", "version_number"], "other1 churn1 churn2 churn3 churn4"),
            (["version_number"], "other1 churn1 churn2 churn3 churn4"),
            (["version_number DESC", "name DESC"], "churn4 churn3 churn2 other1 churn1"),
            (["creation_timestamp"], "churn1 churn2 other1 churn3 churn4"),
            (["last_updated_timestamp ASC"], "churn1 other1 churn3 churn4 churn2"),
            (["digest"], "churn4 churn2 churn3 other1 churn1"),
        ],
    )
    async def test_an_order_is_kept(self, world: World, registered: None, order: list[str], found: str) -> None:
        assert await versions(world, order_by=order) == found
        of_churn = " ".join(each for each in found.split() if each.startswith("churn"))
        assert await versions(world, "name = 'churn'", order_by=order) == of_churn

    async def test_pages_follow_one_another(self, world: World, registered: None) -> None:
        found: list[ModelVersion] = []
        token = ""
        for size in (2, 1, 2):
            page = await world.versions.search(ANYONE, max_results=size, page_token=token)
            found += page.items
            token = page.next_page_token or ""
        assert [f"{each.name}{each.version}" for each in found] == ["churn2", "churn4", "churn3", "other1", "churn1"]
        assert token == ""
        for size in (0, limits.MODEL_VERSIONS_PER_PAGE + 1):
            with pytest.raises(InvalidParameter):
                await world.versions.search(ANYONE, max_results=size)

    async def test_a_found_version_shows_its_tags_and_aliases(self, world: World, registered: None) -> None:
        await world.models.set_alias(ANYONE, "churn", "champion", "1")
        await world.models.set_alias(ANYONE, "other", "champion", "1")
        page = await world.versions.search(ANYONE, filter_text="name = 'churn' AND tags.team = 'red'")
        assert [(each.tags, each.aliases) for each in page.items] == [((Tag("team", "red"),), ("champion",))]

    @pytest.mark.parametrize(
        "text", ["alias = 'a'", "version_number = 'one'", "name > 'a'", "metrics.a > 1", "run = 1"]
    )
    async def test_what_versions_do_not_have_is_refused(self, world: World, text: str) -> None:
        with pytest.raises(InvalidParameter):
            await versions(world, text)
