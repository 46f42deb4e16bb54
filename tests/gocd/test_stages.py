"""Stages as builds of the promotions among a pipeline's materials, or those of the pipelines before it."""

from typing import Any

import pytest

from tests.gocd.polling import POLL_S, Material, Modification, stage_status
from tests.gocd.world import World

STARTED_MS = 1_795_780_800_000  # 2026-11-27T12:00:00Z


@pytest.fixture
def material(world: World) -> Material:
    world.models("churn", 2)
    world.promote("models:/churn/1")
    material = world.material()
    material.pass_time(POLL_S)
    return material


def report(world: World, body: dict[str, object]) -> None:
    answer = world.relayed("notification/stage-status", body)
    assert (answer.status_code, answer.json()) == (200, {"status": "success", "messages": []}), answer.text


def told(world: World, promotion: int = 1) -> list[tuple[str, str]]:
    return [(build["stage"], build["result"]) for build in world.builds(promotion)]


def test_a_stage_is_a_build_that_runs_and_then_has_passed(world: World, material: Material) -> None:
    (seen,) = material.modifications
    report(world, stage_status("deploy", 7, seen, result="Unknown"))
    (build,) = world.builds(1)
    assert (build["result"], "finished" in build) == ("running", False)

    report(world, stage_status("deploy", 7, seen))

    (build,) = world.builds(1)
    assert {key: build[key] for key in ("system", "pipeline", "counter", "stage", "result")} == {
        "system": "gocd",
        "pipeline": "deploy",
        "counter": "7",
        "stage": "build",
        "result": "passed",
    }
    assert (build["started"], build["finished"]) == (STARTED_MS, STARTED_MS + 5 * 60 * 1000)
    assert build["url"] == "https://gocd.example.org/go/pipelines/deploy/7/build/1"


@pytest.mark.parametrize(("result", "kept"), [("Failed", "failed"), ("Cancelled", "cancelled")])
def test_each_result_of_gocd_s_has_its_own(world: World, material: Material, result: str, kept: str) -> None:
    report(world, stage_status("deploy", 7, material.modifications[0], result=result))

    assert told(world) == [("build", kept)]


def test_repeats_and_late_news_change_nothing(world: World, material: Material) -> None:
    (seen,) = material.modifications
    report(world, stage_status("deploy", 7, seen))
    before = world.builds(1)
    report(world, stage_status("deploy", 7, seen))
    report(world, stage_status("deploy", 7, seen, result="Unknown"))

    assert world.builds(1) == before


def test_a_stage_that_is_run_again_is_another_build(world: World, material: Material) -> None:
    (seen,) = material.modifications
    report(world, stage_status("deploy", 7, seen, result="Failed"))
    report(world, stage_status("deploy", 7, seen, stage_counter=2))
    report(world, stage_status("deploy", 7, seen, stage="release"))

    assert told(world) == [("release", "passed"), ("build/2", "passed"), ("build", "failed")]


@pytest.mark.parametrize(
    "revision", ["1-v2", "9-v1", "1-00000000", "8f60b124", "", "pr-1-0123456789ab", "1-", f"{9**25}-v1"]
)
def test_a_revision_that_is_none_of_this_server_s_is_passed_over(
    world: World, material: Material, revision: str
) -> None:
    foreign = material.modifications[0]._replace(revision=revision, data={})
    report(world, stage_status("deploy", 7, foreign))

    assert world.builds(1) == []


def test_a_promotion_of_the_same_number_elsewhere_is_told_apart_by_its_digest(world: World, material: Material) -> None:
    (seen,) = material.modifications
    report(world, stage_status("deploy", 7, seen._replace(data={**seen.data, "DIGEST": f"sha256:{'0' * 64}"})))

    assert world.builds(1) == []


def test_a_pipeline_of_other_materials_is_none_of_our_business(world: World, material: Material) -> None:
    body = stage_status("other", 1, material.modifications[0])
    body["pipeline"]["build-cause"] = body["pipeline"]["build-cause"][:1]
    report(world, body)
    del body["pipeline"]["build-cause"]
    report(world, body)

    assert world.builds(1) == []


def stage_status_after(seen: Modification, *before: str, pipeline: str = "release") -> dict[str, Any]:
    """Of a pipeline whose materials are stages of others, ``PIPELINE/COUNTER/STAGE/COUNTER``, and no package."""
    body = stage_status(pipeline, 3, seen, stage="roll")
    git, _ = body["pipeline"]["build-cause"]
    body["pipeline"]["build-cause"] = [
        git,
        *(
            {
                "material": {"type": "pipeline", "fingerprint": "f" * 64, "pipeline-configuration": {}},
                "changed": True,
                "modifications": [{"revision": stage, "modified-time": "2026-11-27T12:05:00.000+0000", "data": {}}],
            }
            for stage in before
        ),
    ]
    return body


def test_a_pipeline_further_down_is_a_build_of_what_those_before_it_were_for(world: World, material: Material) -> None:
    (seen,) = material.modifications
    report(world, stage_status("deploy", 7, seen, stage_counter=2))
    report(world, stage_status_after(seen, "deploy/7/build/2", "deploy/7/build/1"))
    report(world, stage_status_after(seen, "release/3/roll/1", pipeline="announce"))

    assert [build["pipeline"] for build in world.builds(1)] == ["announce", "release", "deploy"]


def test_a_stage_of_no_promotion_or_of_another_gocd_leads_to_none(world: World, material: Material) -> None:
    (seen,) = material.modifications
    report(world, stage_status("deploy", 7, seen))
    report(world, stage_status_after(seen, "deploy/8/build/1", "deploy/7/build/2", "", "deploy"))
    for server_url in ("https://other.example.org/go", None):
        report(world, {**stage_status_after(seen, "deploy/7/build/1"), "server_url": server_url})

    assert [build["pipeline"] for build in world.builds(1)] == ["deploy"]


def test_a_pipeline_of_several_promotions_is_a_build_of_each(world: World, material: Material) -> None:
    world.promote("models:/churn/2", "staging")
    (other,) = world.material({"MODEL": "churn", "ENVIRONMENT": "staging"}).pass_time(0)
    body = stage_status("deploy", 7, material.modifications[0])
    body["pipeline"]["build-cause"] += stage_status("deploy", 7, other)["pipeline"]["build-cause"]
    report(world, body)

    assert told(world, 1) == told(world, 2) == [("build", "passed")]


@pytest.mark.parametrize("fault", ["create-time", "server_url", "name"])
def test_what_is_no_notification_is_refused(world: World, material: Material, fault: str) -> None:
    body = stage_status("deploy", 7, material.modifications[0])
    if fault == "create-time":
        body["pipeline"]["stage"]["create-time"] = "yesterday"
    elif fault == "server_url":
        body["server_url"] = "javascript:alert(1)"
    else:
        del body["pipeline"]["name"]

    assert world.relayed("notification/stage-status", body).status_code == 400
    assert world.builds(1) == []


def test_a_trace_of_the_version_shows_the_build(world: World, material: Material) -> None:
    report(world, stage_status("deploy", 7, material.modifications[0]))

    trace = world.get("/api/v1/trace/models:/churn/1")

    assert [build["pipeline"] for build in trace["builds"]] == ["deploy"]
    assert [promotion["seq"] for promotion in trace["promotions"]] == [1]


def test_modifications_without_data_are_taken(world: World, material: Material) -> None:
    seen: Modification = material.modifications[0]
    body = stage_status("deploy", 7, seen)
    body["pipeline"]["build-cause"][1]["modifications"][0] = {"revision": seen.revision, "data": None}
    report(world, body)

    assert told(world) == [("build", "passed")]
