"""What requests of GoCD's plugin name: a promotion, a configuration, and a job that has begun to publish."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any

from tests.server.wire import ask

SERVER_URL = "https://gocd.example.org/go"
CONTENT = b"flavors: {}"

_counters = itertools.count(1)


def gocd_values(port: int, registered: str, experiment: str) -> Mapping[str, Any]:
    """Values by the names of fields, of a model that has a version, and an experiment, for requests below /gocd/."""
    subject = {"subject": f"models:/{registered}/1", "environment": "production"}
    seq = int(_post(port, "/api/v1/promotions", subject)["promotion"]["seq"])
    job = {
        "GO_SERVER_URL": SERVER_URL,
        "GO_PIPELINE_NAME": "train",
        "GO_PIPELINE_COUNTER": str(next(_counters)),
        "GO_STAGE_NAME": "fit",
        "GO_STAGE_COUNTER": "1",
        "GO_JOB_NAME": "forest",
        "GO_TRIGGER_USER": "ada",
        "GO_REVISION_SOURCE": "0123456789abcdef0123456789abcdef01234567",
        "GO_DEPENDENCY_LOCATOR_PREPARE": "prepare/3/split/1",
        "GO_PACKAGE_TRACKBACK_CHURN_LABEL": f"{seq}-v1",
        "GO_PACKAGE_TRACKBACK_CHURN_PROMOTION": str(seq),
        "GO_PACKAGE_TRACKBACK_CHURN_MODEL_URI": f"models:/{registered}/1",
    }
    begun = _post(port, "/gocd/v1/artifact/begin", {"model": registered, "experiment": experiment, "job": job})
    assert ask(port, "PUT", f"{begun['upload_url']}MLmodel", CONTENT).status == 200
    return {
        "repository-configuration": {"TRACKBACK_URL": {"value": "https://models.example.org"}},
        "package-configuration": {"MODEL": {"value": registered}, "ENVIRONMENT": {"value": "production"}},
        "revision": f"{seq}-v1",
        "data": {"PROMOTION": str(seq)},
        "promotion": seq,
        "model": registered,
        "pattern": "**",
        "job": job,
        "experiment": experiment,
        "run_id": begun["run_id"],
        "path": "MLmodel",
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "type": "package",
        "counter": "1",
        "result": "Passed",
        "create-time": "2026-11-27T12:00:00.000+0000",
        "last-transition-time": "2026-11-27T12:05:00.000+0000",
        "server_url": SERVER_URL,
    }


def _post(port: int, path: str, body: object) -> Any:
    answer = ask(port, "POST", path, json.dumps(body).encode())
    assert answer.status == 200, answer
    return answer.json
