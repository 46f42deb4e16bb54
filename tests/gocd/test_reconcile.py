"""`trackback gocd reconcile`: the builds that it finds lost in the history of GoCD's pipelines."""

import pytest

from tests.gocd.command import done, gocd_command
from tests.gocd.gocd_server import GoCDServer
from tests.gocd.pipeline_runs import run_after, run_of
from tests.gocd.polling import Modification, stage_status
from tests.gocd.world import World

CHURN = ["--model", "churn", "--environment", "production"]


@pytest.fixture
def world(sqlite_world: World) -> World:
    return sqlite_world


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
    code, printed = gocd_command(world, gocd, "reconcile", "deploy")
    assert (code, "No repository in GoCD has" in printed) == (1, True)
    done(world, gocd, "init", *CHURN)

    code, printed = gocd_command(world, gocd, "reconcile", "no-such-pipeline")

    assert (code, "answered with 404" in printed, "no-such-pipeline" in printed) == (1, True, True)
