"""What GoCD sees of promotions when it polls, on each database."""

import pytest

from tests.gocd.polling import FIRST_PAUSE_S, POLL_S
from tests.gocd.world import MLFLOW, PRODUCTION, World

HOUR_S = 3600


def test_a_promotion_is_a_revision_that_says_who_what_why_and_how_good(world: World) -> None:
    experiment = world.experiment("churn trials")
    tags = {"mlflow.source.git.commit": "ab" * 20}
    first = world.run(experiment, metrics={"auc": 0.875, "loss": 0.25})
    second = world.run(experiment, metrics={"auc": 0.9}, tags=tags)
    world.model("churn", first, second)
    world.promote("models:/churn/1")
    seq = world.promote("models:/churn/2", reason="better recall")
    digest = world.get(f"{MLFLOW}/model-versions/get", name="churn", version="2")["model_version"]["digest"]

    (found,) = world.material().pass_time(POLL_S)

    assert found.revision == f"{seq}-v2"
    assert found.user == "anyone"
    assert found.comment.splitlines()[:2] == [
        "anyone promoted churn 2 to production, in the place of churn 1.",
        "Why: better recall",
    ]
    assert "auc 0.9 (before: 0.875)" in found.comment
    assert f"({second}) of the experiment churn trials, commit abababababab" in found.comment
    assert found.trackback_url == f"{world.server.url}/promotions/{seq}"
    assert found.data == {
        "PROMOTION": str(seq),
        "KIND": "promoted",
        "ENVIRONMENT": "production",
        "MODEL": "churn",
        "VERSION": "2",
        "MODEL_URI": "models:/churn/2",
        "DIGEST": f"sha256:{digest}",
        "ARTIFACT_URI": f"mlflow-artifacts:/versions/{digest}",
        "RUN_ID": second,
        "EXPERIMENT_ID": experiment,
        "EXPERIMENT": "churn trials",
        "GIT_COMMIT": "ab" * 20,
    }


def test_the_page_of_the_promotion_is_there_with_its_builds(world: World) -> None:
    world.models("churn", 1)
    seq = world.promote("models:/churn/1", reason="<b>why</b>")
    (found,) = world.material().pass_time(POLL_S)
    url = "https://gocd.example.org/go/pipelines/deploy/1"
    world.post("/api/v1/builds", promotion=seq, system="gocd", pipeline="deploy", counter="1", url=url)
    world.post("/api/v1/builds", promotion=seq, system="x", pipeline="bad", counter="1", url="javascript:alert(1)")

    page = world.http.get(found.trackback_url)

    assert page.status_code == 200
    assert f'href="{url}"' in page.text
    assert "&lt;b&gt;why&lt;/b&gt;" in page.text
    assert "javascript:" not in page.text
    assert world.http.get(f"{world.server.url}/promotions/{seq + 1}").status_code == 404


def test_a_poll_without_news_is_no_change(world: World) -> None:
    world.models("churn", 1)
    world.promote("models:/churn/1")
    material = world.material()

    assert len(material.pass_time(10 * POLL_S)) == 1
    assert material.polls == 11
    assert (material.dropped, material.errors) == ([], [])


def test_a_rollback_is_a_revision_of_its_own(world: World) -> None:
    world.models("churn", 2)
    first = world.promote("models:/churn/1")
    material = world.material()
    material.pass_time(POLL_S)
    second = world.promote("models:/churn/2")
    material.pass_time(POLL_S)
    third = world.roll_back("models:/churn")

    (found,) = material.pass_time(POLL_S)

    assert [each.revision for each in material.modifications] == [f"{first}-v1", f"{second}-v2", f"{third}-v1"]
    assert found.comment.startswith("anyone rolled production back to churn 1, in the place of churn 2.")
    assert (found.data["KIND"], found.data["VERSION"], found.data["PROMOTION"]) == ("rolled_back", "1", str(third))
    assert material.dropped == []


def test_to_promote_an_old_version_again_is_a_revision_too(world: World) -> None:
    world.models("churn", 2)
    material = world.material()
    seen = []
    for version in (1, 2, 1, 2):
        world.promote(f"models:/churn/{version}")
        seen += [each.data["VERSION"] for each in material.pass_time(POLL_S)]

    assert seen == ["1", "2", "1", "2"]


