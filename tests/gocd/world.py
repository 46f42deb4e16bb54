"""A trackback server as data scientists and GoCD use it, over HTTP."""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.gocd.polling import Material
from tests.servers.threaded import ThreadedServer

MLFLOW = "/api/2.0/mlflow"
OURS = "/api/v1"
PRODUCTION = {"MODEL": "churn", "ENVIRONMENT": "production"}


class World:
    """``http`` asks as whoever may do everything."""

    def __init__(self, server: ThreadedServer, http: httpx.Client) -> None:
        self.server = server
        self.http = http

    def signed_in(self, token: str) -> httpx.Client:
        """Asks as whoever has the token."""
        headers = {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.server.url, headers=headers, trust_env=False, timeout=30)

    def post(self, path: str, **fields: object) -> Any:
        answer = self.http.post(path, json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def experiment(self, name: str) -> str:
        return str(self.post(f"{MLFLOW}/experiments/create", name=name)["experiment_id"])

    def run(
        self,
        experiment: str,
        *,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
        finished: bool = True,
        start_time: int | None = None,
    ) -> str:
        """A run that has logged these; tags are set after the files are there."""
        started = {} if start_time is None else {"start_time": start_time}
        info = self.post(f"{MLFLOW}/runs/create", experiment_id=experiment, user_id="ada", **started)["run"]["info"]
        run_id: str = info["run_id"]
        for key, value in (metrics or {}).items():
            self.post(f"{MLFLOW}/runs/log-metric", run_id=run_id, key=key, value=value, timestamp=1, step=1)
        for path, content in (files or {"model/MLmodel": b"flavors: {}", "model/model.pkl": run_id.encode()}).items():
            self.upload(f"{info['artifact_uri'].removeprefix('mlflow-artifacts:/')}/{path}", content)
        if finished:
            self.post(f"{MLFLOW}/runs/update", run_id=run_id, status="FINISHED", end_time=1_700_000_000_000)
        for name, text in (tags or {}).items():
            self.tag(run_id, name, text)
        return run_id

    def upload(self, path: str, content: bytes) -> None:
        url = path if path.startswith("/") else f"/api/2.0/mlflow-artifacts/artifacts/{path}"
        assert self.http.put(url, content=content).status_code == 200

    def tag(self, run_id: str, key: str = "promote", value: str = "true") -> None:
        self.post(f"{MLFLOW}/runs/set-tag", run_id=run_id, key=key, value=value)

    def untag(self, run_id: str, key: str = "promote") -> None:
        self.post(f"{MLFLOW}/runs/delete-tag", run_id=run_id, key=key)

    def model(self, name: str, *runs: str) -> None:
        """A registered model with a version of each run."""
        if self.http.get(f"{MLFLOW}/registered-models/get", params={"name": name}).status_code != 200:
            self.post(f"{MLFLOW}/registered-models/create", name=name)
        for run_id in runs:
            self.post(f"{MLFLOW}/model-versions/create", name=name, source=f"runs:/{run_id}/model", run_id=run_id)

    def models(self, name: str, versions: int) -> list[str]:
        """A registered model with so many versions; the runs that they are of."""
        runs = [self.run("0", metrics={"auc": 0.9 + number / 100}) for number in range(1, versions + 1)]
        self.model(name, *runs)
        return runs

    def promote(self, subject: str, environment: str = "production", reason: str = "") -> int:
        body = {"subject": subject, "environment": environment, "reason": reason}
        return int(self.post(f"{OURS}/promotions", **body)["promotion"]["seq"])

    def demote(self, subject: str, environment: str = "production") -> int:
        done = self.post(f"{OURS}/promotions/demote", subject=subject, environment=environment)
        return int(done["promotion"]["seq"])

    def roll_back(self, stream: str, environment: str = "production") -> int:
        done = self.post(f"{OURS}/promotions/rollback", stream=stream, environment=environment)
        return int(done["promotion"]["seq"])

    def material(self, package: Mapping[str, str] = PRODUCTION, http: httpx.Client | None = None) -> Material:
        return Material(http or self.http, self.server.url, package)

    def relayed(self, request: str, body: object, http: httpx.Client | None = None) -> httpx.Response:
        return (http or self.http).post(f"/gocd/v1/{request}", json=body)

    def builds(self, promotion: int) -> list[dict[str, Any]]:
        return list(self.get(f"{OURS}/builds", promotion=promotion)["builds"])
