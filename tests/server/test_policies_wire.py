"""Policies, verdicts and approvals over HTTP and on the command line, on a server with accounts."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import commands
from tests.servers.accounts import PASSWORD, add_admin
from tests.servers.trackback import TrackbackServer

MLFLOW = "/api/2.0/mlflow"
STREAM = "experiments:/0"
ROLES = {"bob": "approver", "ci": "writer"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackbackServer]:
    """With the users ada, an admin, bob, an approver, and ci, a writer; runs are promoted by a tag."""
    folder = tmp_path_factory.mktemp("policies")
    uri = f"sqlite:///{folder}/trackback.db"
    add_admin(uri, "ada")
    flags = "--auth", "--promotion-rules", "promote=true"
    with TrackbackServer(uri, folder / "artifacts", folder, flags) as running:
        for name, role in ROLES.items():
            with sign_in(running, "ada") as ada:
                call(ada, "POST", "/api/v1/users", name=name, password=PASSWORD, roles=[role])
        yield running
    assert "Traceback" not in running.log_text


def sign_in(server: TrackbackServer, name: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=60, auth=(name, PASSWORD))


@pytest.fixture
def ada(server: TrackbackServer) -> Iterator[httpx.Client]:
    with sign_in(server, "ada") as client:
        yield client
        client.request("DELETE", "/api/v1/policies", json={"stream": STREAM, "environment": "staging"})


@pytest.fixture
def bob(server: TrackbackServer) -> Iterator[httpx.Client]:
    with sign_in(server, "bob") as client:
        yield client


@pytest.fixture
def ci(server: TrackbackServer) -> Iterator[httpx.Client]:
    with sign_in(server, "ci") as client:
        yield client


def call(client: httpx.Client, method: str, path: str, **body: Any) -> Any:
    answer = client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def set_policy(client: httpx.Client, *, stream: str = STREAM, environment: str = "staging", **document: Any) -> Any:
    body = {"stream": stream, "environment": environment, "document": document}
    return call(client, "POST", "/api/v1/policies", **body)["policy"]


def finished_run(client: httpx.Client) -> str:
    """The id of a run whose files no other run has."""
    run = call(client, "POST", "/api/2.0/mlflow/runs/create", experiment_id="0", user_id="ada")["run"]["info"]
    path = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    content = run["run_id"].encode()
    client.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}/notes.txt", content=content).raise_for_status()
    call(client, "POST", "/api/2.0/mlflow/runs/update", run_id=run["run_id"], status="FINISHED")
    return str(run["run_id"])


def tagged_run(client: httpx.Client) -> str:
    run_id = finished_run(client)
    call(client, "POST", "/api/2.0/mlflow/runs/set-tag", run_id=run_id, key="promote", value="true")
    return run_id


def promoted(client: httpx.Client, run_id: str) -> list[dict[str, Any]]:
    log = client.get("/api/v1/promotions", params={"stream": STREAM, "max_results": 1000}).json()["promotions"]
    return [entry for entry in log if entry["run_id"] == run_id]


def trackback(server: TrackbackServer, user: str, *arguments: str, folder: Path | None = None) -> tuple[int, str]:
    """The exit code, and what was printed."""
    env = {
        "TRACKBACK_TRACKING_URI": server.url,
        "MLFLOW_TRACKING_USERNAME": user,
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
    }
    done = commands.trackback(*arguments, env=os.environ | env, folder=folder)
    return done.returncode, (done.stderr + done.stdout).strip()


class TestPromotionsWait:
    def test_a_tagged_run_waits_for_its_verdict_and_goes_in_with_it(self, ada: httpx.Client, ci: httpx.Client) -> None:
        set_policy(ada, verdicts=[{"name": "validation"}])
        run_id = tagged_run(ada)
        (waiting,) = ada.get("/api/v1/promotions/pending").json()["pending"]
        assert waiting["run_id"] == run_id
        assert waiting["unmet"][0].startswith("The verdict 'validation' is missing.")
        assert promoted(ada, run_id) == []

        verdict = call(ci, "POST", "/api/v1/verdicts", subject=f"runs:/{run_id}", name="validation", passed=True)[
            "verdict"
        ]

        (entry,) = promoted(ada, run_id)
        assert entry["digest"] == verdict["digest"]
        assert entry["basis"]["verdicts"][0]["id"] == verdict["id"]
        assert ada.get("/api/v1/promotions/pending").json().get("pending", []) == []

    def test_one_waits_for_an_approval_which_its_author_cannot_give(self, ada: httpx.Client, bob: httpx.Client) -> None:
        set_policy(ada, approvals={"count": 1})
        run_id = tagged_run(ada)
        body = {"subject": f"runs:/{run_id}", "environment": "staging", "reason": "fine"}
        own = ada.post("/api/v1/approvals", json=body)
        assert (own.status_code, own.json()["error_code"]) == (403, "PERMISSION_DENIED")
        assert promoted(ada, run_id) == []

        approval = call(bob, "POST", "/api/v1/approvals", **body)["approval"]

        (entry,) = promoted(ada, run_id)
        assert entry["basis"]["approvals"] == [{"actor": "bob", "time": approval["time"], "reason": "fine"}]

    def test_one_goes_in_when_the_policy_that_kept_it_out_is_removed(self, ada: httpx.Client) -> None:
        set_policy(ada, metadata=["description"])
        run_id = tagged_run(ada)
        assert promoted(ada, run_id) == []
        call(ada, "DELETE", "/api/v1/policies", stream=STREAM, environment="staging")
        assert len(promoted(ada, run_id)) == 1

    def test_a_request_is_refused_with_everything_that_is_missing(self, ada: httpx.Client) -> None:
        set_policy(ada, verdicts=[{"name": "validation"}], metadata=["dataset", "description"])
        run_id = finished_run(ada)
        answer = ada.post("/api/v1/promotions", json={"subject": f"runs:/{run_id}", "environment": "staging"})
        assert answer.status_code == 400
        for point in ("The verdict 'validation' is missing", "No data set is logged", "has no description"):
            assert point in answer.json()["message"]


class TestVersions:
    """As MLflow's client registers them, and promotes them by an alias."""

    def test_an_alias_is_refused_with_what_is_missing_and_set_once_it_is_there(
        self, ada: httpx.Client, bob: httpx.Client, ci: httpx.Client
    ) -> None:
        version = self.register(ada, b"flavors: {}\nsignature: {inputs: '[]'}\n")
        policy = {"verdicts": [{"name": "validation"}], "approvals": {}, "metadata": ["signature", "environment"]}
        set_policy(ada, stream="models:/churn", environment="production", **policy)
        alias = {"name": "churn", "alias": "production", "version": version}
        refused = ada.post(f"{MLFLOW}/registered-models/alias", json=alias)
        assert refused.json()["error_code"] == "INVALID_STATE"
        for point in ("The verdict 'validation' is missing", "0 of the 1 approvals", "The environment of"):
            assert point in refused.json()["message"]
        assert "has no signature" not in refused.json()["message"]

        subject = f"models:/churn/{version}"
        call(ci, "POST", "/api/v1/verdicts", subject=subject, name="validation", passed=True)
        call(bob, "POST", "/api/v1/approvals", subject=subject, environment="production")
        set_policy(ada, stream="models:/churn", environment="production", **policy | {"metadata": ["signature"]})
        call(ada, "POST", f"{MLFLOW}/registered-models/alias", **alias)
        log = ada.get("/api/v1/promotions", params={"stream": "models:/churn"}).json()["promotions"]
        assert [(each["version"], each["environment"], each["origin"]) for each in log] == [
            (version, "production", "alias")
        ]
        assert (log[0]["basis"]["policy"]["revision"], log[0]["basis"]["approvals"][0]["actor"]) == (2, "bob")

    def register(self, client: httpx.Client, mlmodel: bytes) -> str:
        """The number of a version of churn, which is a run's folder ``model``."""
        run = call(client, "POST", f"{MLFLOW}/runs/create", experiment_id="0", user_id="ada")["run"]["info"]
        source = f"{run['artifact_uri']}/model"
        path = source.removeprefix("mlflow-artifacts:/")
        client.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}/MLmodel", content=mlmodel).raise_for_status()
        call(client, "POST", f"{MLFLOW}/registered-models/create", name="churn")
        body = {"name": "churn", "source": source, "run_id": run["run_id"]}
        created = call(client, "POST", f"{MLFLOW}/model-versions/create", **body)
        return str(created["model_version"]["version"])


