"""What is live where, and what was."""

import pytest

from tests.contract.registered import DIGEST, OTHER_DIGEST, promote, register_model, register_version
from trackback.entities import ANYONE, Actor, Deployment, DeploymentKind, Grants, Permission
from trackback.errors import Conflict, InvalidParameter, NotFound, PermissionDenied
from trackback.services.builds import BuildReport, Builds
from trackback.services.deployment_reports import DeploymentReport
from trackback.services.deployments import Deployments
from trackback.services.locators import Place
from trackback.services.promotion_rules import Environments
from trackback.storage import Storage

IMAGE = Place(DeploymentKind.IMAGE, f"registry.example/churn:7@sha256:{'1' * 64}")
OTHER_IMAGE = Place(DeploymentKind.IMAGE, f"registry.example/churn:8@sha256:{'2' * 64}")
ENDPOINT = Place(DeploymentKind.ENDPOINT, "https://churn.example/predict")
AMI = Place(DeploymentKind.AMI, "ami-0123456789abcdef0", region="eu-west-1")
VERSION_1 = DeploymentReport(IMAGE, "production", "models:/churn/1")
VERSION_2 = DeploymentReport(OTHER_IMAGE, "production", "models:/churn/2")


class Clock:
    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def model(storage: Storage) -> int:
    """A model with two versions; the promotion 1 is of the first, 2 of the second."""
    model = await register_model(storage, "churn")
    for seq, digest in ((1, DIGEST), (2, OTHER_DIGEST)):
        version = await register_version(storage, model, digest)
        await promote(storage, seq, f"models/{model}", "production", digest, model_version=version)
    return model


@pytest.fixture
def deployments(storage: Storage, model: int, clock: Clock) -> Deployments:
    return Deployments(storage, Environments(("staging", "production"), ()), clock)


async def report(deployments: Deployments, asked: DeploymentReport) -> Deployment:
    return await deployments.report(ANYONE, asked)


async def live(deployments: Deployments, at_ms: int) -> list[str | None]:
    found = await deployments.search(ANYONE, environment="production", at_ms=at_ms)
    return [each.version for each in found.items]


class TestReports:
    async def test_a_deployment_is_tied_to_the_version_and_to_its_digest(self, deployments: Deployments) -> None:
        deployment = await report(deployments, VERSION_1)
        assert (deployment.name, deployment.version, deployment.digest) == ("churn", "1", DIGEST)
        assert await deployments.get(ANYONE, deployment.id) == deployment

    async def test_a_digest_alone_names_the_version_that_has_it(self, deployments: Deployments) -> None:
        deployment = await report(deployments, DeploymentReport(IMAGE, "production", digest=f"sha256:{OTHER_DIGEST}"))
        assert (deployment.name, deployment.version) == ("churn", "2")

    async def test_a_digest_of_several_versions_names_none(
        self, storage: Storage, deployments: Deployments, model: int
    ) -> None:
        await register_version(storage, model, DIGEST)
        deployment = await report(deployments, DeploymentReport(IMAGE, "production", digest=DIGEST))
        assert (deployment.version, deployment.digest, deployment.stream) == (None, DIGEST, f"models/{model}")

    async def test_a_promotion_names_its_version_and_environment(self, deployments: Deployments) -> None:
        deployment = await report(deployments, DeploymentReport(IMAGE, promotion=2))
        assert (deployment.version, deployment.environment, deployment.promotion) == ("2", "production", 2)

    async def test_a_build_names_its_promotion(self, storage: Storage, deployments: Deployments) -> None:
        build = await Builds(storage).report(ANYONE, BuildReport(promotion=2, system="gocd", pipeline="p", counter="1"))
        deployment = await report(deployments, DeploymentReport(IMAGE, build=build.id))
        assert (deployment.version, deployment.promotion, deployment.build) == ("2", 2, build.id)

    async def test_an_unverified_version_is_deployed_without_a_digest(
        self, storage: Storage, deployments: Deployments, model: int
    ) -> None:
        await register_version(storage, model, None)
        deployment = await report(deployments, DeploymentReport(IMAGE, "staging", "models:/churn/3"))
        assert (deployment.version, deployment.digest) == ("3", None)

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            (VERSION_1._replace(subject="models:/churn/9"), "There is no version 9"),
            (VERSION_1._replace(subject="", digest="c" * 64), "There is no version with the digest ccc"),
            (VERSION_1._replace(subject="", promotion=9), "There is no promotion 9"),
            (VERSION_1._replace(subject="", build=9), "There is no build 9"),
        ],
        ids=["version", "digest", "promotion", "build"],
    )
    async def test_what_is_not_known_is_not_found(
        self, deployments: Deployments, asked: DeploymentReport, said: str
    ) -> None:
        with pytest.raises(NotFound, match=said):
            await report(deployments, asked)

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            (VERSION_1._replace(subject=""), "Nothing says what is deployed"),
            (VERSION_1._replace(promotion=2), "The promotion 2 is of models:/churn/2, not of models:/churn/1"),
            (VERSION_1._replace(digest=OTHER_DIGEST), "is not that of models:/churn/1"),
            (VERSION_1._replace(environment=""), "required parameter 'environment'"),
            (VERSION_1._replace(environment="prodution"), "There is no environment 'prodution'"),
            (VERSION_1._replace(digest="abc"), "must be a SHA-256"),
            (VERSION_1._replace(started_ms=5, ended_ms=4), "before it started"),
        ],
    )
    async def test_a_report_that_contradicts_itself_is_refused(
        self, deployments: Deployments, asked: DeploymentReport, said: str
    ) -> None:
        with pytest.raises(InvalidParameter, match=said):
            await report(deployments, asked)

    @pytest.mark.parametrize(
        ("place", "said"),
        [
            (Place(DeploymentKind.IMAGE, "registry.example/churn:7"), "named by its digest"),
            (Place(DeploymentKind.ENDPOINT, "churn"), "named by its URL"),
            (Place(DeploymentKind.AMI, "churn", region="eu-west-1"), "named by its id"),
            (Place(DeploymentKind.AMI, "ami-0123456789abcdef0"), "required parameter 'region'"),
            (Place(DeploymentKind.KUBERNETES, "prod/churn", image="churn:7"), "named by its digest"),
            (Place(DeploymentKind.OTHER, ""), "required parameter 'locator'"),
        ],
    )
    async def test_a_place_that_nobody_could_find_later_is_refused(
        self, deployments: Deployments, place: Place, said: str
    ) -> None:
        with pytest.raises(InvalidParameter, match=said):
            await report(deployments, VERSION_1._replace(place=place))