def test_of_several_promotions_between_polls_the_newest_is_built_and_the_others_are_listed(world: World) -> None:
    world.models("churn", 4)
    world.promote("models:/churn/1")
    material = world.material()
    material.pass_time(POLL_S)
    passed_over = [world.promote("models:/churn/2"), world.promote("models:/churn/3")]
    newest = world.promote("models:/churn/4")

    (found,) = material.pass_time(POLL_S)

    assert found.revision == f"{newest}-v4"
    assert found.comment.splitlines()[-1] == (
        f"Passed over, as this came after them: {passed_over[1]}-v3 (churn 3, by anyone), "
        f"{passed_over[0]}-v2 (churn 2, by anyone)"
    )
    assert material.pass_time(HOUR_S) == []


def test_a_demotion_is_nothing_to_build_and_brings_nothing_back(world: World) -> None:
    world.models("churn", 3)
    world.promote("models:/churn/1")
    world.promote("models:/churn/2")
    material = world.material()
    material.pass_time(POLL_S)

    world.demote("models:/churn/2")
    assert material.pass_time(10 * POLL_S) == []

    gone = world.promote("models:/churn/3")
    world.demote("models:/churn/3")
    assert material.pass_time(10 * POLL_S) == [], "what has left before the poll is not to be built"

    again = world.promote("models:/churn/3")
    (found,) = material.pass_time(POLL_S)
    assert found.revision == f"{again}-v3"
    assert f"{gone}-v3" in found.comment
    assert material.errors == []


def test_a_new_material_does_not_build_what_was_taken_out(world: World) -> None:
    world.models("churn", 1)
    world.promote("models:/churn/1")
    out = world.demote("models:/churn/1")
    material = world.material()

    assert material.pass_time(0) == []
    assert material.errors == [
        f"Nothing of the model churn is in production: promotion {out} has taken out what was there. The next "
        "promotion is the next revision."
    ]


def test_nothing_promoted_yet_is_an_error_that_says_so_and_a_trigger_ends_the_back_off(world: World) -> None:
    world.models("churn", 1)
    material = world.material()
    material.pass_time(0)
    material.pass_time(FIRST_PAUSE_S)
    assert len(material.errors) == 2
    assert material.errors[0].startswith("Nothing of the model churn has been promoted to production yet.")
    world.promote("models:/churn/1")
    assert material.pass_time(FIRST_PAUSE_S) == [], "GoCD asks less and less often"

    (found,) = material.trigger()

    assert found.data["VERSION"] == "1"


def test_only_promotions_to_the_package_s_environment_count(world: World) -> None:
    world.models("churn", 2)
    world.models("fraud", 1)
    world.promote("models:/churn/1")
    material = world.material()
    material.pass_time(POLL_S)
    world.promote("models:/churn/2", "staging")
    world.promote("models:/fraud/1")

    assert material.pass_time(10 * POLL_S) == []


def test_a_renamed_model_s_promotion_is_not_another_revision(world: World) -> None:
    world.models("churn", 1)
    world.promote("models:/churn/1")
    material = world.material()
    (before,) = material.pass_time(POLL_S)
    world.post(f"{MLFLOW}/registered-models/rename", name="churn", new_name="attrition")

    after = world.material({"MODEL": "attrition", "ENVIRONMENT": "production"}).pass_time(0)

    assert [each.revision for each in after] == [before.revision]
    assert material.pass_time(POLL_S) == []
    assert "'churn'" in material.errors[0], "the old name is unknown now, and the error says which"


def test_a_restored_database_that_numbers_anew_triggers_again(world: World) -> None:
    """GoCD may know a number that the log has not reached any more."""
    world.models("churn", 1)
    seq = world.promote("models:/churn/1")
    previous = {"revision": "900-v1", "timestamp": "2026-11-27T12:00:00.000Z", "data": {"PROMOTION": "900"}}

    answer = world.material().ask("latest-revision-since", **{"previous-revision": previous})

    assert answer.json()["revision"] == f"{seq}-v1"


@pytest.mark.parametrize("data", [None, {}, {"PROMOTION": None}])
def test_the_previous_revision_s_data_is_not_needed(world: World, data: object) -> None:
    world.models("churn", 1)
    seq = world.promote("models:/churn/1")
    previous = {"revision": f"{seq}-v1", "timestamp": "2026-11-27T12:00:00.000Z", "data": data}

    answer = world.material().ask("latest-revision-since", **{"previous-revision": previous})

    assert (answer.status_code, answer.content) == (200, b"{}")


def test_what_a_later_gocd_says_more_is_passed_over(world: World) -> None:
    world.models("churn", 1)
    world.promote("models:/churn/1")

    assert world.material(PRODUCTION).ask("latest-revision", **{"flyweight-folder": "/x"}).status_code == 200
