"""A server's contents for the pages of models: data, runs, versions, and what has become of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.compat.wire import Json, answer, post
from tests.servers.threaded import ThreadedServer
from tests.ui.conftest import MARKUP, Site, furnish, settings

MODEL = "churn"
ENDPOINT = "https://churn.example/predict"
COMMIT = "abc1234def5678abc1234def5678abc1234def56"
FIRST_MS, SECOND_MS = 1_700_000_000_000, 1_700_000_100_000
"""When the deployments of ``fill_registry`` began."""

SIGNATURE = """flavors:
  sklearn: {}
signature:
  inputs: '[{"type": "double", "name": "tenure", "required": true},
    {"type": "string", "name": "plan", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
"""


def own(http: httpx.Client, path: str, body: object) -> Json:
    """A request to our own API."""
    return answer(http.post(f"/api/v1/{path}", json=body))


class Trainings(NamedTuple):
    """The ids of an experiment and its runs."""

    experiment: str
    runs: list[str]


def add_model(http: httpx.Client, versions: int = 2, name: str = MODEL) -> Trainings:
    """A model with versions, each of a run of its own, with other params, metrics, data and packages."""
    experiment = str(post(http, "experiments/create", {"name": f"{name} trainings"})["experiment_id"])
    post(http, "registered-models/create", {"name": name, "description": "Who leaves?"})
    runs = [train(http, experiment, number) for number in range(1, versions + 1)]
    for run in runs:
        source = f"{run['artifact_uri']}/model"
        post(http, "model-versions/create", {"name": name, "source": source, "run_id": run["run_id"]})
    return Trainings(experiment, [run["run_id"] for run in runs])


def train(http: httpx.Client, experiment: str, number: int, solver: str = "sag") -> Json:
    """A finished run, the better the greater its number, with a model in its folder `model`."""
    tags = [{"key": "mlflow.source.git.commit", "value": f"{number}{COMMIT[1:]}"}]
    created = post(http, "runs/create", {"experiment_id": experiment, "run_name": f"train {number}", "tags": tags})
    run: Json = created["run"]["info"]
    run_id = str(run["run_id"])
    batch = {
        "metrics": [{"key": "auc", "value": 0.8 + number / 100, "timestamp": 1, "step": 0}],
        "params": [{"key": "alpha", "value": str(number / 10)}, {"key": "solver", "value": solver}],
    }
    post(http, "runs/log-batch", {"run_id": run_id, **batch})
    dataset = {"name": "customers", "digest": f"cafe000{number}", "source_type": "local", "source": "{}"}
    context = [{"key": "mlflow.data.context", "value": "training"}]
    post(http, "runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": context}]})
    folder = f"/api/2.0/mlflow-artifacts/artifacts/{run['artifact_uri'].removeprefix('mlflow-artifacts:/')}/model"
    files = {"MLmodel": f"{SIGNATURE}run_id: {run_id}\n", "requirements.txt": f"numpy==1.26.{number}\nscipy==1.11\n"}
    for path, text in files.items():
        http.put(f"{folder}/{path}", content=text.encode()).raise_for_status()
    post(http, "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": 1_700_000_000_000})
    return run


def promote(http: httpx.Client, version: int, environment: str = "production", *, name: str = MODEL) -> int:
    """The number of the promotion."""
    subject = f"models:/{name}/{version}"
    done = own(http, "promotions", {"subject": subject, "environment": environment, "reason": f"why {version}"})
    return int(done["promotion"]["seq"])


def build(
    http: httpx.Client,
    promotion: int,
    *,
    result: str = "passed",
    counter: str = "1",
    stages: Sequence[str] = ("test", "deploy"),
) -> int:
    """A pipeline's run for a promotion, of which the last stage has that result; the number of that."""
    number = 0
    for stage in stages:
        said = {
            "promotion": promotion,
            "system": "gocd",
            "pipeline": MODEL,
            "counter": counter,
            "stage": stage,
            "url": f"https://ci.example/{MODEL}/{counter}/{stage}",
            "result": result if stage == stages[-1] else "passed",
        }
        number = int(own(http, "builds", said)["build"]["id"])
    return number


def deploy(
    http: httpx.Client, promotion: int, started: int, *, build: int | None = None, locator: str = ENDPOINT
) -> int:
    """Something takes over at a time; the number of the deployment."""
    said = {"kind": "endpoint", "locator": locator, "promotion": promotion, "started": started}
    said |= {"replaces_previous": True}
    return int(own(http, "deployments", said | ({"build": build} if build else {}))["deployment"]["id"])


def require(http: httpx.Client, environment: str = "production", *, name: str = MODEL, **document: object) -> None:
    """Set a policy."""
    own(http, "policies", {"stream": f"models:/{name}", "environment": environment, "document": document})


def report(
    http: httpx.Client, version: int, name: str = "validation", *, passed: bool = True, **details: object
) -> None:
    own(http, "verdicts", {"subject": f"models:/{MODEL}/{version}", "name": name, "passed": passed, **details})


@contextmanager
def served_registry(folder: Path) -> Iterator[Site]:
    """A server with the contents of ``furnish`` and ``fill_registry``, where all may do all."""
    with ThreadedServer(settings(folder)) as server:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            site = furnish(http, server.url)
            fill_registry(http, site.wine)
        yield site
        assert "Traceback" not in server.log_text, server.log_text


def fill_registry(http: httpx.Client, experiment: str) -> None:
    """`churn` with three versions: 1, then 2 were promoted and deployed, and 2 rolled back; a run waits."""
    add_model(http, 3)
    post(http, "model-versions/set-tag", {"name": MODEL, "version": "3", "key": "validated", "value": MARKUP})
    for version, started in ((1, FIRST_MS), (2, SECOND_MS)):
        seq = promote(http, version)
        deploy(http, seq, started, build=build(http, seq, counter=str(version)))
    place = {"stream": f"models:/{MODEL}", "environment": "production"}
    own(http, "promotions/rollback", {**place, "reason": MARKUP})
    delta = {"against": "models:/churn/1", "metrics": [{"name": "auc", "change": 0.01}], "note": MARKUP}
    report(http, 2, "delta", report=delta, url="https://ci.example/delta")
    report(http, 2, "validation", passed=False)
    waiting = post(http, "runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    post(http, "runs/set-tag", {"run_id": waiting, "key": "promote", "value": "true"})