class TestRepeats:
    async def test_the_same_key_again_is_the_same_deployment(self, deployments: Deployments) -> None:
        first = await report(deployments, VERSION_1._replace(key="job-7"))
        assert await report(deployments, VERSION_1._replace(key="job-7")) == first

    async def test_the_key_of_one_that_has_ended_starts_nothing_new(self, deployments: Deployments) -> None:
        first = await report(deployments, VERSION_1._replace(key="job-7"))
        ended = await deployments.end(ANYONE, first.id)
        assert await report(deployments, VERSION_1._replace(key="job-7")) == ended

    async def test_the_same_in_the_same_place_is_known_without_a_key(self, deployments: Deployments) -> None:
        first = await report(deployments, VERSION_1)
        assert await report(deployments, VERSION_1) == first
        assert (await report(deployments, VERSION_1._replace(environment="staging"))).id != first.id

    async def test_what_comes_back_after_its_end_is_a_new_deployment(self, deployments: Deployments) -> None:
        first = await report(deployments, VERSION_1)
        await deployments.end(ANYONE, first.id)
        assert (await report(deployments, VERSION_1)).id != first.id

    async def test_another_unverified_version_in_the_same_place_is_no_repeat(
        self, storage: Storage, deployments: Deployments, model: int
    ) -> None:
        for _ in range(2):
            await register_version(storage, model, None)
        first = await report(deployments, VERSION_1._replace(subject="models:/churn/3"))
        assert (await report(deployments, VERSION_1._replace(subject="models:/churn/4"))).id != first.id

    async def test_a_key_is_not_given_to_another_deployment(self, deployments: Deployments) -> None:
        await report(deployments, VERSION_1._replace(key="k"))
        with pytest.raises(Conflict, match="differs in its locator, digest, version"):
            await report(deployments, VERSION_2._replace(key="k"))


