"""From anything that is known of a model's way into production back to the run that made it, and forth."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.delivery_world import COMMIT, STRONG, WEAK, World
from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, BuildResult, DeploymentKind, Grants, Package, Param, Permission, TraceKind
from trackback.errors import InvalidParameter, NotFound
from trackback.services.builds import BuildReport
from trackback.services.deployment_reports import DeploymentReport
from trackback.services.locators import Place
from trackback.storage import Storage

BUILD_URL = "https://ci.example/pipelines/churn/12"


@pytest.fixture
async def world(storage: Storage, tmp_path: Path) -> AsyncIterator[World]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    world = World(storage, blobs)
    await world.begin()
    yield world
    await blobs.close()


NAMES = {
    f"sha256:{'1' * 64}": TraceKind.DEPLOYMENT,
    "1" * 64: TraceKind.DEPLOYMENT,
    f"registry.example/churn@sha256:{'1' * 64}": TraceKind.DEPLOYMENT,
    f"mirror.example/churn:7@sha256:{'1' * 64}": TraceKind.DEPLOYMENT,
    "deployments/{deployment}": TraceKind.DEPLOYMENT,
    BUILD_URL: TraceKind.BUILD,
    f"{BUILD_URL}/": TraceKind.BUILD,
    "builds/{build}": TraceKind.BUILD,
    "{promotion}": TraceKind.PROMOTION,
    "promotions/{promotion}": TraceKind.PROMOTION,
    "models:/churn/1": TraceKind.VERSION,
    "models:/churn@production": TraceKind.VERSION,
    "{digest}": TraceKind.DIGEST,
    "sha256:{digest}": TraceKind.DIGEST,
    hashlib.sha256(b"numpy==1.26.0\n").hexdigest().upper(): TraceKind.BLOB,
    hashlib.sha256(b"numpy==1.26.0\n").hexdigest(): TraceKind.BLOB,
    "{run_id}": TraceKind.RUN,
    "runs:/{run_id}": TraceKind.RUN,
    COMMIT: TraceKind.COMMIT,
    COMMIT[:7].upper(): TraceKind.COMMIT,
    f"commits/{COMMIT[:9]}": TraceKind.COMMIT,
    WEAK: TraceKind.DATASET,
    f"datasets/{WEAK}": TraceKind.DATASET,
    "datasets/train": TraceKind.DATASET,
}
UNKNOWN = [
    *("nothing", "/", "sha256:", "models:/churn/2", "models:/fraud/1", "deployments/99", "builds/99", "promotions/99"),
    *("99", "9" * 40, "0" * 64, f"sha256:{'0' * 64}", "f" * 32, f"m-{'f' * 32}", "abcdef0", "commits/xyz"),
    *("https://ci.example/pipelines/churn/13", "ami-0123456789abcdef0"),
]


class Story:
    """Version 1 of churn: trained by a run on a data set, promoted, built and deployed as an image."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.run_id = self.digest = ""
        self.promotion = self.build = self.deployment = 0

    async def tell(self) -> None:
        world = self.world
        self.run_id = await world.run(commit=COMMIT, params={"depth": "3", "alpha": "0.1"})
        await world.use(self.run_id, "train")
        version = await world.register(self.run_id, requirements="numpy==1.26.0\n")
        promotion = await world.promote(f"models:/churn/{version}")
        self.promotion, self.digest = promotion.seq, promotion.digest or ""
        report = BuildReport(promotion=self.promotion, system="gocd", pipeline="churn", counter="12", url=BUILD_URL)
        self.build = (await world.builds.report(ANYONE, report._replace(result=BuildResult.PASSED))).id
        self.deployment = await world.deploy(build=self.build)


async def is_known(world: World, x: str) -> bool:
    try:
        await world.trace(x)
    except NotFound:
        return False
    return True


@pytest.fixture
async def story(world: World) -> Story:
    story = Story(world)
    await story.tell()
    return story


class TestTheChain:
    async def test_everything_of_it_leads_to_all_of_it(self, story: Story) -> None:
        for x, kind in NAMES.items():
            trace = await story.world.trace(x.format(**vars(story)))
            assert (x, trace.kind) == (x, kind)
            assert [each.id for each in trace.deployments] == [story.deployment], x
            assert [(each.id, each.result) for each in trace.builds] == [(story.build, BuildResult.PASSED)], x
            assert [(each.seq, each.reason) for each in trace.promotions] == [(story.promotion, "it is better")], x
            assert trace.version
            assert (trace.version.name, trace.version.version, trace.version.digest) == ("churn", "1", story.digest), x
            assert trace.run
            assert (trace.run.run_id, trace.candidates) == (story.run_id, ()), x

    async def test_the_run_is_told_with_all_that_went_into_it(self, story: Story) -> None:
        trace = await story.world.trace(f"sha256:{'1' * 64}")
        assert trace.run
        assert trace.run.params == (Param("alpha", "0.1"), Param("depth", "3"))
        assert (trace.run.user_id, trace.run.experiment_name) == ("ada", "Default")
        known = trace.run.provenance
        assert known
        assert known.code
        assert known.code.commit == COMMIT
        assert [(each.name, each.digest, each.weak) for each in known.datasets] == [("train", WEAK, True)]
        assert known.packages == (Package("numpy", "1.26.0"),)

    async def test_what_is_not_known_is_not_found(self, story: Story) -> None:
        assert [x for x in UNKNOWN if await is_known(story.world, x)] == []

    async def test_what_could_name_nothing_is_refused(self, world: World) -> None:
        for x in ("", "  ", "x" * 2001, "a\x00b"):
            with pytest.raises(InvalidParameter):
                await world.trace(x)


