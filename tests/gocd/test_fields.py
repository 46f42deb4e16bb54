"""What the fields of a repository and a package may be. One server for all: nothing of it is looked at."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.gocd.polling import RELAY
from tests.servers.threaded import ThreadedServer
from trackback.server.settings import Settings


def settings(folder: Path, gocd_jar: str = "") -> Settings:
    uri = f"sqlite:///{folder}/trackback.db"
    return Settings(backend_store_uri=uri, artifacts_destination=str(folder / "artifacts"), gocd_jar=gocd_jar)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("fields")
    with (
        ThreadedServer(settings(folder)) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client,
    ):
        yield client
    assert "Traceback" not in server.log_text


def configuration(fields: Mapping[str, str | None]) -> dict[str, dict[str, str | None]]:
    return {key: {"value": value} for key, value in fields.items()}


def faults_of_package(http: httpx.Client, fields: Mapping[str, str | None]) -> list[dict[str, str]]:
    body = {"repository-configuration": {}, "package-configuration": configuration(fields)}
    answer = http.post(f"{RELAY}/validate-package-configuration", json=body)
    assert answer.status_code == 200
    return list(answer.json())


@pytest.mark.parametrize(
    "fields",
    [
        {"EXPERIMENT": "12"},
        {"EXPERIMENT": "churn trials", "PROMOTION_TAG_NAME": "promote", "PROMOTION_TAG_VALUE": "yes"},
        {"EXPERIMENT": "12", "ENVIRONMENT": "production"},
        {"MODEL": "churn", "ENVIRONMENT": "production", "EXPERIMENT": "", "PR_ID_TAG_NAME": None},
        {"EXPERIMENT": "12", "PR_ID_TAG_NAME": "pr", "PR_RUNS_WITHIN_DAYS": "7"},
    ],
)
def test_a_package_is_promotions_of_a_model_or_of_runs_or_pull_requests(
    http: httpx.Client, fields: dict[str, str | None]
) -> None:
    assert faults_of_package(http, fields) == []


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({}, "EXPERIMENT", "Name an EXPERIMENT"),
        ({"EXPERIMENT": "  "}, "EXPERIMENT", "Name an EXPERIMENT"),
        ({"MODEL": "churn"}, "ENVIRONMENT", "needs the ENVIRONMENT"),
        ({"MODEL": "churn", "ENVIRONMENT": "p", "EXPERIMENT": "1"}, "EXPERIMENT", "not both"),
        ({"MODEL": "churn", "ENVIRONMENT": "p", "PROMOTION_TAG_NAME": "x"}, "PROMOTION_TAG_NAME", "EXPERIMENT"),
        (
            {"EXPERIMENT": "1", "PR_ID_TAG_NAME": "pr", "PROMOTION_TAG_VALUE": "x"},
            "PROMOTION_TAG_VALUE",
            "of their own",
        ),
        ({"EXPERIMENT": "1", "PR_RUNS_WITHIN_DAYS": "7"}, "PR_RUNS_WITHIN_DAYS", "goes with PR_ID_TAG_NAME"),
        ({"EXPERIMENT": "1", "PR_ID_TAG_NAME": "pr", "PR_RUNS_WITHIN_DAYS": "0"}, "PR_RUNS_WITHIN_DAYS", "'0'"),
        ({"EXPERIMENT": "1", "PR_ID_TAG_NAME": "pr", "PR_RUNS_WITHIN_DAYS": "a week"}, "PR_RUNS_WITHIN_DAYS", "a week"),
        ({"EXPERIMENT": "1", "PROMOTION_TAG_NAME": "/x"}, "PROMOTION_TAG_NAME", "'/x'"),
        ({"EXPERIMENT": "1", "EXPERIMENT_ID": "1"}, "EXPERIMENT_ID", "called EXPERIMENT here"),
        ({"EXPERIMENT": "1", "COLOUR": "red"}, "COLOUR", "no such field"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    http: httpx.Client, fields: dict[str, str | None], key: str, message: str
) -> None:
    (fault,) = faults_of_package(http, fields)

    assert fault["key"] == key
    assert message in fault["message"]


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({}, "TRACKBACK_URL", "Give the address"),
        ({"TRACKBACK_URL": "models.example.org"}, "TRACKBACK_URL", "'models.example.org'"),
        ({"TRACKBACK_URL": "https://ada:pw@models.example.org"}, "TRACKBACK_URL", "without a user"),
        ({"TRACKBACK_URL": "https://models.example.org?x=1"}, "TRACKBACK_URL", "a query"),
        ({"TRACKBACK_URL": "https://x", "MLFLOW_URL": "https://x"}, "MLFLOW_URL", "called TRACKBACK_URL here"),
        ({"TRACKBACK_URL": "https://x", "PR_RUNS_WITHIN_DAYS": "7"}, "PR_RUNS_WITHIN_DAYS", "of the package"),
    ],
)
def test_so_it_is_of_the_repository(http: httpx.Client, fields: dict[str, str | None], key: str, message: str) -> None:
    body = {"repository-configuration": configuration(fields)}
    (fault,) = http.post(f"{RELAY}/validate-repository-configuration", json=body).json()
    poll = http.post(f"{RELAY}/latest-revision", json=body)

    assert fault["key"] == key
    assert message in fault["message"]
    assert (poll.status_code, message in poll.json()["message"]) == (400, True)


def test_a_repository_may_have_a_token(http: httpx.Client) -> None:
    body = {"repository-configuration": configuration({"TRACKBACK_URL": "https://x/prefix/", "TOKEN": "secret"})}

    assert http.post(f"{RELAY}/validate-repository-configuration", json=body).content == b"[]"


def test_links_lie_below_the_repository_s_url_whatever_the_server_is_called_here(http: httpx.Client) -> None:
    body = {"repository-configuration": configuration({"TRACKBACK_URL": "https://models.example.org/prefix/"})}

    assert http.post(f"{RELAY}/check-repository-connection", json=body).json() == {
        "status": "success",
        "messages": ["trackback answers, and knows who asks: anyone."],
    }


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"{", "application/json"), (b"[]", "application/json"), (b"\xff", "application/json"), (b"{}", "text/plain")],
)
def test_what_is_no_request_of_gocd_s_is_refused(http: httpx.Client, body: bytes, content_type: str) -> None:
    answer = http.post(f"{RELAY}/latest-revision", content=body, headers={"content-type": content_type})

    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_the_plugin_is_not_there_until_it_is_built(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("jar")
    jar = folder / "built.jar"
    with ThreadedServer(settings(folder, gocd_jar=str(jar))) as server:
        missing = httpx.get(f"{server.url}/gocd/trackback-gocd.jar", trust_env=False)
        jar.write_bytes(b"PK")
        found = httpx.get(f"{server.url}/gocd/trackback-gocd.jar", trust_env=False)

    assert missing.status_code == 404
    assert f"--gocd-jar that it is at {jar}" in missing.json()["message"]
    assert (found.status_code, found.content) == (200, b"PK")
    assert 'filename="trackback-gocd.jar"' in found.headers["content-disposition"]
