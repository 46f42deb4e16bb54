"""`trackback gocd init`: what it sets up in GoCD and trackback, and what it says when one of them refuses."""

from typing import Any

import pytest

from tests.gocd.command import done, gocd_command
from tests.gocd.gocd_server import OPERATOR_TOKEN, TOKEN, GoCDServer
from tests.gocd.world import World

CHURN = ["--model", "churn", "--environment", "production"]


@pytest.fixture
def world(sqlite_world: World) -> World:
    return sqlite_world


def webhooks(world: World) -> list[dict[str, Any]]:
    return list(world.get("/api/v1/webhooks").get("webhooks", []))


def test_init_sets_up_the_repository_and_the_package_and_at_last_the_trigger(world: World, gocd: GoCDServer) -> None:
    first = done(world, gocd, "init", *CHURN, "--reader-token", "reader's")
    assert (first["repository"], first["package"], first["trigger"]) == ("created", "created", None)
    assert gocd.repositories["repo-1"] == {
        "repo_id": "repo-1",
        "name": "trackback",
        "plugin_metadata": {"id": "trackback", "version": "1"},
        "configuration": [
            {"key": "TRACKBACK_URL", "value": world.server.url},
            {"key": "TOKEN", "encrypted_value": "AES:reader's"},
        ],
    }
    assert gocd.packages["package-1"] == {
        "id": "package-1",
        "name": "churn-production",
        "auto_update": True,
        "package_repo": {"id": "repo-1", "name": "trackback"},
        "configuration": [{"key": "MODEL", "value": "churn"}, {"key": "ENVIRONMENT", "value": "production"}],
    }
    gocd.use_all_packages()

    second = done(world, gocd, "init", *CHURN)

    assert (second["repository"], second["package"], second["trigger"]) == (
        "as it should be",
        "as it should be",
        "created",
    )
    (webhook,) = webhooks(world)
    assert (webhook["name"], webhook["target"], webhook["environment"]) == (
        "gocd-churn-production",
        "gocd",
        "production",
    )
    assert webhook["options"] == {"api": gocd.url, "fingerprint": gocd.fingerprint("package-1")}
    assert webhook["stream"].startswith("models/")


def test_init_again_changes_nothing(world: World, gocd: GoCDServer) -> None:
    done(world, gocd, "init", *CHURN)
    gocd.use_all_packages()
    done(world, gocd, "init", *CHURN)
    before, there = gocd.changes(), webhooks(world)

    third = done(world, gocd, "init", *CHURN)

    assert {third[key] for key in ("repository", "package", "trigger")} == {"as it should be"}
    assert gocd.changes() == before
    assert [(each["name"], each["options"]) for each in webhooks(world)] == [
        (each["name"], each["options"]) for each in there
    ]


def test_a_token_that_is_given_again_is_set_again(world: World, gocd: GoCDServer) -> None:
    for token, done_to_it in (("old", "created"), ("new", "as it should be, its token set again")):
        assert done(world, gocd, "init", *CHURN, "--reader-token", token)["repository"] == done_to_it

    assert gocd.repositories["repo-1"]["configuration"][1] == {"key": "TOKEN", "encrypted_value": "AES:new"}


def test_init_changes_what_is_different_by_its_etag_and_keeps_the_token(world: World, gocd: GoCDServer) -> None:
    done(world, gocd, "init", *CHURN, "--reader-token", "reader's")
    arguments = ("init", "--model", "churn", "--environment", "staging", "--package", "churn-production")

    changed = done(world, gocd, *arguments, "--url", "https://models.example.org/")

    assert (changed["repository"], changed["package"]) == ("changed", "changed")
    assert gocd.repositories["repo-1"]["configuration"] == [
        {"key": "TRACKBACK_URL", "value": "https://models.example.org"},
        {"key": "TOKEN", "encrypted_value": "AES:reader's"},
    ]
    assert gocd.packages["package-1"]["configuration"][1] == {"key": "ENVIRONMENT", "value": "staging"}


def test_init_sets_up_an_experiment_s_promotions_and_pull_requests(world: World, gocd: GoCDServer) -> None:
    experiment = world.experiment("churn trials")
    for arguments in (["--tag", "promote=true"], ["--pull-request-tag", "pr", "--days", "7"]):
        done(world, gocd, "init", "--experiment", "churn trials", *arguments)
        gocd.use_all_packages()
        done(world, gocd, "init", "--experiment", "churn trials", *arguments)

    names = [each["name"] for each in gocd.packages.values()]
    assert names == ["churn_trials-promoted", "churn_trials-pull-requests"]
    assert gocd.packages["package-2"]["configuration"] == [
        {"key": "EXPERIMENT", "value": "churn trials"},
        {"key": "PR_ID_TAG_NAME", "value": "pr"},
        {"key": "PR_RUNS_WITHIN_DAYS", "value": "7"},
    ]
    assert [(each["name"], each["stream"]) for each in webhooks(world)] == [
        ("gocd-churn_trials-promoted", f"experiments/{experiment}")
    ]


def test_init_says_in_words_what_it_has_done(world: World, gocd: GoCDServer) -> None:
    code, printed = gocd_command(world, gocd, "init", *CHURN)

    assert code == 0
    assert "Repository trackback in GoCD: created." in printed
    assert (
        "Package churn-production: created. Nothing of the model churn has been promoted to production yet." in printed
    )
    assert "No pipeline has the package as a material yet. Give it to one, in code as `package: package-1`." in printed
    assert printed.endswith("Then run this command again, so that promotions are told to GoCD at once.")