class TestPlaces:
    @pytest.mark.parametrize(
        ("place", "x"),
        [
            (Place(DeploymentKind.AMI, "ami-0123456789abcdef0", region="eu-west-1"), "ami-0123456789abcdef0"),
            (Place(DeploymentKind.ENDPOINT, "https://churn.example/predict"), "https://churn.example/predict/"),
            (
                Place(DeploymentKind.KUBERNETES, "prod/ml/churn", image=f"r.example/churn@sha256:{'9' * 64}"),
                f"sha256:{'9' * 64}",
            ),
            (Place(DeploymentKind.OTHER, "the fridge"), "the fridge"),
        ],
        ids=["ami", "endpoint", "kubernetes", "other"],
    )
    async def test_a_deployment_is_found_by_what_its_place_is_called(self, world: World, place: Place, x: str) -> None:
        await world.register(await world.run())
        report = DeploymentReport(place, "staging", "models:/churn/1")
        deployment = await world.deployments.report(ANYONE, report)
        assert [each.id for each in (await world.trace(x)).deployments] == [deployment.id]

    async def test_an_endpoint_leads_to_what_is_live_there_now(self, world: World) -> None:
        place = Place(DeploymentKind.ENDPOINT, "https://churn.example/predict")
        for version in ("1", "2"):
            await world.register(await world.run())
            report = DeploymentReport(place, "staging", f"models:/churn/{version}", replaces_previous=True)
            await world.deployments.report(ANYONE, report)
        trace = await world.trace("https://churn.example/predict")
        assert trace.version
        assert trace.version.version == "2"

    async def test_a_place_with_two_versions_live_leads_to_candidates(self, world: World) -> None:
        place = Place(DeploymentKind.ENDPOINT, "https://churn.example/predict")
        for version in ("1", "2"):
            await world.register(await world.run())
            await world.deployments.report(ANYONE, DeploymentReport(place, "staging", f"models:/churn/{version}"))
        trace = await world.trace("https://churn.example/predict")
        assert [each.label for each in trace.candidates] == [
            "endpoint in staging, of models:/churn/2",
            "endpoint in staging, of models:/churn/1",
        ]
        chosen = await world.trace(trace.candidates[0].x)
        assert chosen.version
        assert chosen.version.version == "2"

    async def test_a_deployment_without_a_promotion_is_of_the_last_before_it(self, world: World) -> None:
        await world.register(await world.run())
        await world.promote("models:/churn/1", "staging")
        promotion = await world.promote("models:/churn/1", "production")
        number = await world.deploy(subject="models:/churn/1", environment="production")
        trace = await world.trace(f"deployments/{number}")
        assert [each.seq for each in trace.promotions] == [promotion.seq]


class TestSeveral:
    async def test_a_commit_of_several_runs_leads_to_candidates(self, world: World) -> None:
        first, second = [await world.run(commit=COMMIT) for _ in range(2)]
        await world.register(first)
        trace = await world.trace(COMMIT)
        assert trace.run is None
        assert [(each.x, each.label) for each in trace.candidates] == [
            (second, "run train"),
            (first, "run train, registered as models:/churn/1"),
        ]

    async def test_a_short_commit_that_is_several_leads_to_these(self, world: World) -> None:
        for commit in (COMMIT, f"{COMMIT[:7]}{'0' * 33}"):
            await world.run(commit=commit)
        found = (await world.trace(COMMIT[:7])).candidates
        assert [each.x for each in found] == [f"commits/{COMMIT[:7]}{'0' * 33}", f"commits/{COMMIT}"]

    async def test_a_run_with_several_versions_is_told_with_these_beside_it(self, world: World) -> None:
        run_id = await world.run()
        await world.register(run_id)
        await world.register(run_id)
        trace = await world.trace(run_id)
        assert trace.run
        assert (trace.run.run_id, trace.version) == (run_id, None)
        assert [each.x for each in trace.candidates] == ["models:/churn/2", "models:/churn/1"]

    async def test_a_digest_of_several_versions_leads_to_candidates(self, world: World) -> None:
        run_id = await world.run()
        digests = set()
        for version in ("1", "2"):
            await world.register(run_id)
            digests.add((await world.versions.get(ANYONE, "churn", version)).digest)
        (digest,) = digests
        trace = await world.trace(str(digest))
        assert [each.x for each in trace.candidates] == ["models:/churn/2", "models:/churn/1"]


