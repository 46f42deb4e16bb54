"""What is known of what went into runs: from their documents, and from what MLflow's clients log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.delivery_world import COMMIT, STRONG, WEAK, World
from tests.contract.test_artifacts import stream
from trackback.artifacts import open_blobs
from trackback.entities import (
    ANYONE,
    PROVENANCE_PATH,
    Actor,
    Grants,
    Package,
    ParentRecord,
    Permission,
    ProvenanceOrigin,
    UsedDataset,
)
from trackback.errors import NotFound
from trackback.storage import Storage


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    world = World(storage, blobs)
    await world.begin()
    yield world
    await blobs.close()


class TestDerived:
    async def test_the_code_is_what_the_tags_say(self, world: World) -> None:
        run_id = await world.run(commit=COMMIT)
        tags = [
            ("mlflow.source.git.repoURL", "https://example.org/churn.git"),
            ("mlflow.source.git.branch", "main"),
            ("mlflow.source.name", "train.py"),
        ]
        await world.run_log.log(ANYONE, run_id, tags=tags)
        known = await world.known_of(run_id)
        assert known.origin is ProvenanceOrigin.DERIVED
        assert known.code
        assert (known.code.repository, known.code.commit, known.code.branch, known.code.entry_point) == (
            "https://example.org/churn.git",
            COMMIT,
            "main",
            "train.py",
        )

    async def test_data_sets_of_mlflows_clients_have_weak_digests(self, world: World) -> None:
        run_id = await world.run()
        await world.use(run_id, "train")
        (dataset,) = (await world.known_of(run_id)).datasets
        assert (dataset.name, dataset.digest, dataset.weak) == ("train", WEAK, True)

    async def test_the_parent_is_what_the_tag_says_until_it_is_deleted(self, world: World) -> None:
        parent = await world.run()
        run_id = await world.run(parent=parent)
        assert (await world.known_of(run_id)).parents == (ParentRecord(run_id=parent),)
        await world.run_log.delete_tag(ANYONE, run_id, "mlflow.parentRunId")
        assert (await world.known_of(run_id)).parents == ()

    async def test_packages_are_those_of_the_models_files(self, world: World) -> None:
        run_id = await world.run()
        await world.put(run_id, "model/requirements.txt", b"numpy==1.26.0\npandas>=2\n")
        await world.put(run_id, "model/python_env.yaml", b"python: 3.11.5\n")
        known = await world.known_of(run_id)
        assert known.packages == (
            Package("numpy", "1.26.0"),
            Package("pandas", specifier=">=2"),
            Package("python", "3.11.5"),
        )
        assert known.environment
        assert known.environment.python == "3.11.5"

    async def test_packages_of_a_logged_model_are_those_of_the_run_that_made_it(self, world: World) -> None:
        run_id = await world.run()
        model_id = await world.log_model(run_id)
        uri = (await world.logged_models.get(ANYONE, model_id)).info.artifact_uri
        path = f"{uri.removeprefix('mlflow-artifacts:/')}/requirements.txt"
        await world.artifacts.put(ANYONE, path, stream(b"numpy==1.26.0\n"))
        assert (await world.known_of(run_id)).packages == (Package("numpy", "1.26.0"),)

    async def test_a_file_that_is_replaced_says_something_else(self, world: World) -> None:
        run_id = await world.run()
        await world.put(run_id, "model/requirements.txt", b"numpy==1.26.0\n")
        await world.put(run_id, "model/requirements.txt", b"numpy==1.26.1\n")
        assert (await world.known_of(run_id)).packages == (Package("numpy", "1.26.1"),)

    async def test_an_unknown_run_is_not_found_and_one_that_may_not_be_read_neither(self, world: World) -> None:
        run_id = await world.run()
        stranger = Actor("eve", grants=Grants(experiments={7: frozenset((Permission.READ,))}))
        for actor, asked in ((ANYONE, "f" * 32), (stranger, run_id)):
            with pytest.raises(NotFound):
                await world.provenance.get(actor, asked)


class TestDocuments:
    async def test_a_document_is_indexed_when_it_arrives(self, world: World) -> None:
        run_id = await world.run()
        parent = await world.run()
        await world.put_document(
            run_id,
            captured_by="trackback 0.1.0",
            code={"commit": COMMIT, "dirty": True},
            environment={"python": "3.11.5", "packages": {"NumPy": "1.26.0"}, "os": "Linux"},
            datasets=[{"name": "train", "sha256": STRONG, "rows": 7}],
            parents=[{"run_id": parent}],
        )
        known = await world.known_of(run_id)
        assert (known.origin, known.captured_by, known.faults) == (ProvenanceOrigin.DOCUMENT, "trackback 0.1.0", ())
        assert known.code
        assert (known.code.commit, known.code.dirty) == (COMMIT, True)
        assert known.environment
        assert (known.environment.python, known.environment.os) == ("3.11.5", "Linux")
        assert known.packages == (Package("numpy", "1.26.0"), Package("python", "3.11.5"))
        assert known.datasets == (UsedDataset("train", STRONG, weak=False, rows=7),)
        assert known.parents == (ParentRecord(run_id=parent),)

    async def test_what_the_document_does_not_say_is_derived(self, world: World) -> None:
        run_id = await world.run(commit=COMMIT)
        await world.use(run_id, "test")
        await world.use(run_id, "train")
        await world.put_document(run_id, datasets=[{"name": "train", "sha256": STRONG}])
        known = await world.known_of(run_id)
        assert known.code
        assert known.code.commit == COMMIT
        assert [(each.name, each.weak) for each in known.datasets] == [("train", False), ("test", True)]

    async def test_a_document_in_place_of_another_says_it_all(self, world: World) -> None:
        run_id = await world.run()
        await world.put_document(run_id, code={"commit": COMMIT}, datasets=[{"name": "train", "sha256": STRONG}])
        await world.put_document(run_id, environment={"python": "3.12.1"})
        known = await world.known_of(run_id)
        assert (known.code, known.datasets, known.packages) == (None, (), (Package("python", "3.12.1"),))

    async def test_a_bad_document_is_kept_as_a_file_and_its_faults_are_told(self, world: World) -> None:
        run_id = await world.run(commit=COMMIT)
        await world.put(run_id, PROVENANCE_PATH, b"{ this is not JSON")
        known = await world.known_of(run_id)
        assert known.faults[0].startswith("The document is not JSON")
        assert known.code
        assert known.code.commit == COMMIT
        file = await world.artifacts.open_of_run(ANYONE, run_id, PROVENANCE_PATH)
        assert file.size == len(b"{ this is not JSON")

    async def test_a_parent_that_is_no_version_here_is_a_fault(self, world: World) -> None:
        run_id = await world.run()
        await world.put_document(run_id, parents=[{"version": "models:/base/3"}, {"version": "what"}])
        assert len((await world.known_of(run_id)).faults) == 2

    async def test_to_name_a_version_that_one_may_not_read_is_as_if_it_were_not_there(self, world: World) -> None:
        await world.register(await world.run())
        run_id = await world.run()
        ann = Actor("ann", None, Grants(experiments={0: frozenset((Permission.READ, Permission.WRITE))}))
        told = []
        for name in ("churn", "nothing"):
            document = f'{{"schema_version": 1, "parents": [{{"version": "models:/{name}/1"}}]}}'
            await world.artifacts.put_to_run(ann, run_id, PROVENANCE_PATH, stream(document.encode()))
            known = await world.provenance.get(ann, run_id)
            told.append(([fault.replace(name, "…") for fault in known.faults], known.parents))
        assert told[0] == told[1]

    async def test_only_that_path_of_a_run_is_its_document(self, world: World) -> None:
        run_id = await world.run()
        await world.put(run_id, "other/provenance.json", b'{"schema_version": 1, "captured_by": "me"}')
        await world.put(run_id, f"copy/{PROVENANCE_PATH}", b'{"schema_version": 1, "captured_by": "me"}')
        assert (await world.known_of(run_id)).origin is ProvenanceOrigin.DERIVED

    async def test_a_document_of_a_run_that_is_not_here_is_a_file_like_any(self, world: World) -> None:
        await world.artifacts.put(ANYONE, f"0/{'f' * 32}/artifacts/{PROVENANCE_PATH}", stream(b"{}"))


async def test_parents_are_named_by_versions_that_may_be_read_only(world: World) -> None:
    version = await world.register(await world.run())
    run_id = await world.run()
    await world.put_document(run_id, parents=[{"version": f"models:/churn/{version}"}])
    may = frozenset((Permission.READ,))
    for models, named in (({1: may}, ["models:/churn/1"]), ({}, [])):
        reader = Actor("bob", grants=Grants(experiments={0: may}, models=models))
        known = await world.provenance.get(reader, run_id)
        assert [parent.version for parent in known.parents] == named
