"""`trackback gocd`, against GoCD's API: what it sets up, what it finds lost, and what it says when GoCD refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gocd.command import trackback
from tests.gocd.gocd_server import OPERATOR_TOKEN, TOKEN, GoCDServer
from tests.gocd.pipeline_runs import run_after, run_of
from tests.gocd.polling import Modification, stage_status
from tests.gocd.world import World
from tests.servers.threaded import ThreadedServer
from trackback.server.settings import Settings

CHURN = ["--model", "churn", "--environment", "production"]


@pytest.fixture
def world(migrated_sqlite_uri: str, tmp_path: Path) -> Iterator[World]:
    """On SQLite only: what commands ask for is held to both databases by other tests."""
    settings = Settings(
        backend_store_uri=migrated_sqlite_uri,
        artifacts_destination=str(tmp_path / "artifacts"),
        webhook_allowed_networks=("127.0.0.0/8",),
    )
    with (
        ThreadedServer(settings) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as http,
    ):
        world = World(server, http)
        world.models("churn", 2)
        yield world
    assert "Traceback" not in server.log_text


def run(world: World, gocd: GoCDServer, *arguments: str, token: str = TOKEN, server: str = "") -> tuple[int, str]:
    env = {"TRACKBACK_TRACKING_URI": world.server.url, "GOCD_ACCESS_TOKEN": token}
    command, *rest = arguments
    return trackback("gocd", command, *rest, "--server", server or gocd.url, env=env)


def done(world: World, gocd: GoCDServer, *arguments: str) -> Any:
    code, printed = run(world, gocd, *arguments, "--json")
    assert code == 0, printed
    return json.loads(printed)


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
    code, printed = run(world, gocd, "init", *CHURN)

    assert code == 0
    assert "Repository trackback in GoCD: created." in printed
    assert (
        "Package churn-production: created. Nothing of the model churn has been promoted to production yet." in printed
    )
    assert "No pipeline has the package as a material yet." in printed


def test_a_package_that_can_t_be_is_refused_before_anything_is_made(world: World, gocd: GoCDServer) -> None:
    code, printed = run(world, gocd, "init", "--model", "nope", "--environment", "production")

    assert (code, "There is no registered model 'nope'" in printed) == (1, True)
    assert gocd.calls == []


@pytest.mark.parametrize(
    ("token", "message"),
    [("wrong", "answered with 401: You are not authenticated! GoCD does not know the token"), (OPERATOR_TOKEN, "403")],
)
def test_a_token_that_is_not_good_enough_is_told(world: World, gocd: GoCDServer, token: str, message: str) -> None:
    code, printed = run(world, gocd, "init", *CHURN, token=token)

    assert (code, message in printed) == (1, True), printed
    assert token not in printed


def test_what_gocd_or_the_plugin_does_not_take_is_told_with_the_field(world: World, gocd: GoCDServer) -> None:
    gocd.plugin_faults = {"TRACKBACK_URL": ["The server does not answer."]}

    code, printed = run(world, gocd, "init", *CHURN)

    assert code == 1
    assert "answered with 422: Validations failed." in printed
    assert (
        "TRACKBACK_URL: The server does not answer." in printed or "trackback: The server does not answer." in printed
    )


def test_a_repository_of_another_plugin_is_not_touched(world: World, gocd: GoCDServer) -> None:
    gocd.repositories["repo-1"] = {
        "repo_id": "repo-1",
        "name": "trackback",
        "plugin_metadata": {"id": "mlflow", "version": "1"},
        "configuration": [],
    }
    code, printed = run(world, gocd, "init", *CHURN)

    assert (code, "of the plugin mlflow already" in printed) == (1, True)
    assert gocd.changes() == []


def test_a_gocd_that_is_not_there_or_something_else_is_told(world: World, gocd: GoCDServer) -> None:
    gocd.down = True
    assert "answered with 503: The server is starting. GoCD's log says more." in run(world, gocd, "init", *CHURN)[1]
    nobody = "http://127.0.0.1:1/go"
    assert f"no connection to GoCD at {nobody}" in run(world, gocd, "init", *CHURN, server=nobody)[1]
    assert "answered with 404" in run(world, gocd, "init", *CHURN, server=world.server.url)[1]


def test_reconcile_reports_the_builds_that_were_lost_and_no_other(world: World, gocd: GoCDServer) -> None:
    done(world, gocd, "init", *CHURN)
    gocd.use_all_packages()
    first, second = world.promote("models:/churn/1"), world.promote("models:/churn/2")
    fingerprint = gocd.fingerprint("package-1")
    gocd.runs["deploy"] = [
        run_of(1, fingerprint, f"{first}-v1", {"build": "Passed", "release": "Failed"}),
        run_of(2, fingerprint, f"{second}-v2", {"build": "Passed", "release": "Unknown", "clean": None}),
        run_of(3, "f" * 64, f"{second}-v2", {"build": "Passed"}),
        run_of(4, fingerprint, "99-v9", {"build": "Passed"}),
    ]
    known = Modification(f"{first}-v1", "", "", "", "", {})
    world.relayed("notification/stage-status", stage_status("deploy", 1, known))
    begun = Modification(f"{second}-v2", "", "", "", "", {})
    world.relayed("notification/stage-status", stage_status("deploy", 2, begun, result="Unknown"))

    reported = done(world, gocd, "reconcile", "deploy")["reported"]

    assert [(each["promotion"], each["counter"], each["stage"], each["result"]) for each in reported] == [
        (second, 2, "build", "passed"),
        (second, 2, "release", "running"),
        (first, 1, "release", "failed"),
    ]
    assert [(build["stage"], build["result"]) for build in world.builds(second)] == [
        ("release", "running"),
        ("build", "passed"),
    ]
    assert done(world, gocd, "reconcile", "deploy")["reported"] == []


def test_reconcile_finds_the_promotion_of_a_pipeline_in_those_before_it(world: World, gocd: GoCDServer) -> None:
    done(world, gocd, "init", *CHURN)
    gocd.use_all_packages()
    seq = world.promote("models:/churn/1")
    gocd.runs["deploy"] = [run_of(4, gocd.fingerprint("package-1"), f"{seq}-v1", {"build": "Passed"})]
    gocd.runs["release"] = [
        run_after(2, "deploy/4/build/1", {"roll": "Passed"}, pipeline="release"),
        run_after(3, "deploy/5/build/1", {"roll": "Passed"}, pipeline="release"),  # which GoCD does not have any more
    ]
    gocd.runs["announce"] = [run_after(1, "release/2/roll/1", {"mail": "Failed"}, pipeline="announce")]

    reported = done(world, gocd, "reconcile", "announce", "release")["reported"]

    assert [(each["promotion"], each["pipeline"], each["counter"], each["result"]) for each in reported] == [
        (seq, "announce", 1, "failed"),
        (seq, "release", 2, "passed"),
    ]


def test_reconcile_reads_as_many_pages_as_it_needs(world: World, gocd: GoCDServer) -> None:
    done(world, gocd, "init", *CHURN)
    gocd.use_all_packages()
    seq = world.promote("models:/churn/1")
    fingerprint = gocd.fingerprint("package-1")
    gocd.runs["deploy"] = [run_of(n, fingerprint, f"{seq}-v1", {"build": "Passed"}) for n in range(1, 26)]

    assert len(done(world, gocd, "reconcile", "deploy", "-n", "12")["reported"]) == 12
    assert len(done(world, gocd, "reconcile", "deploy")["reported"]) == 13
    assert sum("after=" in call.path for call in gocd.calls) == 3


def test_reconcile_says_what_it_does_not_find(world: World, gocd: GoCDServer) -> None:
    code, printed = run(world, gocd, "reconcile", "deploy")
    assert (code, "No repository in GoCD has" in printed) == (1, True)
    done(world, gocd, "init", *CHURN)

    code, printed = run(world, gocd, "reconcile", "no-such-pipeline")

    assert (code, "answered with 404" in printed, "no-such-pipeline" in printed) == (1, True, True)
