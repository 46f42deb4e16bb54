"""Promotions, on each database: who enters, in which order, what moves with an entry, and what the log says later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.contract.promotion_world import PROXIED, Repository, digest
from tests.contract.registered import delete_version, register_model, register_version
from tests.contract.test_artifacts import stream
from trackback.artifacts import BlobStore, open_blobs
from trackback.entities import ANYONE, PendingPromotion, Promotion, PromotionKind, PromotionOrigin, RunStatus
from trackback.errors import InvalidParameter, InvalidState, NotFound, TrackbackError
from trackback.services.policies import Policies
from trackback.services.promotions import Promotions
from trackback.services.snapshots import Snapshots
from trackback.storage import Storage, open_storage


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[BlobStore]:
    store = open_blobs(str(tmp_path / "blobs"))
    yield store
    await store.close()


@pytest.fixture
def repository(storage: Storage, blobs: BlobStore) -> Repository:
    return Repository(storage, blobs)


async def test_an_entry_says_what_was_promoted_where_why_and_what_it_replaced(repository: Repository) -> None:
    await repository.register("churn", 2)
    first = await repository.promote("models:/churn/1", reason="the first release")
    second = await repository.promote("models:/churn/2")
    assert (first.seq, first.name, first.version, first.digest) == (1, "churn", "1", digest(1))
    assert (first.environment, first.kind, first.reason) == ("production", PromotionKind.PROMOTED, "the first release")
    assert (second.seq, second.replaced) == (2, 1)


async def test_alias_and_stage_move_together_and_the_predecessor_is_archived(repository: Repository) -> None:
    first, second = await repository.register("churn", 2)
    await repository.promote("models:/churn/1")
    assert await repository.marks("churn", first) == ({"production": 1}, "Production")
    await repository.promote("models:/churn/2")
    assert await repository.marks("churn", first) == ({"production": 2}, "Archived")
    assert await repository.marks("churn", second) == ({"production": 2}, "Production")


async def test_a_version_in_two_environments_has_the_stage_of_the_later_one(repository: Repository) -> None:
    (version,) = await repository.register("churn", 1)
    await repository.promote("models:/churn/1", "staging")
    await repository.promote("models:/churn/1", "production")
    assert await repository.marks("churn", version) == ({"staging": 1, "production": 1}, "Production")
    await repository.promotions.demote(ANYONE, "models:/churn/1", "production")
    assert await repository.marks("churn", version) == ({"staging": 1}, "Staging")


async def test_what_holds_the_environment_already_gets_no_new_entry(repository: Repository) -> None:
    await repository.register("churn", 1)
    first = await repository.promote("models:/churn/1")
    assert await repository.promote("models:/churn/1") == first
    assert len(await repository.whole_log()) == 1


async def test_a_rollback_is_a_new_entry_for_what_was_there_before(repository: Repository) -> None:
    first, second, third = await repository.register("churn", 3)
    for number in (1, 2, 3):
        await repository.promote(f"models:/churn/{number}")
    back = await repository.promotions.roll_back(ANYONE, "models:/churn", "production", reason="it drifts")
    assert (back.seq, back.kind, back.version, back.replaced) == (4, PromotionKind.ROLLED_BACK, "2", 3)
    assert await repository.marks("churn", second) == ({"production": 2}, "Production")
    assert (await repository.marks("churn", third))[1] == "Archived"
    again = await repository.promotions.roll_back(ANYONE, "models:/churn", "production")
    assert again.version == "1"
    assert (await repository.marks("churn", first))[1] == "Production"
    with pytest.raises(NotFound, match="nothing to roll back to"):
        await repository.promotions.roll_back(ANYONE, "models:/churn", "production")


async def test_a_rollback_of_an_empty_environment_brings_back_what_was_there_last(repository: Repository) -> None:
    await repository.register("churn", 2)
    await repository.promote("models:/churn/1")
    await repository.promote("models:/churn/2")
    await repository.promotions.demote(ANYONE, "models:/churn", "production")
    back = await repository.promotions.roll_back(ANYONE, "models:/churn", "production")
    assert (back.version, back.replaced) == ("2", None)


async def test_a_rollback_passes_over_what_was_deleted_since_and_says_so(repository: Repository) -> None:
    _, second, third, _ = await repository.register("churn", 4)
    for number in (1, 2, 3, 4):
        await repository.promote(f"models:/churn/{number}")
    for row in (second, third):
        await delete_version(repository.storage, row)
    back = await repository.promotions.roll_back(ANYONE, "models:/churn", "production", reason="it drifts")
    assert (back.version, back.basis, back.reason) == ("1", {"of": 1, "passed_over": [3, 2]}, "it drifts")


async def test_a_rollback_after_the_version_there_was_deleted_leads_to_the_one_before(repository: Repository) -> None:
    _, second = await repository.register("churn", 2)
    await repository.promote("models:/churn/1")
    await repository.promote("models:/churn/2")
    await repository.promotions.demote(ANYONE, "models:/churn", "production")
    await delete_version(repository.storage, second)
    back = await repository.promotions.roll_back(ANYONE, "models:/churn", "production")
    assert (back.version, back.replaced, back.basis["passed_over"]) == ("1", None, [2])


async def test_a_rollback_is_refused_when_all_that_was_there_is_deleted(repository: Repository) -> None:
    first, second, _ = await repository.register("churn", 3)
    for number in (1, 2, 3):
        await repository.promote(f"models:/churn/{number}")
    for row in (first, second):
        await delete_version(repository.storage, row)
    with pytest.raises(InvalidState, match="by promotion 2, has been deleted since, and so has all"):
        await repository.promotions.roll_back(ANYONE, "models:/churn", "production")


async def test_a_demotion_leaves_the_environment_empty(repository: Repository) -> None:
    (version,) = await repository.register("churn", 1)
    await repository.promote("models:/churn/1")
    gone = await repository.promotions.demote(ANYONE, "models:/churn/1", "production", reason="retired")
    assert (gone.kind, gone.version, gone.replaced, gone.reason) == (PromotionKind.DEMOTED, "1", 1, "retired")
    assert await repository.marks("churn", version) == ({}, "Archived")
    assert (await repository.promotions.in_force(ANYONE)).items == []
    with pytest.raises(NotFound, match="is not in production"):
        await repository.promotions.demote(ANYONE, "models:/churn/1", "production")


async def test_what_was_in_force_at_a_time_is_told_for_every_time(repository: Repository) -> None:
    await repository.register("churn", 2)
    entries = [await repository.promote("models:/churn/1"), await repository.promote("models:/churn/2")]
    entries.append(await repository.promotions.roll_back(ANYONE, "models:/churn", "production"))
    entries.append(await repository.promotions.demote(ANYONE, "models:/churn", "production"))
    for time_ms, versions in (
        (entries[0].time - 1, []),
        (entries[0].time, ["1"]),
        (entries[1].time - 1, ["1"]),
        (entries[1].time, ["2"]),
        (entries[2].time, ["1"]),
        (entries[3].time, []),
    ):
        found = await repository.promotions.in_force(ANYONE, environment="production", at_ms=time_ms)
        assert [each.version for each in found.items] == versions


async def test_what_is_in_force_comes_in_pages_without_what_has_left(repository: Repository) -> None:
    for name in "abcde":
        await repository.register(name, 1)
        await repository.promote(f"models:/{name}/1")
    await repository.promotions.demote(ANYONE, "models:/b", "production")
    found, token = [], ""
    for _ in range(2):
        page = await repository.promotions.in_force(ANYONE, max_results=2, page_token=token)
        found.append([each.name for each in page.items])
        token = page.next_page_token or ""
    assert (found, token) == ([["a", "c"], ["d", "e"]], "")


async def test_what_waits_comes_in_pages_the_oldest_first(repository: Repository) -> None:
    for name in "abc":
        await register_version(repository.storage, await register_model(repository.storage, name), digest=None)
        await repository.promotions.promote(ANYONE, f"models:/{name}/1", "production", pending=True)
    first = await repository.promotions.pending(ANYONE, max_results=2)
    rest = await repository.promotions.pending(ANYONE, max_results=2, page_token=first.next_page_token or "")
    assert [[each.name for each in page.items] for page in (first, rest)] == [["a", "b"], ["c"]]
    assert rest.next_page_token is None
    assert len(rest.items[0].unmet) == 1


async def test_times_never_run_backwards(repository: Repository) -> None:
    await repository.register("churn", 2)
    first = await repository.promote("models:/churn/1")
    repository.clock.now_ms -= 3_600_000
    second = await repository.promote("models:/churn/2")
    assert second.time >= first.time


@pytest.mark.parametrize("verb", ["UPDATE promotions SET reason = 'x'", "DELETE FROM promotions"])
async def test_the_database_refuses_to_change_the_log(repository: Repository, verb: str) -> None:
    await repository.register("churn", 1)
    entry = await repository.promote("models:/churn/1")
    with pytest.raises(TrackbackError):
        await repository.storage.write(lambda tx: tx.run(verb))
    assert await repository.whole_log() == [entry]


async def test_a_reader_with_a_cursor_sees_every_entry_once_in_order(repository: Repository) -> None:
    await repository.register("churn", 2)
    await repository.register("fraud", 2)
    seen: list[int] = []

    async def read(cursor: int = 0) -> None:
        while len(seen) < 40:
            page = await repository.promotions.log(ANYONE, after=cursor, max_results=3, wait_s=10)
            seen.extend(each.seq for each in page.promotions)
            cursor = page.cursor

    async def write(name: str) -> None:
        for number in range(20):
            await repository.promote(f"models:/{name}/{number % 2 + 1}")

    async with asyncio.timeout(60):
        await asyncio.gather(read(), write("churn"), write("fraud"))
    assert seen == list(range(1, 41))


async def test_a_reader_of_one_stream_sees_that_alone(repository: Repository) -> None:
    await repository.register("churn", 1)
    await repository.register("fraud", 1)
    await repository.promote("models:/fraud/1")
    await repository.promote("models:/churn/1")
    page = await repository.promotions.log(ANYONE, stream="models:/churn")
    assert [each.name for each in page.promotions] == ["churn"]
    assert page.cursor == 2
    assert (await repository.promotions.log(ANYONE, environment="staging")).promotions == []


async def test_a_reader_waits_for_the_next_entry(repository: Repository) -> None:
    await repository.register("churn", 1)
    waiting = asyncio.create_task(repository.promotions.log(ANYONE, wait_s=30))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    entry = await repository.promote("models:/churn/1")
    async with asyncio.timeout(20):
        assert (await waiting).promotions == [entry]


async def test_a_stop_ends_every_wait(repository: Repository) -> None:
    waiting = asyncio.create_task(repository.promotions.log(ANYONE, wait_s=60))
    await asyncio.sleep(0.3)
    repository.watch.stop()
    async with asyncio.timeout(20):
        assert (await waiting).promotions == []


@pytest.mark.parametrize(
    ("subject", "environment", "error"),
    [
        ("models:/churn/9", "production", NotFound),
        ("models:/nothing/1", "production", NotFound),
        ("models:/churn/1", "nowhere", InvalidParameter),
        ("churn/1", "production", InvalidParameter),
        ("runs:/" + "0" * 32, "production", NotFound),
    ],
)
async def test_what_is_not_there_is_not_promoted(
    repository: Repository, subject: str, environment: str, error: type[Exception]
) -> None:
    await repository.register("churn", 1)
    with pytest.raises(error):
        await repository.promotions.promote(ANYONE, subject, environment)
    assert await repository.whole_log() == []


async def test_an_unverified_version_enters_only_if_that_is_said(repository: Repository) -> None:
    await register_version(repository.storage, await register_model(repository.storage, "churn"), digest=None)
    with pytest.raises(InvalidState, match="--allow-unverified"):
        await repository.promotions.promote(ANYONE, "models:/churn/1", "production")
    done = await repository.promotions.promote(ANYONE, "models:/churn/1", "production", allow_unverified=True)
    assert isinstance(done, Promotion)
    assert done.unverified


async def test_an_override_needs_a_reason_and_is_marked(repository: Repository) -> None:
    await register_version(repository.storage, await register_model(repository.storage, "churn"), digest=None)
    with pytest.raises(InvalidParameter, match="needs a reason"):
        await repository.promotions.promote(ANYONE, "models:/churn/1", "production", override=True)
    done = await repository.promotions.promote(ANYONE, "models:/churn/1", "production", override=True, reason="urgent")
    assert isinstance(done, Promotion)
    assert done.overridden
    assert len(done.basis["overridden"]) == 1


async def test_what_waits_says_for_what_and_can_be_withdrawn(repository: Repository) -> None:
    await register_version(repository.storage, await register_model(repository.storage, "churn"), digest=None)
    for _ in range(2):
        waits = await repository.promotions.promote(ANYONE, "models:/churn/1", "production", pending=True)
        assert isinstance(waits, PendingPromotion)
    (found,) = (await repository.promotions.pending(ANYONE)).items
    assert (found.name, found.version, len(found.unmet)) == ("churn", "1", 1)
    await repository.promotions.withdraw(ANYONE, found.id)
    assert (await repository.promotions.pending(ANYONE)).items == []
    with pytest.raises(NotFound):
        await repository.promotions.withdraw(ANYONE, found.id)


async def test_a_tag_promotes_a_finished_run_with_its_files(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    run_id = await repository.finished_run(experiment, promote="true")
    (entry,) = await repository.whole_log()
    assert (entry.run_id, entry.environment, entry.origin) == (run_id, "staging", PromotionOrigin.TAG)
    assert entry.stream == f"experiments/{experiment}"
    assert [snapshot.digest for snapshot in entry.snapshots] == [entry.digest]
    listed = await repository.artifacts.list_directory(ANYONE, f"versions/{entry.digest}")
    assert [each.path for each in listed] == ["notes.txt"]


async def test_the_same_tag_again_writes_nothing_and_another_value_demotes(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    run_id = await repository.finished_run(experiment, promote="true")
    await repository.run_log.log(ANYONE, run_id, tags=[("promote", "true"), ("other", "1")])
    assert len(await repository.whole_log()) == 1
    await repository.run_log.log(ANYONE, run_id, tags=[("promote", "false")])
    assert [each.kind for each in await repository.whole_log()] == [PromotionKind.PROMOTED, PromotionKind.DEMOTED]
    await repository.run_log.log(ANYONE, run_id, tags=[("promote", "true")])
    await repository.run_log.delete_tag(ANYONE, run_id, "promote")
    assert [each.kind for each in (await repository.whole_log())[2:]] == [PromotionKind.PROMOTED, PromotionKind.DEMOTED]


async def test_a_tagged_run_waits_until_it_has_finished(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    run_id = (await repository.runs.create(ANYONE, experiment, tags=[("promote", "true")])).info.run_id
    (waits,) = (await repository.promotions.pending(ANYONE)).items
    assert waits.run_id == run_id
    assert "RUNNING" in waits.unmet[0]
    assert await repository.whole_log() == []
    await repository.runs.update(ANYONE, run_id, status=RunStatus.FINISHED)
    assert [each.run_id for each in await repository.whole_log()] == [run_id]
    assert (await repository.promotions.pending(ANYONE)).items == []


async def test_a_failed_run_goes_on_waiting_and_an_untagged_one_waits_no_more(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    run_id = (await repository.runs.create(ANYONE, experiment)).info.run_id
    await repository.run_log.log(ANYONE, run_id, tags=[("promote", "true")])
    await repository.runs.update(ANYONE, run_id, status=RunStatus.FAILED)
    assert len((await repository.promotions.pending(ANYONE)).items) == 1
    await repository.run_log.delete_tag(ANYONE, run_id, "promote")
    assert (await repository.promotions.pending(ANYONE)).items == []
    assert await repository.whole_log() == []


async def test_a_tag_of_a_run_that_another_has_replaced_changes_nothing_when_it_goes(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    first = await repository.finished_run(experiment, promote="true")
    await repository.finished_run(experiment, promote="true")
    await repository.run_log.delete_tag(ANYONE, first, "promote")
    assert len(await repository.whole_log()) == 2


async def test_rules_choose_experiment_key_value_and_environment(storage: Storage, blobs: BlobStore) -> None:
    plain = Repository(storage, blobs)
    one, two = [await plain.experiments.create(ANYONE, name) for name in ("one", "two")]
    ruled = Repository(storage, blobs, f"{two}:release=yes->production", "promote=true")
    await ruled.finished_run(one, release="yes")
    await ruled.finished_run(two, release="no")
    assert await ruled.whole_log() == []
    run_id = await ruled.finished_run(two, release="yes")
    assert [(each.run_id, each.environment) for each in await ruled.whole_log()] == [(run_id, "production")]


async def test_each_logged_model_of_a_run_is_a_snapshot_and_a_tag_names_the_main_one(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    run_id = await repository.finished_run(experiment)
    models = []
    for name in ("small", "large"):
        model = await repository.models.create(ANYONE, experiment, name=name, source_run_id=run_id)
        path = model.info.artifact_uri.removeprefix(PROXIED)
        await repository.artifacts.put(ANYONE, f"{path}/MLmodel", stream(name.encode()))
        models.append(model.info.model_id)
    await repository.run_log.log(ANYONE, run_id, tags=[("trackback.promote.model", "large"), ("promote", "true")])
    (entry,) = await repository.whole_log()
    main = {each.model_id: each.main for each in entry.snapshots}
    assert main == {None: False, models[0]: False, models[1]: True}
    assert entry.digest == next(each.digest for each in entry.snapshots if each.main)


async def test_a_folder_with_an_mlmodel_is_a_model_of_the_run(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    run_id = await repository.finished_run(experiment)
    await repository.artifacts.put(ANYONE, f"{experiment}/{run_id}/artifacts/model/MLmodel", stream(b"flavors: {}"))
    entry = await repository.promote(f"runs:/{run_id}", "staging")
    assert [(each.path, each.main) for each in entry.snapshots] == [(None, False), ("model", True)]
    listed = await repository.artifacts.list_directory(ANYONE, f"versions/{entry.digest}")
    assert [each.path for each in listed] == ["MLmodel"]


async def test_a_tag_that_names_no_model_waits_and_says_so(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    run_id = await repository.finished_run(experiment)
    await repository.run_log.log(ANYONE, run_id, tags=[("trackback.promote.model", "huge"), ("promote", "true")])
    (waits,) = (await repository.promotions.pending(ANYONE)).items
    assert "'huge'" in waits.unmet[0]


async def test_a_run_with_files_elsewhere_is_taken_in_by_a_request(
    storage: Storage, blobs: BlobStore, tmp_path: Path
) -> None:
    repository = Repository(storage, blobs)
    repository.promotions = Promotions(
        storage, Snapshots(blobs, str(tmp_path)), repository.gate, repository.watch, repository.clock
    )
    experiment = await repository.experiments.create(ANYONE, "e", artifact_location=str(tmp_path / "e"))
    run_id = (await repository.runs.create(ANYONE, experiment)).info.run_id
    folder = tmp_path / "e" / run_id / "artifacts"
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(b"w")
    await repository.runs.update(ANYONE, run_id, status=RunStatus.FINISHED)
    await repository.run_log.log(ANYONE, run_id, tags=[("promote", "true")])
    (waits,) = (await repository.promotions.pending(ANYONE)).items
    assert "unverified" in waits.unmet[0]
    entry = await repository.promote(f"runs:/{run_id}", "staging")
    assert not entry.unverified
    assert (await repository.promotions.pending(ANYONE)).items == []


async def test_a_rollback_brings_back_a_run_as_it_was_promoted(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    first = await repository.finished_run(experiment, promote="true")
    await repository.finished_run(experiment, promote="true")
    await repository.artifacts.put(ANYONE, f"{experiment}/{first}/artifacts/notes.txt", stream(b"changed"))
    before, _ = await repository.whole_log()
    back = await repository.promotions.roll_back(ANYONE, f"experiments:/{experiment}", "staging")
    assert (back.run_id, back.digest, back.snapshots) == (first, before.digest, before.snapshots)


async def test_two_servers_keep_one_order_without_gaps(migrated_postgres_uri: str, blobs: BlobStore) -> None:
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(2):
            storage = open_storage(migrated_postgres_uri)
            stack.push_async_callback(storage.close)
            servers.append(Repository(storage, blobs))
        for name in ("churn", "fraud", "price"):
            await servers[0].register(name, 2)
        seen: dict[int, list[int]] = {0: [], 1: []}

        async def read(server: int) -> None:
            cursor = 0
            while len(seen[server]) < 60:
                page = await servers[server].promotions.log(ANYONE, after=cursor, max_results=7, wait_s=10)
                seen[server].extend(each.seq for each in page.promotions)
                cursor = page.cursor

        async def write(server: int, name: str) -> None:
            for number in range(20):
                subject = f"models:/{name}/{number % 2 + 1}"
                await servers[(server + number) % 2].promotions.promote(ANYONE, subject, "production")

        async with asyncio.timeout(120):
            await asyncio.gather(
                read(0), read(1), *(write(i, name) for i, name in enumerate(("churn", "fraud", "price")))
            )
        assert seen[0] == seen[1] == list(range(1, 61))


async def test_what_waits_for_an_environment_that_is_gone_holds_up_nothing(storage: Storage, blobs: BlobStore) -> None:
    before = Repository(storage, blobs)
    experiment = await before.experiments.create(ANYONE, "e")
    run_id = (await before.runs.create(ANYONE, experiment, tags=[("promote", "true")])).info.run_id
    after = Repository(storage, blobs, "promote=true->production", environments=["production"])
    await after.runs.update(ANYONE, run_id, status=RunStatus.FINISHED)
    (waits,) = (await after.promotions.pending(ANYONE)).items
    assert waits.unmet == ("This server has no environment staging.",)


async def test_a_rollback_to_a_deleted_run_is_refused(repository: Repository) -> None:
    experiment = await repository.experiments.create(ANYONE, "e")
    first = await repository.finished_run(experiment, promote="true")
    await repository.finished_run(experiment, promote="true")
    await repository.runs.delete(ANYONE, first)
    with pytest.raises(InvalidState, match="deleted since"):
        await repository.promotions.roll_back(ANYONE, f"experiments:/{experiment}", "staging")


async def test_a_promotion_lets_in_what_waited_for_it(repository: Repository) -> None:
    await repository.register("churn", 1)
    policies = Policies(repository.storage, repository.gate.environments, repository.gate.retry)
    await policies.set(ANYONE, "models:/churn", "production", {"after": "staging"})
    waits = await repository.promotions.promote(ANYONE, "models:/churn/1", "production", pending=True)
    assert isinstance(waits, PendingPromotion)
    await repository.promote("models:/churn/1", "staging")
    assert [each.environment for each in await repository.whole_log()] == ["staging", "production"]
    assert (await repository.promotions.pending(ANYONE)).items == []


async def test_a_run_that_is_tagged_while_it_finishes_is_promoted_all_the_same(
    migrated_postgres_uri: str, blobs: BlobStore
) -> None:
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(2):
            storage = open_storage(migrated_postgres_uri)
            stack.push_async_callback(storage.close)
            servers.append(Repository(storage, blobs))
        experiment = await servers[0].experiments.create(ANYONE, "e")
        for number in range(1, 31):
            run_id = (await servers[0].runs.create(ANYONE, experiment)).info.run_id
            await asyncio.gather(
                servers[0].run_log.log(ANYONE, run_id, tags=[("promote", "true")]),
                servers[1].runs.update(ANYONE, run_id, status=RunStatus.FINISHED),
            )
            assert len(await servers[0].whole_log()) == number


async def test_a_deleted_run_is_not_promoted(repository: Repository) -> None:
    run_id = await repository.finished_run(await repository.experiments.create(ANYONE, "e"))
    await repository.runs.delete(ANYONE, run_id)
    with pytest.raises(InvalidState, match="Restore it first"):
        await repository.promote(f"runs:/{run_id}", "staging")


async def test_a_request_that_says_more_takes_the_place_of_one_that_waits(repository: Repository) -> None:
    await register_version(repository.storage, await register_model(repository.storage, "churn"), digest=None)
    policies = Policies(repository.storage, repository.gate.environments, repository.gate.retry)
    await policies.set(ANYONE, "models:/churn", "production", {"after": "staging"})
    for allow in (False, True, False):
        waits = await repository.promotions.promote(
            ANYONE, "models:/churn/1", "production", pending=True, allow_unverified=allow
        )
        assert isinstance(waits, PendingPromotion)
    (found,) = (await repository.promotions.pending(ANYONE)).items
    assert "staging" in " ".join(found.unmet)
    assert "unverified" not in " ".join(found.unmet)
