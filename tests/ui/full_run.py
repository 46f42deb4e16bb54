"""A run with something on every one of its tabs."""

import base64
import json
from typing import NamedTuple

import httpx

from tests.compat.wire import post
from tests.ui.conftest import begin_run

START_MS = 1_700_000_000_000
POINTS = 3000
PEAK = 1777
"""The step at which the loss is 5, and much less elsewhere."""

COMMIT = "c0ffee" * 6 + "c0de"
DATA_DIGEST = "d" * 64
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8Dwn4GBgYmBgYGBAQAnAAQCl3bP1gAAAABJRU5ErkJggg=="
)
FRAMED = """<!doctype html><title>report</title><p id=said>nothing</p><script>
document.getElementById("said").textContent = "it ran";
try { parent.document.title = "owned"; } catch (error) { document.title = error.name; }
try { document.cookie = "a=1"; localStorage.setItem("a", "1"); } catch (error) { document.title += " " + error.name; }
fetch("/ui/series/names").then(() => { document.title += " reached"; }, () => { document.title += " alone"; });
</script>"""
DIFF = """# untracked, and not kept: notes.txt
diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,2 +1,2 @@
 import trackback
-DEPTH = 3
+DEPTH = 7
"""
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 4,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": "## Training\nOn *all* of it."},
        {
            "cell_type": "code",
            "execution_count": 4,
            "metadata": {},
            "source": "model.fit(x, y)",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "fitted\n"},
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"image/png": base64.b64encode(PNG).decode()},
                },
                {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<b>a table</b>"}},
            ],
        },
    ],
}
DOCUMENT = {
    "schema_version": 1,
    "captured_by": "trackback",
    "code": {
        "repository": "git@github.com:acme/churn.git",
        "commit": COMMIT,
        "branch": "main",
        "dirty": True,
        "diff": {"path": "trackback/diff.patch"},
        "notebook": {"path": "trackback/notebook.ipynb"},
        "script": {"path": "trackback/code/train.py"},
        "entry_point": "train.py",
        "command": ["python", "train.py", "--depth", "7"],
    },
    "environment": {
        "python": "3.11.7",
        "packages": {"numpy": "2.4.6", "scikit-learn": "1.6.1", "pandas": "3.1.1"},
        "os": "Linux 6.1.0 (Debian GNU/Linux 12)",
        "machine": "x86_64",
        "hardware": {"cpu": "AMD EPYC", "cpu_count": 16, "memory_bytes": 64_000_000_000, "gpus": ["NVIDIA A100"]},
        "variables": {"OMP_NUM_THREADS": "4"},
    },
    "datasets": [{"name": "customers", "sha256": DATA_DIGEST, "rows": 5000, "source": "s3://acme/customers.parquet"}],
}
FILES: dict[str, bytes] = {
    "trackback/diff.patch": DIFF.encode(),
    "trackback/notebook.ipynb": json.dumps(NOTEBOOK).encode(),
    "trackback/code/train.py": b"import trackback\n\nDEPTH = 7  # the best\n",
    "trackback/provenance.json": json.dumps(DOCUMENT).encode(),
    "logs/train.log": b"".join(b"epoch %d \x1b[32mok\x1b[0m\n" % n for n in range(20_000)),
    "reports/report.html": FRAMED.encode(),
    "reports/shap.json": json.dumps({"age": 0.7, "plans": [{"name": "basic"}, {"name": "pro"}]}).encode(),
    "reports/predictions.csv": b"id,score\n" + b"".join(b"%d,0.%03d\n" % (n, n) for n in range(250)),
    "reports/confusion.png": PNG,
    "reports/lies.png": b"<script>document.title='owned'</script>",
    "reports/weights.bin": bytes(range(256)),
}


class FullRun(NamedTuple):
    run_id: str
    model_id: str

    @property
    def url(self) -> str:
        return f"/runs/{self.run_id}"


def log_full_run(http: httpx.Client, experiment_id: str) -> FullRun:
    run_id = begin_run(http, experiment_id, "gentle-fox-42", START_MS)
    params = {"depth": "7", "learning_rate": "0.05", "objective": "binary:logistic", "note": "long " * 100}
    tags = {"team": "retention", "mlflow.note.content": "Trees, on all customers.", "mlflow.user": "ann"}
    body = {
        "params": [{"key": key, "value": value} for key, value in params.items()],
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }
    post(http, "runs/log-batch", {"run_id": run_id, **body})
    for start in range(0, POINTS, 1000):
        log_points(http, run_id, "train/loss", range(start, start + 1000))
    log_points(http, run_id, "val/auc", range(20))
    log_points(http, run_id, "system/cpu_utilization_percentage", range(30))
    _log_data(http, run_id)
    made = post(http, "logged-models", {"experiment_id": experiment_id, "name": "trees", "source_run_id": run_id})
    model_id = made["model"]["info"]["model_id"]
    post(http, "runs/outputs", {"run_id": run_id, "models": [{"model_id": model_id, "step": 2999}]})
    for path, content in FILES.items():
        put(http, f"{experiment_id}/{run_id}/artifacts/{path}", content)
    signature = json.dumps([{"name": "age", "type": "long"}])
    mlmodel = f"flavors: {{sklearn: {{}}}}\nsignature: {{inputs: '{signature}'}}\n"
    put(http, f"{experiment_id}/models/{model_id}/artifacts/MLmodel", mlmodel.encode())
    post(http, "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": START_MS + 187_000})
    return FullRun(run_id, model_id)


def log_points(http: httpx.Client, run_id: str, key: str, steps: range) -> None:
    points = [
        {"key": key, "value": 5.0 if step == PEAK else 1 / (step + 2), "timestamp": START_MS + 10 * step, "step": step}
        for step in steps
    ]
    post(http, "runs/log-batch", {"run_id": run_id, "metrics": points})


def put(http: httpx.Client, path: str, content: bytes) -> None:
    http.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}", content=content).raise_for_status()


def _log_data(http: httpx.Client, run_id: str) -> None:
    schema = {"mlflow_colspec": [{"type": "long", "name": "age"}, {"type": "string", "name": "plan"}]}
    profile = {
        "num_rows": 5000,
        "sample_rows": 5000,
        "columns": [
            {"name": "age", "missing": 3, "min": 18, "max": 93, "mean": 44.5, "quantiles": {"0.5": 43.0}},
            {"name": "plan", "missing": 0, "distinct": 2, "top": [["basic", 4000], ["pro", 1000]]},
        ],
    }
    dataset = {
        "name": "customers",
        "digest": DATA_DIGEST[:36],
        "source_type": "s3",
        "source": json.dumps({"uri": "s3://acme/customers.parquet"}),
        "schema": json.dumps(schema),
        "profile": json.dumps(profile),
    }
    context = [{"key": "mlflow.data.context", "value": "training"}]
    post(http, "runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": context}]})