class TestEnds:
    async def test_what_was_live_at_a_time(self, deployments: Deployments, clock: Clock) -> None:
        clock.now = 100
        await report(deployments, VERSION_1)
        clock.now = 200
        await report(deployments, VERSION_2._replace(replaces_previous=True))
        clock.now = 300
        await report(deployments, VERSION_1._replace(replaces_previous=True))
        at = {time: await live(deployments, time) for time in (99, 100, 199, 200, 299, 300, 10_000)}
        assert at == {99: [], 100: ["1"], 199: ["1"], 200: ["2"], 299: ["2"], 300: ["1"], 10_000: ["1"]}

    async def test_the_one_that_took_over_is_named(self, deployments: Deployments, clock: Clock) -> None:
        first = await report(deployments, VERSION_1)
        clock.now = 50
        second = await report(deployments, VERSION_2._replace(replaces=(first.id,)))
        ended = await deployments.get(ANYONE, first.id)
        assert (ended.ended, ended.replaced_by) == (50, second.id)

    async def test_a_slot_is_an_images_repository_an_endpoints_url_an_amis_region(
        self, deployments: Deployments
    ) -> None:
        slots = {
            place.kind: (await report(deployments, VERSION_1._replace(place=place))).slot
            for place in (IMAGE, ENDPOINT, AMI)
        }
        assert slots == {
            DeploymentKind.IMAGE: "registry.example/churn",
            DeploymentKind.ENDPOINT: "https://churn.example/predict",
            DeploymentKind.AMI: "eu-west-1",
        }

    async def test_only_the_same_slot_of_the_same_model_is_taken_over(
        self, storage: Storage, deployments: Deployments
    ) -> None:
        other = await register_model(storage, "fraud")
        await register_version(storage, other, "c" * 64)
        ours = [
            await report(deployments, VERSION_1._replace(place=place, environment=environment))
            for place, environment in ((AMI, "staging"), (AMI._replace(region="us-east-1"), "production"))
        ]
        theirs = await report(deployments, VERSION_1._replace(place=AMI, subject="models:/fraud/1"))
        await report(deployments, VERSION_2._replace(place=AMI, replaces_previous=True))
        assert [(await deployments.get(ANYONE, each.id)).ended for each in (*ours, theirs)] == [None, None, None]

    async def test_a_deployment_of_another_kind_is_not_replaced(self, deployments: Deployments) -> None:
        first = await report(deployments, VERSION_1._replace(place=AMI))
        with pytest.raises(InvalidParameter, match="End it instead"):
            await report(deployments, VERSION_2._replace(replaces=(first.id,)))

    async def test_the_end_again_changes_nothing(self, deployments: Deployments, clock: Clock) -> None:
        first = await report(deployments, VERSION_1)
        clock.now = 70
        ended = await deployments.end(ANYONE, first.id)
        clock.now = 80
        assert await deployments.end(ANYONE, first.id) == ended
        assert ended.ended == 70

    async def test_an_end_before_the_start_is_refused(self, deployments: Deployments) -> None:
        first = await report(deployments, VERSION_1._replace(started_ms=10))
        with pytest.raises(InvalidParameter, match="before it started"):
            await deployments.end(ANYONE, first.id, 9)

    async def test_an_unknown_deployment_is_not_found(self, deployments: Deployments) -> None:
        with pytest.raises(NotFound, match="There is no deployment 4"):
            await deployments.end(ANYONE, 4)


class TestSearch:
    async def test_deployments_are_found_by_model_version_digest_and_place(
        self, deployments: Deployments, model: int
    ) -> None:
        one = await report(deployments, VERSION_1)
        two = await report(deployments, VERSION_2._replace(place=ENDPOINT))
        by_model = await deployments.search(ANYONE, stream="models:/churn")
        assert [each.id for each in by_model.items] == [two.id, one.id]
        assert list((await deployments.search(ANYONE, subject="models:/churn/1")).items) == [one]
        assert list((await deployments.search(ANYONE, digest=OTHER_DIGEST)).items) == [two]
        assert list((await deployments.search(ANYONE, locator=f"sha256:{'1' * 64}")).items) == [one]
        assert list((await deployments.search(ANYONE, locator="https://churn.example/predict/")).items) == [two]

    async def test_pages_follow_each_other_the_last_started_first(self, deployments: Deployments) -> None:
        for start in (10, 30, 20):
            await report(deployments, VERSION_1._replace(started_ms=start, key=str(start)))
        first = await deployments.search(ANYONE, max_results=2)
        rest = await deployments.search(ANYONE, max_results=2, page_token=first.next_page_token or "")
        assert [each.started for each in (*first.items, *rest.items)] == [30, 20, 10]

    async def test_live_are_those_without_an_end(self, deployments: Deployments) -> None:
        one = await report(deployments, VERSION_1)
        two = await report(deployments, VERSION_2)
        await deployments.end(ANYONE, one.id)
        assert list((await deployments.search(ANYONE, live=True)).items) == [two]


