"""Search across everything, on each database: what names a thing finds it, and nobody learns of what is not theirs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.delivery_world import COMMIT, WEAK, World
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission
from trackback.entities.findings import Findings, FoundKind
from trackback.errors import InvalidParameter
from trackback.services.finder import Finder
from trackback.storage import Storage


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    world = World(storage, blobs)
    await world.begin()
    yield world
    await blobs.close()


class Story:
    """An experiment with a run, whose version was promoted and deployed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.finder = Finder(world.storage)
        self.experiment = self.run_id = self.model_id = self.version = self.digest = ""
        self.promotion = self.deployment = 0

    async def tell(self) -> "Story":
        world = self.world
        self.experiment = await world.experiments.create(ANYONE, "Wine quality")
        self.run_id = await world.run(commit=COMMIT, params={"solver": "lbfgs"}, experiment=self.experiment)
        await world.runs.update(ANYONE, self.run_id, run_name="Brave Heron 17")
        await world.run_log.log(ANYONE, self.run_id, tags=[("team", "cellar")])
        await world.use(self.run_id, "bottles-2026")
        self.model_id = await world.log_model(self.run_id)
        self.version = await world.register(self.run_id)
        promoted = await world.promote(f"models:/churn/{self.version}")
        self.promotion, self.digest = promoted.seq, promoted.digest or ""
        self.deployment = await world.deploy(subject=f"models:/churn/{self.version}", environment="production")
        return self

    async def find(self, text: str, actor: Actor = ANYONE) -> Findings:
        return await self.finder.find(actor, text)


@pytest.fixture
async def story(world: World) -> Story:
    return await Story(world).tell()


FOUND = [
    ("Wine", FoundKind.EXPERIMENT, "{experiment}"),
    ("quality", FoundKind.EXPERIMENT, "{experiment}"),
    ("WINE QUAL", FoundKind.EXPERIMENT, "{experiment}"),
    ("{experiment}", FoundKind.EXPERIMENT, "{experiment}"),
    ("brave", FoundKind.RUN, "{run_id}"),
    ("heron", FoundKind.RUN, "{run_id}"),
    ("{run_start}", FoundKind.RUN, "{run_id}"),
    ("lbfgs", FoundKind.RUN, "{run_id}"),
    ("lbf", FoundKind.RUN, "{run_id}"),
    ("solver=lbfgs", FoundKind.RUN, "{run_id}"),
    ("cellar", FoundKind.RUN, "{run_id}"),
    ("team = cellar", FoundKind.RUN, "{run_id}"),
    ("chu", FoundKind.REGISTERED_MODEL, "churn"),
    ("HURN", FoundKind.REGISTERED_MODEL, "churn"),
    ("churn/1", FoundKind.VERSION, "churn/1"),
    ("churn 1", FoundKind.VERSION, "churn/1"),
    ("churn v1", FoundKind.VERSION, "churn/1"),
    ("churn@production", FoundKind.VERSION, "churn/1"),
    ("{digest_start}", FoundKind.VERSION, "churn/1"),
    ("sha256:{digest_start}", FoundKind.VERSION, "churn/1"),
    ("{model_start}", FoundKind.LOGGED_MODEL, "{model_id}"),
    ("{promotion}", FoundKind.PROMOTION, "{promotion}"),
    ("registry.example/churn", FoundKind.DEPLOYMENT, "deployments/{deployment}"),
    (COMMIT[:7], FoundKind.COMMIT, f"commits/{COMMIT}"),
    ("bottles", FoundKind.DATASET, f"datasets/{WEAK}"),
    (WEAK, FoundKind.DATASET, f"datasets/{WEAK}"),
]


def spelled(story: Story, text: str) -> str:
    return text.format(
        experiment=story.experiment,
        run_id=story.run_id,
        run_start=story.run_id[:8],
        model_id=story.model_id,
        model_start=story.model_id[:10],
        digest_start=story.digest[:10],
        promotion=story.promotion,
        deployment=story.deployment,
    )


async def test_everything_is_found_by_what_people_know_of_it(story: Story) -> None:
    """One story for all of them: to tell it takes longer than to search."""
    missed = []
    for text, kind, identity in FOUND:
        found = await story.find(spelled(story, text))
        names = {(group.kind, each.id) for group in found.groups for each in group.found}
        if (kind, spelled(story, identity)) not in names:
            missed.append((text, kind, names))
    assert missed == []


