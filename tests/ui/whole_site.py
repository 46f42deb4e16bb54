"""A server with accounts that has something for each of its pages, and where each page is."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec

from tests.servers.accounts import PASSWORD, add_admin
from tests.servers.threaded import ThreadedServer
from tests.ui.conftest import furnish, settings
from tests.ui.delivery_site import fill_registry, own, require
from tests.ui.full_run import log_full_run

PAGES = {
    "/": ["/", "/?filter=name+%3D+%27nothing%27"],
    "/experiments/{experiment_id}": [
        "/experiments/{wine}",
        "/experiments/{wine}?group=params.solver",
        "/experiments/{wine}?columns=curve(metrics.loss)&columns=params.solver&pin=2",
        "/experiments/{markup}",
        "/experiments/0",
    ],
    "/experiments/{experiment_id}/columns": ["/experiments/{wine}/columns"],
    "/experiments/{experiment_id}/tag": ["/experiments/{wine}/tag?run={run}"],
    "/runs/{run_id}": ["/runs/{run}", "/runs/{markup_run}"],
    "/runs/{run_id}/params": ["/runs/{run}/params"],
    "/runs/{run_id}/metrics": ["/runs/{run}/metrics", "/runs/{run}/metrics?view=table"],
    "/runs/{run_id}/system": ["/runs/{run}/system"],
    "/runs/{run_id}/data": ["/runs/{run}/data", "/runs/{markup_run}/data"],
    "/runs/{run_id}/code": ["/runs/{run}/code", "/runs/{markup_run}/code"],
    "/runs/{run_id}/environment": ["/runs/{run}/environment"],
    "/runs/{run_id}/logs": ["/runs/{run}/logs", "/runs/{markup_run}/logs"],
    "/runs/{run_id}/models": ["/runs/{run}/models"],
    "/runs/{run_id}/artifacts": [
        "/runs/{run}/artifacts",
        "/runs/{run}/artifacts?path=reports/predictions.csv",
        "/runs/{run}/artifacts?path=reports/confusion.png",
        "/runs/{run}/artifacts?path=trackback/notebook.ipynb",
        "/runs/{run}/artifacts?path=reports/shap.json",
    ],
    "/models/{model_id}": ["/models/{model}"],
    "/models/{model_id}/metrics": ["/models/{model}/metrics"],
    "/models/{model_id}/artifacts": ["/models/{model}/artifacts?path=MLmodel"],
    "/compare": [f"/compare?run={{run}},{{markup_run}}&tab={tab}" for tab in ("values", "charts", "code", "made-of")]
    + [f"/compare?experiment={{wine}}&tab={tab}" for tab in ("values", "parallel", "scatter", "box")],
    "/registry": ["/registry", "/registry?filter=name+%3D+%27nothing%27"],
    "/registry/{name}": ["/registry/churn"],
    "/registry/{name}/{version}": ["/registry/churn/2", "/registry/churn/3"],
    "/registry/{name}/{version}/{part}": [
        f"/registry/churn/2/{part}" for part in ("changes", "delivery", "provenance")
    ],
    "/registry/{name}/{version}/artifacts": ["/registry/churn/2/artifacts?path=MLmodel"],
    "/promotions": ["/promotions"],
    "/promotions/{seq}": ["/promotions/1"],
    "/deployments": ["/deployments", "/deployments?at=2023-11-14T22:13:30Z"],
    "/deployments/{id}": ["/deployments/1"],
    "/trace": ["/trace", "/trace?of=models:/churn/2", "/trace?of=datasets/customers"],
    "/search": ["/search", "/search?q=churn", "/search?q=nothing"],
    "/accounts": ["/accounts"],
    "/accounts/{name}": ["/accounts/eve"],
    "/audit": ["/audit", "/audit?actor=nobody"],
    "/webhooks": ["/webhooks"],
    "/webhooks/{webhook_id}": ["/webhooks/{webhook}"],
    "/webhooks/{webhook_id}/deliveries/{delivery_id}": ["/webhooks/{webhook}/deliveries/{delivery}"],
    "/settings": ["/settings"],
    "/settings/policies": [
        "/settings/policies?stream=models:/churn&environment=production",
        "/settings/policies?stream=*&environment=staging",
    ],
    "/ui/components": ["/ui/components"],
}
"""URLs of each page, by its route; names in braces are fields of ``Places``."""

NOBODY = "http://127.0.0.1:9/promoted"
"""Takes no webhook's deliveries."""

NO_PAGES = {
    *("/experiments/{experiment_id}/rows", "/experiments/{experiment_id}/completions"),
    *("/experiments/{experiment_id}/export/{format}", "/promotions/events", "/search/suggestions"),
    *(f"/{thing}/{part}" for thing in ("runs/{run_id}", "models/{model_id}") for part in ("download", "frame")),
    *(f"/registry/{{name}}/{{version}}/{part}" for part in ("download", "frame")),
    *("/ui/series", "/ui/series/versions", "/ui/series/names", "/ui/compare/{chart}", "/ui/components/points"),
    *("/static/{release}/{name:path}", "/login"),  # that one is looked at by who is not signed in
}
"""Parts of pages, files, and what scripts ask for."""


class Places(NamedTuple):
    """Ids of what there is. ``markup`` and ``markup_run`` are full of text that would do harm if it were markup."""

    url: str
    wine: str
    markup: str
    markup_run: str
    run: str
    model: str
    webhook: str
    delivery: str


def as_user(url: str, name: str) -> httpx.Client:
    return httpx.Client(base_url=url, auth=(name, PASSWORD), trust_env=False, timeout=30)


@contextmanager
def whole_site(folder: Path) -> Iterator[Places]:
    """Its users are root, the admin, and eve, who may read."""
    add_admin(f"sqlite:///{folder}/trackback.db")
    told = msgspec.structs.replace(settings(folder, auth=True), webhook_allowed_networks=("127.0.0.0/8",))
    with ThreadedServer(told) as server:
        with as_user(server.url, "root") as root:
            places = _fill(root, server.url)
        yield places
        assert "Traceback" not in server.log_text, server.log_text


def _fill(root: httpx.Client, url: str) -> Places:
    own(root, "users", {"name": "eve", "password": PASSWORD, "roles": ["reader"]})
    told = [{"entity": "PROMOTION", "action": "CREATED"}]
    webhook = own(root, "webhooks", {"name": "ci", "url": NOBODY, "events": told})
    webhook_id = str(webhook["webhook"]["webhook_id"])
    site = furnish(root, url)
    full = log_full_run(root, site.wine)
    fill_registry(root, site.wine)
    require(root, verdicts=[{"name": "validation"}], after="staging")
    deliveries = root.get(f"/api/v1/webhooks/{webhook_id}/deliveries").json()["deliveries"]
    markup = root.get(f"/api/2.0/mlflow/runs/get?run_id={site.rich_run}").json()["run"]["info"]["experiment_id"]
    return Places(
        url, site.wine, str(markup), site.rich_run, full.run_id, full.model_id, webhook_id, str(deliveries[0]["id"])
    )