def test_a_package_that_can_t_be_is_refused_before_anything_is_made(world: World, gocd: GoCDServer) -> None:
    code, printed = gocd_command(world, gocd, "init", "--model", "nope", "--environment", "production")

    assert (code, "There is no registered model 'nope'" in printed) == (1, True)
    assert gocd.calls == []


@pytest.mark.parametrize(
    ("token", "message"),
    [("wrong", "answered with 401: You are not authenticated! GoCD does not know the token"), (OPERATOR_TOKEN, "403")],
)
def test_a_token_that_is_not_good_enough_is_told(world: World, gocd: GoCDServer, token: str, message: str) -> None:
    code, printed = gocd_command(world, gocd, "init", *CHURN, token=token)

    assert (code, message in printed) == (1, True), printed
    assert token not in printed


def test_what_gocd_or_the_plugin_does_not_take_is_told_with_the_field(world: World, gocd: GoCDServer) -> None:
    gocd.plugin_faults = {"TRACKBACK_URL": ["The server does not answer."]}

    code, printed = gocd_command(world, gocd, "init", *CHURN)

    assert code == 1
    assert "answered with 422: Validations failed." in printed
    assert (
        "TRACKBACK_URL: The server does not answer." in printed or "trackback: The server does not answer." in printed
    )


def test_that_gocd_lacks_the_plugin_is_told_with_where_to_get_it(world: World, gocd: GoCDServer) -> None:
    gocd.has_plugin = False

    code, printed = gocd_command(world, gocd, "init", *CHURN)

    assert (code, "GoCD has no plugin trackback: put trackback-gocd.jar" in printed) == (1, True), printed


def test_a_repository_of_another_plugin_is_not_touched(world: World, gocd: GoCDServer) -> None:
    gocd.repositories["repo-1"] = {
        "repo_id": "repo-1",
        "name": "trackback",
        "plugin_metadata": {"id": "mlflow", "version": "1"},
        "configuration": [],
    }
    code, printed = gocd_command(world, gocd, "init", *CHURN)

    assert (code, "of the plugin mlflow already" in printed) == (1, True)
    assert gocd.changes() == []


def test_a_gocd_that_is_not_there_or_something_else_is_told(world: World, gocd: GoCDServer) -> None:
    gocd.down = True
    assert (
        "answered with 503: The server is starting. GoCD's log says more."
        in gocd_command(world, gocd, "init", *CHURN)[1]
    )
    nobody = "http://127.0.0.1:1/go"
    code, printed = gocd_command(world, gocd, "init", *CHURN, server=nobody)
    assert (code, f"No server answers at {nobody}" in printed, "Check --server" in printed) == (1, True, True)
    code, printed = gocd_command(world, gocd, "init", *CHURN, server=world.server.url)
    assert (code, "answered with 404" in printed) == (1, True)


@pytest.mark.parametrize(
    ("server", "token", "message"),
    [
        ("gocd.example.org", TOKEN, "Invalid address of GoCD 'gocd.example.org/go'"),
        ("https://gocd.example.org?x=1", TOKEN, "with nothing after its path"),
        ("https://gocd.example.org", " ", "Missing token for GoCD"),
        ("https://gocd.example.org", "two words", "The token for GoCD contains spaces"),
    ],
)
def test_what_is_no_address_or_token_of_gocd_s_is_told(
    world: World, gocd: GoCDServer, server: str, token: str, message: str
) -> None:
    code, printed = gocd_command(world, gocd, "init", *CHURN, server=server, token=token)

    assert (code, message in printed) == (1, True), printed


def test_an_address_that_gocd_can_t_reach_is_not_given_to_it(world: World, gocd: GoCDServer) -> None:
    code, printed = gocd_command(world, gocd, "init", *CHURN, server="https://gocd.example.org")

    assert code == 1
    assert f"would look for trackback at {world.server.url}, on its own machine. Set --url" in printed


def test_the_trigger_may_have_a_token_of_its_own(world: World, gocd: GoCDServer) -> None:
    done(world, gocd, "init", *CHURN)
    gocd.use_all_packages()
    done(world, gocd, "init", *CHURN, "--trigger-token", OPERATOR_TOKEN)
    (webhook,) = webhooks(world)

    tried = world.post(f"/api/v1/webhooks/{webhook['webhook_id']}/test")

    assert tried["result"]["response_status"] == 201
    assert gocd.calls[-1].headers["authorization"] == f"Bearer {OPERATOR_TOKEN}"


def test_a_trigger_that_was_disabled_or_tells_of_something_else_is_set_right(world: World, gocd: GoCDServer) -> None:
    done(world, gocd, "init", *CHURN)
    gocd.use_all_packages()
    done(world, gocd, "init", *CHURN)
    (webhook,) = webhooks(world)
    for wrong in ({"status": "DISABLED"}, {"environment": "staging"}):
        path = f"/api/v1/webhooks/{webhook['webhook_id']}"
        assert world.http.patch(path, json=wrong).status_code == 200

        assert done(world, gocd, "init", *CHURN)["trigger"] == "changed"

        (right,) = webhooks(world)
        assert (right["status"], right["environment"]) == ("ACTIVE", "production")


def test_each_gocd_has_a_trigger_of_its_own(world: World, gocd: GoCDServer) -> None:
    with GoCDServer() as other:
        for each in (gocd, other):
            done(world, each, "init", *CHURN)
            each.use_all_packages()
        for each in (gocd, other, gocd, other):
            done(world, each, "init", *CHURN)

    assert {each["options"]["api"] for each in webhooks(world)} == {gocd.url, other.url}
    assert [each["name"] for each in webhooks(world)].count("gocd-churn-production") == 1
    assert len(webhooks(world)) == 2