class TestSources:
    async def test_parents_and_source_models_are_told_each_once(self, world: World) -> None:
        grandparent = await world.run(params={"seed": "1"})
        parent = await world.run(parent=grandparent)
        model_id = await world.log_model(grandparent)
        run_id = await world.run(parent=parent)
        await world.use_model(run_id, model_id)
        run = (await world.trace(run_id)).run
        assert run
        assert [each.run_id for each in run.parents] == [parent]
        assert [each.run_id for each in run.parents[0].parents] == [grandparent]
        assert run.parents[0].parents[0].params == (Param("seed", "1"),)
        (model,) = run.source_models
        assert (model.model_id, model.source_run_id, model.run) == (model_id, grandparent, None)

    async def test_runs_that_are_each_others_parents_end(self, world: World) -> None:
        one = await world.run()
        other = await world.run(parent=one)
        await world.run_log.log(ANYONE, one, tags=[("mlflow.parentRunId", other)])
        run = (await world.trace(one)).run
        assert run
        assert [each.run_id for each in run.parents] == [other]
        assert run.parents[0].parents == ()

    async def test_a_long_line_of_parents_is_cut_and_says_so(self, world: World) -> None:
        run_id = ""
        for _ in range(55):
            run_id = await world.run(parent=run_id)
        run = (await world.trace(run_id)).run
        told = 0
        while run:
            told, last, run = told + 1, run, next(iter(run.parents), None)
        assert (told, last.truncated) == (50, True)

    async def test_a_logged_model_leads_to_its_run_and_its_version(self, world: World) -> None:
        run_id = await world.run()
        model_id = await world.log_model(run_id)
        trace = await world.trace(model_id)
        assert trace.kind is TraceKind.MODEL
        assert trace.run
        assert trace.run.run_id == run_id

    async def test_a_promoted_run_is_told_with_its_promotions_and_deployments(self, world: World) -> None:
        run_id = await world.run()
        await world.put(run_id, "model/MLmodel", b"flavors: {}\n")
        promotion = await world.promote(f"runs:/{run_id}", "staging")
        number = await world.deploy(promotion=promotion.seq, digest=promotion.digest or promotion.snapshots[0].digest)
        for x in (run_id, f"deployments/{number}", str(promotion.seq), f"sha256:{'1' * 64}"):
            trace = await world.trace(x)
            assert trace.run
            assert trace.run.run_id == run_id
            assert [each.seq for each in trace.promotions] == [promotion.seq]
            assert [each.id for each in trace.deployments] == [number]

    async def test_the_data_set_of_a_document_leads_to_the_run(self, world: World) -> None:
        run_id = await world.run()
        await world.put_document(run_id, datasets=[{"name": "train", "sha256": STRONG}])
        for x in (STRONG, f"sha256:{STRONG}", f"datasets/{STRONG}"):
            run = (await world.trace(x)).run
            assert run
            assert run.run_id == run_id


class TestAccess:
    async def test_who_may_not_read_the_model_finds_nothing_of_it(self, story: Story) -> None:
        stranger = Actor("eve", grants=Grants(models={77: frozenset((Permission.READ,))}))
        found = [f"sha256:{'1' * 64}", BUILD_URL, str(story.promotion), story.digest, story.run_id, COMMIT, WEAK]
        for x in [*found, "models:/churn/1", f"builds/{story.build}", f"deployments/{story.deployment}"]:
            with pytest.raises(NotFound):
                await story.world.traces.find(stranger, x)

    async def test_a_run_that_may_not_be_read_is_left_out(self, story: Story) -> None:
        reader = Actor("bob", grants=Grants(models={1: frozenset((Permission.READ,))}))
        trace = await story.world.traces.find(reader, f"sha256:{'1' * 64}")
        assert trace.version
        assert trace.run is None

    async def test_a_deployment_that_is_known_by_its_digest_alone_takes_the_right_to_read_all(
        self, world: World, story: Story
    ) -> None:
        await world.models.create(ANYONE, "fraud")
        await world.register(story.run_id, "fraud")
        by_digest = await world.deploy("2", digest=story.digest, environment="staging")
        reader = Actor("bob", grants=Grants(models={1: frozenset((Permission.READ,))}))
        for actor, told in ((ANYONE, [story.deployment, by_digest]), (reader, [story.deployment])):
            trace = await world.traces.find(actor, "models:/churn/1")
            assert [each.id for each in trace.deployments] == told
