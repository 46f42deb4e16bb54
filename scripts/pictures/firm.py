"""The people and services of a firm, and what they tell a server of its models."""

import time
from contextlib import ExitStack
from typing import Any

import httpx

from scripts.pictures.calendar import Calendar
from tests.servers.accounts import PASSWORD

MODEL = "tumours"
REGISTRY = "registry.example.org/tumours"
CI = "https://ci.example.org/go/pipelines"
ENDPOINT = "https://models.example.org/{}/tumours"
MINUTE_MS = 60_000
PEOPLE = {"ann": ["writer", "promoter"], "bob": ["writer", "approver"], "eve": ["reader"]}
SERVICE = "ci"

Json = dict[str, Any]


class Firm:
    """Each of ``PEOPLE``, and root, who is the admin, has a client of the server; ``SERVICE`` by its ``token``."""

    token = ""

    def __init__(self, url: str, calendar: Calendar) -> None:
        self.calendar = calendar
        self._open = ExitStack()
        self._clients = {name: self._client(url, auth=(name, PASSWORD)) for name in ("root", *PEOPLE)}
        self._url = url

    def _client(self, url: str, **how: Any) -> httpx.Client:
        return self._open.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=60, **how))

    def close(self) -> None:
        self._open.close()

    def tell(self, who: str, path: str, **body: object) -> Json:
        """A POST to trackback's own API."""
        return _answer(self._clients[who].post(f"/api/v1/{path}", json=body))

    def mlflow(self, who: str, path: str, **body: object) -> Json:
        """A POST to MLflow's."""
        return _answer(self._clients[who].post(f"/api/2.0/mlflow/{path}", json=body))

    def ask(self, path: str, **query: str) -> Json:
        """A GET of trackback's own API."""
        return _answer(self._clients["root"].get(f"/api/v1/{path}", params=query))

    def mlflow_get(self, path: str, **query: str) -> Json:
        return _answer(self._clients["root"].get(f"/api/2.0/mlflow/{path}", params=query))

    def upload(self, who: str, place: str, content: bytes) -> None:
        self._clients[who].put(f"/api/2.0/mlflow-artifacts/artifacts/{place}", content=content).raise_for_status()

    # --- who is there

    def employ(self) -> None:
        for name, roles in PEOPLE.items():
            self.tell("root", "users", name=name, password=PASSWORD, roles=roles)
        self.tell("root", "users", name=SERVICE, service=True, roles=["writer"])
        made = self.tell("root", "tokens", name="pipelines", user=SERVICE, scopes=["writer"], days=365)
        self.token = str(made["secret"])
        self._clients[SERVICE] = self._client(self._url, headers={"authorization": f"Bearer {self.token}"})

    # --- runs and versions

    def best_run(self, experiment: str, filter_text: str) -> Json:
        """The one with the greatest area under the curve."""
        found = self.mlflow_get("experiments/get-by-name", experiment_name=experiment)["experiment"]
        run: Json = self.mlflow(
            "root",
            "runs/search",
            experiment_ids=[found["experiment_id"]],
            filter=filter_text,
            order_by=["metrics.`test/auc` DESC"],
            max_results=1,
        )["runs"][0]
        return run

    def delete_runs(self, experiment: str, filter_text: str, *, keep: int) -> None:
        """All but the newest."""
        number = self.mlflow_get("experiments/get-by-name", experiment_name=experiment)["experiment"]["experiment_id"]
        found = self.mlflow("root", "runs/search", experiment_ids=[number], filter=filter_text)["runs"]
        for run in found[keep:]:
            self.mlflow("root", "runs/delete", run_id=run["info"]["run_id"])

    def register(self, who: str, run: Json, description: str) -> int:
        source = f"runs:/{run['info']['run_id']}/model"
        made = self.mlflow(
            who,
            "model-versions/create",
            name=MODEL,
            source=source,
            run_id=run["info"]["run_id"],
            description=description,
        )
        return int(made["model_version"]["version"])

    # --- into environments

    def promote(self, who: str, version: int, environment: str, reason: str, **how: bool) -> int:
        """The number of the promotion; 0 of one that waits."""
        subject = f"models:/{MODEL}/{version}"
        done = self.tell(who, "promotions", subject=subject, environment=environment, reason=reason, **how)
        self._wait_for_deliveries()
        return int(done["promotion"]["seq"]) if done.get("promotion") else 0

    def approve(self, who: str, version: int, environment: str, reason: str) -> None:
        self.tell(who, "approvals", subject=f"models:/{MODEL}/{version}", environment=environment, reason=reason)

    def roll_back(self, who: str, environment: str, reason: str) -> int:
        stream = f"models:/{MODEL}"
        done = self.tell(who, "promotions/rollback", stream=stream, environment=environment, reason=reason)
        self._wait_for_deliveries()
        return int(done["promotion"]["seq"])

    def _wait_for_deliveries(self) -> None:
        """CI is told before time goes on."""
        (ci,) = [each for each in self.ask("webhooks")["webhooks"] if each["name"] == "ci"]
        for _ in range(100):
            told = self.ask(f"webhooks/{ci['webhook_id']}/deliveries").get("deliveries", [])
            if all(each["status"] == "delivered" for each in told):
                return
            time.sleep(0.1)

    def build(self, promotion: int, counter: int, **results: str) -> int:
        """A pipeline's run, of stages with a result each; the number of the last."""
        at, number = self.calendar.now_ms, 0
        for stage, result in results.items():
            took = {"validate": 2, "image": 4, "deploy": 1}[stage] * MINUTE_MS + 7_000 * counter
            over = {} if result == "running" else {"finished": at + took}
            told = self.tell(
                "ci",
                "builds",
                promotion=promotion,
                system="gocd",
                pipeline=f"{MODEL}-deliver",
                counter=str(counter),
                stage=stage,
                url=f"{CI}/{MODEL}-deliver/{counter}/{stage}/1",
                result=result,
                started=at,
                **over,
            )
            at, number = at + took + 4_000, int(told["build"]["id"])
        return number

    def deploy(self, promotion: int, environment: str, build: int, digest: str) -> None:
        """An image, and the endpoint that it answers at."""
        started = self.calendar.now_ms
        places = [("image", f"{REGISTRY}@sha256:{digest}"), ("endpoint", ENDPOINT.format(environment))]
        for kind, locator in places:
            self.tell(
                "ci",
                "deployments",
                kind=kind,
                locator=locator,
                promotion=promotion,
                build=build,
                started=started,
                replaces_previous=True,
            )


def _answer(response: httpx.Response) -> Json:
    if response.is_error:
        raise SystemExit(f"{response.request.method} {response.request.url}: {response.text}")
    body: Json = response.json()
    return body