EXACT = [
    ("{run_id}", FoundKind.RUN, "{run_id}"),
    ("runs:/{run_id}", FoundKind.RUN, "{run_id}"),
    ("{model_id}", FoundKind.LOGGED_MODEL, "{model_id}"),
    ("models:/churn/1", FoundKind.VERSION, "churn/1"),
    ("models:/churn@production", FoundKind.VERSION, "churn/1"),
    ("promotions/{promotion}", FoundKind.PROMOTION, "{promotion}"),
    (COMMIT, FoundKind.COMMIT, COMMIT),
    (f"registry.example/churn@sha256:{'1' * 64}", FoundKind.DEPLOYMENT, f"registry.example/churn@sha256:{'1' * 64}"),
    (f"datasets/{WEAK}", FoundKind.DATASET, f"datasets/{WEAK}"),
]


async def test_a_whole_id_or_digest_is_the_one_thing_that_it_is_of(story: Story) -> None:
    for text, kind, identity in EXACT:
        exact = (await story.find(spelled(story, text))).exact
        assert exact is not None, text
        assert (exact.kind, exact.id) == (kind, spelled(story, identity)), text
    exact = (await story.find(story.digest)).exact
    assert exact is not None
    assert (exact.kind, exact.id) == (FoundKind.VERSION, "churn/1")


@pytest.mark.parametrize("text", ["churn", "1", "abc1234", "nothing", "f" * 64, "models:/churn/9", "https://x.example"])
async def test_a_part_of_a_name_or_what_is_not_there_is_no_exact_thing(story: Story, text: str) -> None:
    assert (await story.find(text)).exact is None


async def test_nothing_is_found_that_the_actor_may_not_read(story: Story) -> None:
    stranger = Actor("eve", grants=Grants(experiments={99: frozenset((Permission.READ,))}))
    for text, _, _ in (*FOUND, *EXACT):
        found = await story.find(spelled(story, text), stranger)
        assert (found.exact, found.groups) == (None, ()), text


async def test_who_may_read_one_experiment_finds_what_is_in_it(story: Story) -> None:
    reader = Actor("bob", grants=Grants(experiments={int(story.experiment): frozenset((Permission.READ,))}))
    for text, kind, identity in FOUND:
        if kind in (FoundKind.EXPERIMENT, FoundKind.RUN):
            found = await story.find(spelled(story, text), reader)
            names = {(group.kind, each.id) for group in found.groups for each in group.found}
            assert (kind, spelled(story, identity)) in names, text


async def test_a_deleted_run_is_found_by_its_whole_id_only(story: Story) -> None:
    await story.world.runs.delete(ANYONE, story.run_id)
    for text in ("heron", "brave", "lbfgs", "solver=lbfgs", story.run_id[:8]):
        groups = (await story.find(text)).groups
        assert FoundKind.RUN not in {group.kind for group in groups}, text
    exact = (await story.find(story.run_id)).exact
    assert exact is not None
    assert exact.id == story.run_id


async def test_signs_that_mean_something_in_patterns_mean_themselves(story: Story) -> None:
    await story.world.experiments.create(ANYONE, "100% _done")
    named = [each.label for group in (await story.find("% _")).groups for each in group.found]
    assert named == ["100% _done"]
    assert (await story.find("%")).groups[0].found[0].label == "100% _done"


async def test_older_runs_are_found_by_how_their_name_begins(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trackback.storage.finding.NEWEST", 1)
    await story.world.run()
    assert [group.kind for group in (await story.find("BRAVE h")).groups] == [FoundKind.RUN]
    assert (await story.find("heron")).groups == ()


async def test_of_many_of_a_kind_some_are_told_and_that_there_are_more(story: Story) -> None:
    for number in range(10):
        await story.world.experiments.create(ANYONE, f"series {number}")
    (group,) = (await story.find("series")).groups
    assert (len(group.found), group.more) == (8, True)


@pytest.mark.parametrize("text", ["x" * 3000, "a\x00b"])
async def test_what_can_be_no_name_is_refused(story: Story, text: str) -> None:
    with pytest.raises(InvalidParameter):
        await story.find(text)


async def test_nothing_is_asked_of_nothing(story: Story) -> None:
    assert await story.find("  ") == Findings("")
