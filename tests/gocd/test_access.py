"""Who may see which promotions, and report what: the roles that accounts have, on each database."""

import time
from datetime import UTC, datetime

import httpx
import pytest

from tests.gocd.polling import FIRST_PAUSE_S, POLL_S, Modification, stage_status
from tests.gocd.world import World
from tests.servers.accounts import add_service

JOB = {
    "GO_PIPELINE_NAME": "train",
    "GO_PIPELINE_COUNTER": "1",
    "GO_STAGE_NAME": "fit",
    "GO_STAGE_COUNTER": "1",
    "GO_JOB_NAME": "fit",
}


@pytest.fixture
def churn(guarded: World) -> World:
    guarded.models("churn", 1)
    guarded.models("fraud", 1)
    guarded.promote("models:/churn/1", reason="first")
    guarded.promote("models:/fraud/1")
    return guarded


def test_a_reader_of_one_model_sees_its_promotions_and_no_other_s(churn: World) -> None:
    token = add_service(churn.http, "gocd", "reader", resources=("models:/churn",))
    with churn.signed_in(token) as reader:
        (found,) = churn.material(http=reader).pass_time(POLL_S)
        hidden = churn.material({"MODEL": "fraud", "ENVIRONMENT": "production"}, reader).ask("latest-revision")
        unknown = churn.material({"MODEL": "nope", "ENVIRONMENT": "production"}, reader).ask("latest-revision")

    assert found.user == "root"
    assert "EXPERIMENT" not in found.data, "the run's experiment is not the reader's to know"
    assert "of the experiment" not in found.comment
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json()["message"].replace("fraud", "nope") == unknown.json()["message"]


def test_a_reader_of_an_experiment_sees_its_promotions(churn: World) -> None:
    experiment = churn.experiment("trials")
    run = churn.run(experiment, tags={"promote": "true"})
    token = add_service(churn.http, "gocd", "reader", resources=(f"experiments:/{experiment}",))
    with churn.signed_in(token) as reader:
        (found,) = churn.material({"EXPERIMENT": "trials"}, reader).pass_time(POLL_S)
        assert churn.material({"EXPERIMENT": "Default"}, reader).ask("latest-revision").status_code == 404

    assert found.data["RUN_ID"] == run


def test_without_a_token_or_with_a_revoked_one_it_is_401(churn: World) -> None:
    add_service(churn.http, "gocd", "reader")
    created = churn.post("/api/v1/tokens", name="short", user="gocd")
    with churn.signed_in(created["secret"]) as reader:
        material = churn.material(http=reader)
        assert len(material.pass_time(0)) == 1
        assert churn.http.delete(f"/api/v1/tokens/{created['token']['id']}").status_code == 200
        deadline = time.monotonic() + 10
        while (answer := material.ask("check-repository-connection")).status_code == 200:
            assert time.monotonic() < deadline, "the revoked token is still good"
            time.sleep(0.1)
    with httpx.Client(base_url=churn.server.url, trust_env=False) as nobody:
        assert churn.material(http=nobody).ask("latest-revision").status_code == 401

    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")


def test_a_bad_token_fails_the_poll_and_a_good_one_ends_that(churn: World) -> None:
    add_service(churn.http, "gocd", "reader")
    good = churn.post("/api/v1/tokens", name="good", user="gocd")["secret"]
    with churn.signed_in("tb_expired_or_unknown") as bad, churn.signed_in(good) as reader:
        failing = churn.material(http=bad)
        assert failing.pass_time(FIRST_PAUSE_S) == []
        assert len(failing.errors) == 2
        assert len(churn.material(http=reader).pass_time(0)) == 1


def test_whoever_has_no_role_may_not_poll(churn: World) -> None:
    token = add_service(churn.http, "nobody")
    with churn.signed_in(token) as nobody:
        answer = churn.material(http=nobody).ask("check-repository-connection")

    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_a_reader_may_not_report_builds_or_publish_and_a_writer_may(churn: World) -> None:
    tokens = {role: add_service(churn.http, role, role, resources=("models:/churn",)) for role in ("reader", "writer")}
    seen = Modification("1-v1", datetime.now(UTC).isoformat(), "root", "", "", {})
    for role, status in (("reader", 403), ("writer", 200)):
        with churn.signed_in(tokens[role]) as http:
            answer = churn.relayed("notification/stage-status", stage_status("deploy", 1, seen), http)
            assert answer.status_code == status, answer.text
    assert [build["actor"] for build in churn.builds(1)] == ["writer"]


def test_a_writer_of_one_model_reports_nothing_of_another(churn: World) -> None:
    token = add_service(churn.http, "gocd", "writer", resources=("models:/churn",))
    seen = Modification("2-v1", datetime.now(UTC).isoformat(), "root", "", "", {})
    with churn.signed_in(token) as http:
        answer = churn.relayed("notification/stage-status", stage_status("deploy", 1, seen), http)

    assert answer.json() == {"status": "success", "messages": []}, "as if there were no such promotion"
    assert churn.builds(2) == []


def test_files_are_for_readers_of_the_model(churn: World) -> None:
    token = add_service(churn.http, "gocd", "reader", resources=("models:/churn",))
    with churn.signed_in(token) as reader:
        found = churn.relayed("task/files", {"promotion": 1, "pattern": "*.pkl"}, reader)
        (file,) = found.json()["files"]
        assert reader.get(file["url"]).status_code == 200
        assert churn.relayed("task/files", {"promotion": 2}, reader).status_code == 404
        assert churn.relayed("task/files", {"model": "fraud", "version": "1"}, reader).status_code == 404
    with httpx.Client(base_url=churn.server.url, trust_env=False) as nobody:
        assert nobody.get(file["url"]).status_code == 401


def test_a_job_publishes_only_where_its_token_may_write(churn: World) -> None:
    experiment = churn.experiment("trials")
    token = add_service(churn.http, "gocd", "writer", resources=("models:/churn", f"experiments:/{experiment}"))
    with churn.signed_in(token) as writer:
        begin = {"model": "churn", "experiment": "trials", "job": JOB}
        assert churn.relayed("artifact/begin", begin, writer).status_code == 200
        for elsewhere in ({"model": "fraud"}, {"experiment": "Default"}, {"experiment": None}, {"model": "new"}):
            refused = churn.relayed("artifact/begin", {**begin, **elsewhere}, writer)
            assert refused.status_code in (400, 403, 404), (elsewhere, refused.text)


def test_a_job_that_began_to_publish_with_another_s_token_is_told_to_run_again(churn: World) -> None:
    begin = {"model": "churn", "job": JOB, "experiment": "Default"}
    answers = []
    for name in ("first", "second"):
        with churn.signed_in(add_service(churn.http, name, "writer")) as writer:
            answers.append(churn.relayed("artifact/begin", begin, writer))

    assert [each.status_code for each in answers] == [200, 409]
    assert "as somebody else than second. Run the stage again" in answers[1].json()["message"]
