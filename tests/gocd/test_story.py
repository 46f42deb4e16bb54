"""The whole story: a promotion triggers GoCD, which polls, builds and reports; a trace shows it. On each database."""

import time

import pytest

from tests.gocd.command import trackback
from tests.gocd.gocd_server import OPERATOR_TOKEN, TOKEN, GoCDServer
from tests.gocd.polling import FIRST_PAUSE_S, Material, Modification, stage_status
from tests.gocd.world import World

PACKAGE = {"MODEL": "churn", "ENVIRONMENT": "production"}


class Pipeline:
    """A pipeline with the package as its material: what is new there, it builds, and reports."""

    def __init__(self, world: World, material: Material) -> None:
        self._world = world
        self._material = material
        self.built: list[Modification] = []

    def triggered(self) -> None:
        for modification in self._material.trigger():
            for result in ("Unknown", "Passed"):
                body = stage_status("deploy-churn", len(self.built) + 1, modification, result=result)
                assert self._world.relayed("notification/stage-status", body).status_code == 200
            self.built.append(modification)


def set_up(world: World, gocd: GoCDServer) -> None:
    env = {"TRACKBACK_TRACKING_URI": world.server.url, "GOCD_ACCESS_TOKEN": TOKEN}
    arguments = ["gocd", "init", "--server", gocd.url, "--model", "churn", "--environment", "production"]
    for _ in range(2):
        code, printed = trackback(*arguments, env=env)
        assert code == 0, printed
        gocd.use_all_packages()


def wait_for(pipeline: Pipeline, builds: int) -> None:
    deadline = time.monotonic() + 20
    while len(pipeline.built) < builds:
        assert time.monotonic() < deadline, "GoCD was not triggered"
        time.sleep(0.02)


def test_promote_poll_build_report_trace(world: World, gocd: GoCDServer) -> None:
    world.models("churn", 2)
    set_up(world, gocd)
    material = world.material(PACKAGE)
    material.pass_time(2 * FIRST_PAUSE_S)
    assert material.errors, "nothing is promoted yet, so that GoCD asks less and less often"
    pipeline = Pipeline(world, material)
    gocd.on_trigger = pipeline.triggered

    for number, subject in enumerate(("models:/churn/1", "models:/churn/2"), 1):
        world.promote(subject)
        wait_for(pipeline, number)
    world.roll_back("models:/churn")
    wait_for(pipeline, 3)

    assert [each.data["VERSION"] for each in pipeline.built] == ["1", "2", "1"]
    assert material.dropped == []
    trace = world.get("/api/v1/trace/models:/churn/1")
    assert [promotion["kind"] for promotion in trace["promotions"]] == ["promoted", "rolled back"]
    assert [(build["pipeline"], build["counter"], build["result"]) for build in trace["builds"]] == [
        ("deploy-churn", "1", "passed"),
        ("deploy-churn", "3", "passed"),
    ]
    assert trace["run"]["run_id"] == pipeline.built[0].data["RUN_ID"]


def test_a_trigger_while_gocd_is_looking_is_repeated_so_that_nothing_is_missed(world: World, gocd: GoCDServer) -> None:
    world.models("churn", 1)
    set_up(world, gocd)
    pipeline = Pipeline(world, world.material(PACKAGE))
    gocd.on_trigger, gocd.busy = pipeline.triggered, 1
    world.promote("models:/churn/1")

    wait_for(pipeline, 1)

    triggers = [call for call in gocd.calls if call.path.endswith("/trigger_update")]
    assert len(triggers) == 2
    assert triggers[0].headers["x-gocd-confirm"] == "true"
    (webhook,) = world.get("/api/v1/webhooks")["webhooks"]
    (delivery,) = world.get(f"/api/v1/webhooks/{webhook['webhook_id']}/deliveries")["deliveries"]
    assert (delivery["seq"], delivery["attempts"]) in ((1, 1), (1, 2))


def test_gocd_is_not_told_of_other_models(world: World, gocd: GoCDServer) -> None:
    world.models("churn", 1)
    world.models("fraud", 1)
    set_up(world, gocd)
    pipeline = Pipeline(world, world.material(PACKAGE))
    gocd.on_trigger = pipeline.triggered
    world.promote("models:/fraud/1")
    world.promote("models:/churn/1", "staging")
    world.promote("models:/churn/1")

    wait_for(pipeline, 1)

    assert sum(call.path.endswith("/trigger_update") for call in gocd.calls) == 1


def test_who_may_operate_the_pipeline_may_trigger_it(world: World, gocd: GoCDServer) -> None:
    world.models("churn", 1)
    set_up(world, gocd)
    options = {"api": gocd.url.removesuffix("/go"), "fingerprint": gocd.fingerprint("package-1")}
    made = world.post("/api/v1/webhooks", name="op", target="gocd", options=options, token=OPERATOR_TOKEN)

    tried = world.post(f"/api/v1/webhooks/{made['webhook']['webhook_id']}/test")

    assert (tried["result"]["success"], tried["result"]["response_status"]) == (True, 201)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"api": "http://127.0.0.1/go"}, "'fingerprint'"),
        ({"api": "http://127.0.0.1/go", "fingerprint": "churn"}, "64 hex digits"),
        ({"fingerprint": "0" * 64}, "'api'"),
    ],
)
def test_a_trigger_needs_gocd_s_address_and_a_fingerprint(world: World, options: dict[str, str], message: str) -> None:
    body = {"name": "bad", "target": "gocd", "options": options, "token": TOKEN}
    answer = world.http.post("/api/v1/webhooks", json=body)

    assert (answer.status_code, message in answer.json()["message"]) == (400, True)