class TestRequests:
    def test_a_report_comes_back_as_it_was_sent(self, ada: httpx.Client) -> None:
        subject = f"runs:/{finished_run(ada)}"
        report = {"value": None, "camelCase": [1.5, {"big": 2**70}], "text": "\u00fc\x00"}
        sent = call(ada, "POST", "/api/v1/verdicts", subject=subject, name="scan", passed=False, report=report)
        listed = ada.get("/api/v1/verdicts", params={"subject": subject}).json()
        assert listed == {"verdicts": [sent["verdict"]]}
        assert sent["verdict"]["report"] == report

    def test_a_policy_that_says_something_else_is_refused(self, ada: httpx.Client) -> None:
        body = {"stream": STREAM, "environment": "staging", "document": {"verdict": []}}
        answer = ada.post("/api/v1/policies", json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert "unknown field `verdict`" in answer.json()["message"]

    def test_a_document_is_an_object(self, ada: httpx.Client) -> None:
        answer = ada.post("/api/v1/policies", json={"stream": STREAM, "environment": "staging", "document": []})
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")

    @pytest.mark.parametrize(
        ("method", "path", "who"),
        [
            ("POST", "policies", "bob"),
            ("DELETE", "policies", "ci"),
            ("POST", "verdicts", "bob"),
            ("POST", "approvals", "ci"),
        ],
    )
    def test_each_change_takes_its_own_role(self, server: TrackbackServer, method: str, path: str, who: str) -> None:
        body = {
            "stream": STREAM,
            "environment": "staging",
            "document": {},
            "subject": "runs:/1",
            "name": "x",
            "passed": True,
        }
        with sign_in(server, who) as client:
            assert client.request(method, f"/api/v1/{path}", json=body).status_code == 403


class TestCommandLine:
    def test_a_policy_is_written_checked_set_shown_listed_and_removed(
        self, server: TrackbackServer, ada: httpx.Client, tmp_path: Path
    ) -> None:
        def run(*arguments: str) -> str:
            code, printed = trackback(server, "ada", "policy", *arguments, folder=tmp_path)
            assert code == 0, printed
            return printed

        assert "Wrote policy.yaml" in run("init")
        (tmp_path / "policy.yaml").write_text((tmp_path / "policy.yaml").read_text().replace("after: staging\n", ""))
        asked = run("check", "policy.yaml")
        assert "- the last verdict 'validation' on these files passed, at most 30 days ago" in asked
        assert run("set", STREAM, "staging", "policy.yaml").endswith(asked)
        shown = run("show", STREAM, "staging")
        assert shown.startswith("# staging of experiments:/0, revision ")
        (tmp_path / "shown.yaml").write_text(shown)
        assert run("check", "shown.yaml") == asked
        listed = json.loads(run("list", "--stream", STREAM, "--json"))
        assert [(each["stream"], each["environment"]) for each in listed] == [("experiments/0", "staging")]
        assert "has no policy of its own any more" in run("remove", STREAM, "staging")
        assert "(removed)" in run("history", STREAM, "staging").splitlines()[1]

    def test_a_first_policy_overwrites_nothing(self, server: TrackbackServer, tmp_path: Path) -> None:
        (tmp_path / "policy.yaml").write_text("mine")
        code, printed = trackback(server, "ada", "policy", "init", folder=tmp_path)
        assert (code, printed.startswith("trackback: policy.yaml is there already")) == (1, True)
        assert (tmp_path / "policy.yaml").read_text() == "mine"

    def test_checks_and_people_say_what_they_found(
        self, server: TrackbackServer, ada: httpx.Client, tmp_path: Path
    ) -> None:
        set_policy(ada, verdicts=[{"name": "data drift"}], approvals={})
        subject = f"runs:/{finished_run(ada)}"
        (tmp_path / "report.json").write_text('{"auc": 0.9}')
        code, printed = trackback(server, "ada", "policy", "judge", subject, "staging")
        assert code == 1
        (command,) = [line.partition("report it: ")[2] for line in printed.splitlines() if "report it: " in line]
        assert command == f"trackback verdict {subject} 'data drift' --passed"
        report = "verdict", subject, "data drift", "--passed", "--report", "report.json", "--key", subject
        assert trackback(server, "ci", *report[:3])[0] == 2, "neither passed nor failed"
        for _ in range(2):
            code, printed = trackback(server, "ci", *report, folder=tmp_path)
            assert (code, "data drift passed on runs:/" in printed) == (0, True)
        code, printed = trackback(server, "ada", "verdicts", subject, "--json")
        assert [each["report"] for each in json.loads(printed)] == [{"auc": 0.9}]
        assert trackback(server, "ada", "approve", subject, "--for", "staging")[0] == 1
        code, printed = trackback(server, "bob", "approve", subject, "--for", "staging", "--reason", "fine")
        assert (code, printed.startswith(f"bob approves of {subject} for staging")) == (0, True)
        assert "fine" in trackback(server, "ada", "approvals", subject)[1]
        assert trackback(server, "ada", "policy", "judge", subject, "staging") == (
            0,
            f"{subject} meets the policy for staging.",
        )
        assert trackback(server, "bob", "approve", subject, "--for", "staging", "--withdraw")[0] == 0
        assert trackback(server, "ada", "policy", "judge", subject, "staging")[0] == 1