class TestAccess:
    async def test_a_deployment_obeys_the_roles_for_its_model(self, deployments: Deployments, model: int) -> None:
        deployment = await report(deployments, VERSION_1)
        stranger = Actor("eve", grants=Grants(models={model + 1: frozenset((Permission.READ, Permission.WRITE))}))
        reader = Actor("bob", grants=Grants(models={model: frozenset((Permission.READ,))}))
        assert list((await deployments.search(stranger)).items) == []
        assert list((await deployments.search(reader)).items) == [deployment]
        with pytest.raises(NotFound):
            await deployments.get(stranger, deployment.id)
        with pytest.raises(NotFound):
            await deployments.report(stranger, VERSION_2)
        with pytest.raises(PermissionDenied):
            await deployments.report(reader, VERSION_2)
        with pytest.raises(PermissionDenied):
            await deployments.end(reader, deployment.id)

    async def test_a_digest_of_a_model_that_may_not_be_read_is_as_one_that_nobody_has(
        self, deployments: Deployments, model: int
    ) -> None:
        stranger = Actor("eve", grants=Grants(models={model + 1: frozenset((Permission.READ, Permission.WRITE))}))
        for digest in (DIGEST, "0" * 64):
            with pytest.raises(NotFound, match=f"no version with the digest {digest}"):
                await deployments.report(stranger, DeploymentReport(IMAGE, "production", digest=digest))

    async def test_of_equal_files_those_count_that_may_be_read(
        self, storage: Storage, deployments: Deployments, model: int
    ) -> None:
        await register_version(storage, await register_model(storage, "fraud"), DIGEST)
        writer = Actor("ann", grants=Grants(models={model: frozenset((Permission.READ, Permission.WRITE))}))
        deployment = await deployments.report(writer, DeploymentReport(IMAGE, "production", digest=DIGEST))
        assert (deployment.name, deployment.version) == ("churn", "1")

    async def test_of_who_has_a_key_only_that_it_is_taken_is_told_to_who_may_not_read_it(
        self, storage: Storage, deployments: Deployments
    ) -> None:
        await report(deployments, VERSION_1._replace(key="job-7"))
        fraud = await register_model(storage, "fraud")
        await register_version(storage, fraud, OTHER_DIGEST)
        stranger = Actor("eve", grants=Grants(models={fraud: frozenset((Permission.READ, Permission.WRITE))}))
        with pytest.raises(Conflict) as refused:
            await deployments.report(stranger, DeploymentReport(IMAGE, "staging", "models:/fraud/1", key="job-7"))
        assert str(refused.value) == "The key 'job-7' is taken. Report the deployment under another key."


class TestTimesOfChange:
    async def test_each_start_and_end_is_one_and_the_last_comes_first(
        self, deployments: Deployments, clock: Clock
    ) -> None:
        for clock.now, asked in ((100, VERSION_1), (200, VERSION_2._replace(replaces_previous=True))):
            await report(deployments, asked)
        clock.now = 300
        ended = await report(deployments, VERSION_1._replace(place=ENDPOINT))
        await deployments.end(ANYONE, ended.id, 400)
        assert await deployments.change_times(ANYONE) == [400, 300, 200, 100]
        assert await deployments.change_times(ANYONE, max_results=2) == [400, 300]
        assert await deployments.change_times(ANYONE, before_ms=300) == [200, 100]

    async def test_they_are_of_one_environment_or_model_where_that_is_asked_for(
        self, deployments: Deployments, clock: Clock, storage: Storage
    ) -> None:
        clock.now = 100
        await report(deployments, VERSION_1)
        other = await register_model(storage, "fraud")
        await register_version(storage, other, "c" * 64)
        clock.now = 200
        await report(deployments, DeploymentReport(ENDPOINT, "staging", "models:/fraud/1"))
        assert await deployments.change_times(ANYONE, environment="staging") == [200]
        assert await deployments.change_times(ANYONE, stream="models:/churn") == [100]
        with pytest.raises(InvalidParameter, match="no environment"):
            await deployments.change_times(ANYONE, environment="moon")

    async def test_they_tell_nothing_of_what_may_not_be_read(self, deployments: Deployments) -> None:
        await report(deployments, VERSION_1)
        assert await deployments.change_times(Actor("eve", grants=Grants())) == []
