"""What something went into: every version that is made with it, where that is, and what is not affected."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.delivery_world import COMMIT, STRONG, WEAK, World
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission
from trackback.errors import InvalidParameter, NotFound
from trackback.services.impact import Question
from trackback.storage import Storage, lineage


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    world = World(storage, blobs)
    await world.begin()
    yield world
    await world.index.close()
    await blobs.close()


class TestWhatIsAffected:
    async def test_versions_whose_run_used_a_data_set(self, world: World) -> None:
        for digest in (WEAK, "5e6f7a8b", WEAK):
            run_id = await world.run()
            await world.use(run_id, "train", digest)
            await world.register(run_id)
        assert await world.affected(dataset=WEAK) == {"churn": ["3", "1"]}
        assert await world.affected(dataset="train") == {"churn": ["3", "2", "1"]}

    async def test_versions_whose_document_names_a_data_set(self, world: World) -> None:
        run_id = await world.run()
        await world.put_document(run_id, datasets=[{"name": "train", "sha256": STRONG}])
        await world.register(run_id)
        assert await world.affected(dataset=f"sha256:{STRONG}") == {"churn": ["1"]}

    async def test_versions_with_a_package(self, world: World) -> None:
        for requirements in ("numpy==1.26.0\n", "numpy==1.26.1\n", "NumPy==1.26\n"):
            await world.register(await world.run(), requirements=requirements)
        assert await world.affected(package="numpy==1.26.0") == {"churn": ["3", "1"]}
        assert await world.affected(package="Numpy == 1.26.1") == {"churn": ["2"]}
        assert await world.affected(package="numpy") == {"churn": ["3", "2", "1"]}
        assert await world.affected(package="numpy==9") == {}

    async def test_versions_whose_document_names_a_package(self, world: World) -> None:
        run_id = await world.run()
        await world.put_document(run_id, environment={"python": "3.11.5", "packages": {"numpy": "1.26.0"}})
        await world.register(run_id)
        assert await world.affected(package="numpy==1.26.0") == {"churn": ["1"]}
        assert await world.affected(package="python==3.11.5") == {"churn": ["1"]}

    async def test_versions_of_a_commit_and_of_a_run(self, world: World) -> None:
        run_id = await world.run(commit=COMMIT)
        await world.register(run_id)
        await world.register(await world.run())
        assert await world.affected(commit=COMMIT[:7]) == {"churn": ["1"]}
        assert await world.affected(run=run_id) == {"churn": ["1"]}

    async def test_what_was_logged_after_the_version_was_registered_counts_too(self, world: World) -> None:
        run_id = await world.run()
        await world.register(run_id)
        assert await world.affected(run=run_id) == {"churn": ["1"]}
        await world.use(run_id, "train")
        await world.run_log.log(ANYONE, run_id, tags=[("mlflow.source.git.commit", COMMIT)])
        assert await world.affected(dataset=WEAK) == {"churn": ["1"]}
        assert await world.affected(commit=COMMIT) == {"churn": ["1"]}

    async def test_versions_that_got_it_through_parents_models_and_versions(self, world: World) -> None:
        source = await world.run()
        await world.use(source, "train")
        child = await world.run(parent=source)
        tuned = await world.run()
        await world.use_model(tuned, await world.log_model(child))
        await world.register(tuned)
        derived = await world.run()
        await world.put_document(derived, parents=[{"version": "models:/churn/1"}])
        await world.register(derived)
        await world.register(await world.run())
        found = await world.impact(dataset=WEAK)
        assert [(each.version, each.through) for each in found.models[0].versions] == [("2", source), ("1", source)]

    async def test_sources_that_become_known_later_count_too(self, world: World) -> None:
        source, run_id, other = await world.run(), await world.run(), await world.run()
        for each in (run_id, other):
            await world.register(each)
        assert await world.affected(run=source) == {}
        await world.run_log.log(ANYONE, run_id, tags=[("mlflow.parentRunId", source)])
        assert await world.affected(run=source) == {"churn": ["1"]}
        await world.use_model(other, await world.log_model(source))
        assert await world.affected(run=source) == {"churn": ["2", "1"]}

    async def test_a_copy_of_an_affected_version_is_affected(self, world: World) -> None:
        await world.models.create(ANYONE, "churn-prod")
        run_id = await world.run()
        await world.use(run_id, "train")
        await world.register(run_id, requirements="numpy==1.26.0\n")
        await world.versions.create(ANYONE, "churn-prod", "models:/churn/1")
        everywhere = {"churn": ["1"], "churn-prod": ["1"]}
        assert await world.affected(dataset=WEAK) == everywhere
        assert await world.affected(package="numpy==1.26.0") == everywhere

    async def test_what_a_version_got_by_several_ways_counts_once(self, world: World) -> None:
        parent = await world.run(commit=COMMIT)
        child = await world.run(parent=parent, commit=COMMIT)
        for run_id in (parent, child):
            await world.use(run_id, "train")
            await world.put(run_id, "other/requirements.txt", b"numpy==1.26.0\n")
        await world.register(child, requirements="numpy==1.26.0\nscipy==1.11.0\n")
        for question in ({"dataset": WEAK}, {"dataset": "train"}, {"package": "numpy==1.26.0"}, {"commit": COMMIT}):
            found = await world.impact(**question)
            assert (found.affected, [model.affected for model in found.models]) == (1, [1]), question
            assert [each.through for each in found.models[0].versions] == [None], question

    async def test_a_file_that_is_uploaded_after_the_version_was_registered_counts_too(self, world: World) -> None:
        run_id = await world.run()
        await world.register(run_id)
        assert await world.affected(run=run_id) == {"churn": ["1"]}
        await world.put_document(run_id, datasets=[{"name": "test", "sha256": STRONG}])
        await world.put(run_id, "environment/requirements.txt", b"numpy==1.26.0\n")
        assert await world.affected(dataset=STRONG) == {"churn": ["1"]}
        assert await world.affected(package="numpy==1.26.0") == {"churn": ["1"]}


class TestWhatIsToldOfIt:
    async def test_where_a_version_is_and_was_live(self, world: World) -> None:
        run_id = await world.run()
        await world.use(run_id, "train")
        await world.register(run_id)
        await world.promote("models:/churn/1", "staging")
        await world.promote("models:/churn/1", "production")
        gone = await world.deploy("1", subject="models:/churn/1", environment="staging")
        await world.deployments.end(ANYONE, gone)
        live = await world.deploy("2", subject="models:/churn/1", environment="production")
        (model,) = (await world.impact(dataset=WEAK)).models
        (version,) = model.versions
        assert version.environments == ("production", "staging")
        assert [(each.id, each.ended is None) for each in version.deployments] == [(gone, False), (live, True)]

    async def test_an_environment_that_another_version_holds_now_is_not_told(self, world: World) -> None:
        run_id = await world.run()
        await world.register(run_id)
        await world.register(await world.run())
        await world.promote("models:/churn/1")
        await world.promote("models:/churn/2")
        (model,) = (await world.impact(run=run_id)).models
        assert model.versions[0].environments == ()

    async def test_a_deployment_by_digest_is_told_of_every_version_with_it(self, world: World) -> None:
        run_id = await world.run()
        for _ in range(2):
            await world.register(run_id)
        digest = (await world.versions.get(ANYONE, "churn", "1")).digest or ""
        number = await world.deploy(digest=digest, environment="production")
        (model,) = (await world.impact(run=run_id)).models
        assert [[each.id for each in version.deployments] for version in model.versions] == [[number], [number]]

    async def test_the_last_version_that_is_not_affected(self, world: World) -> None:
        bad, good = await world.run(), await world.run()
        for run_id in (good, bad, good, bad, bad):
            await world.register(run_id)
        (model,) = (await world.impact(run=bad)).models
        assert (model.affected, model.last_unaffected) == (3, "3")
        await world.versions.delete(ANYONE, "churn", "3")
        (model,) = (await world.impact(run=bad)).models
        assert model.last_unaffected == "1"

    async def test_a_model_may_have_no_version_that_is_not_affected(self, world: World) -> None:
        run_id = await world.run()
        await world.register(run_id)
        (model,) = (await world.impact(run=run_id)).models
        assert model.last_unaffected is None

    async def test_a_deleted_version_is_told_as_such(self, world: World) -> None:
        run_id = await world.run()
        await world.register(run_id)
        await world.versions.delete(ANYONE, "churn", "1")
        (model,) = (await world.impact(run=run_id)).models
        assert [each.deleted for each in model.versions] == [True]

    async def test_pages_follow_each_other(self, world: World) -> None:
        run_id = await world.run()
        for _ in range(3):
            await world.register(run_id)
        first = await world.impacts.find(ANYONE, Question(run=run_id), max_results=2)
        token = first.next_page_token or ""
        rest = await world.impacts.find(ANYONE, Question(run=run_id), max_results=2, page_token=token)
        told = [each.version for page in (first, rest) for each in page.items[0].models[0].versions]
        assert (told, first.items[0].affected, rest.next_page_token) == (["3", "2", "1"], 3, None)


class TestQuestions:
    @pytest.mark.parametrize(
        "question",
        [
            Question(dataset="00000000"),
            Question(package="no-such-package==1"),
            Question(commit="0" * 40),
            Question(run="f" * 32),
        ],
    )
    async def test_what_no_run_is_known_of_is_not_found(self, world: World, question: Question) -> None:
        await world.register(await world.run(commit=COMMIT), requirements="numpy==1.26.0\n")
        with pytest.raises(NotFound):
            await world.impacts.find(ANYONE, question)

    @pytest.mark.parametrize(
        ("question", "said"),
        [
            (Question(), "Got none of them"),
            (Question(dataset="a", run="b"), "Got dataset and run"),
            (Question(package="numpy>=1"), "write numpy==1.26.0"),
            (Question(commit="abc"), "7 to 64 hex digits"),
            (Question(dataset="a\x00"), "contains a NUL"),
        ],
    )
    async def test_what_is_no_question_is_refused(self, world: World, question: Question, said: str) -> None:
        with pytest.raises(InvalidParameter, match=said):
            await world.impacts.find(ANYONE, question)

    async def test_a_short_commit_that_is_several_is_refused_with_these(self, world: World) -> None:
        other = f"{COMMIT[:7]}{'0' * 33}"
        for commit in (COMMIT, other):
            await world.run(commit=commit)
        with pytest.raises(InvalidParameter, match=f"begins several commits: {other}, {COMMIT}"):
            await world.impact(commit=COMMIT[:7])


class TestAccess:
    async def test_versions_of_models_that_may_not_be_read_are_not_told(self, world: World) -> None:
        await world.models.create(ANYONE, "fraud")
        run_id = await world.run()
        for name in ("churn", "fraud"):
            await world.register(run_id, name)
        may = frozenset((Permission.READ,))
        reader = Actor("bob", grants=Grants(experiments={0: may}, models={2: may}))
        page = await world.impacts.find(reader, Question(run=run_id))
        assert [(model.name, page.items[0].affected) for model in page.items[0].models] == [("fraud", 1)]

    async def test_data_sets_of_experiments_that_may_not_be_read_are_not_found(self, world: World) -> None:
        await world.use(await world.run(), "train")
        reader = Actor("bob", grants=Grants(experiments={7: frozenset((Permission.READ,))}))
        with pytest.raises(NotFound):
            await world.impacts.find(reader, Question(dataset=WEAK))

    async def test_commits_and_runs_of_experiments_that_may_not_be_read_are_not_told(self, world: World) -> None:
        hidden = await world.experiments.create(ANYONE, "hidden")
        parent = await world.run(commit=COMMIT, experiment=hidden)
        shared = await world.run(commit=COMMIT[:7] + "0" * 33)
        child = await world.run(parent=parent)
        await world.use(parent, "train")
        await world.use(shared, "train")
        await world.register(child)
        may = frozenset((Permission.READ,))
        reader = Actor("bob", grants=Grants(experiments={0: may}, models={1: may}))
        with pytest.raises(InvalidParameter, match="begins several commits"):
            await world.impacts.find(ANYONE, Question(commit=COMMIT[:7]))
        await world.impacts.find(reader, Question(commit=COMMIT[:7]))
        with pytest.raises(NotFound):
            await world.impacts.find(reader, Question(commit=COMMIT))
        for actor, through in ((ANYONE, parent), (reader, None)):
            (found,) = (await world.impacts.find(actor, Question(dataset="train"))).items
            assert [each.through for model in found.models for each in model.versions] == [through]


class TestTheIndex:
    async def test_versions_that_nobody_waits_for_are_counted_and_indexed_in_the_background(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run_id = await world.run()
        for _ in range(3):
            await world.register(run_id)
        monkeypatch.setattr("trackback.services.lineage_index.AT_ONCE", 0)
        assert (await world.impact(run=run_id)).unindexed == 3
        for _ in range(500):
            if not await world.storage.look_up(lambda tx: lineage.unindexed(tx, 1)):
                break
            await world.storage.ping()
        monkeypatch.undo()
        found = await world.impact(run=run_id)
        assert (found.affected, found.unindexed) == (3, 0)

    async def test_files_that_the_store_has_lost_cost_only_their_packages(self, world: World) -> None:
        run_id = await world.run()
        await world.register(run_id, requirements="numpy==1.26.0\n")
        await world.storage.write(lambda tx: tx.run("DELETE FROM run_packages"))
        await world.storage.write(lambda tx: tx.run("DELETE FROM package_files"))
        location = await world.storage.read(
            lambda tx: tx.rows("SELECT b.location FROM blobs b WHERE b.size = ?", len("numpy==1.26.0\n"))[0][0]
        )
        await world.blobs.delete(location)
        assert await world.affected(run=run_id) == {"churn": ["1"]}
        assert await world.affected(package="numpy==1.26.0") == {}
