"""The pages in a real browser, Debian's Chromium, against a real server with runs in it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

from tests.compat.wire import post
from tests.needs import need
from tests.servers.threaded import ThreadedServer
from trackback.server.settings import Settings

PATIENCE_MS = 20_000
"""How long is waited for what is expected: on a machine that has much else to do, five seconds are not enough."""

# The one that is made without windows takes a fifth of the processor time for a tab.
CHROMIUMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
FLAGS = "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run"

_ALL_DRAWN = """[...document.querySelectorAll(".chart[data-source]")].every(
    (chart) => chart.dataset.drawn !== undefined || chart.getBoundingClientRect().top > innerHeight + 200
)"""

MARKUP = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"


@dataclass(frozen=True)
class Site:
    """A server, and the ids of what is in it. `wine` has the runs 00 to 29, whose loss falls as their number grows."""

    url: str
    wine: str
    rich_run: str
    model: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("ui")
    with ThreadedServer(settings(folder)) as server:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            yield furnish(http, server.url)
        assert "Traceback" not in server.log_text, server.log_text


def settings(folder: Path, *, auth: bool = False) -> Settings:
    return Settings(
        backend_store_uri=f"sqlite:///{folder}/trackback.db",
        artifacts_destination=str(folder / "artifacts"),
        port=0,
        auth=auth,
    )


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Of this folder's tests only: while it is open, no other event loop can run in this thread."""
    found = [each for each in CHROMIUMS if each.exists()]
    need(found, f"no browser at {CHROMIUMS[0]} (on Debian: apt install {CHROMIUMS[0].name})")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A tab, in which nothing may go wrong: see ``watched``."""
    with watched(browser, site.url) as page:
        yield page


@contextmanager
def watched(browser: Browser, url: str) -> Iterator[Page]:
    """A tab of its own. Fails if a page of ours logs an error, breaks its policy, or asks another server for anything.

    That a page itself is answered with 4xx is an error to browsers; to tests it is an answer.
    """
    context = browser.new_context(base_url=url)
    page = context.new_page()
    complaints: list[tuple[str, str]] = []
    refused: set[str] = set()

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" or "Policy" in message.text:
            complaints.append((message.location["url"], message.text))

    def look(response: Response) -> None:
        if response.request.is_navigation_request() and response.status in range(400, 500):
            refused.add(response.url)

    def follow(request: Request) -> None:
        if not request.url.startswith(url):
            complaints.append((request.url, "is not ours"))

    page.on("pageerror", lambda error: complaints.append((page.url, str(error))))
    page.on("console", hear)
    page.on("response", look)
    page.on("request", follow)
    yield page
    context.close()
    assert [each for each in complaints if not ("status of 4" in each[1] and each[0] in refused)] == []


def wait_for_charts(page: Page) -> None:
    """Until those in view are drawn. The policy of our pages forbids what Playwright waits for functions by."""
    ends = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(_ALL_DRAWN):
        assert time.monotonic() < ends, f"the charts of {page.url} are not drawn"
        page.wait_for_timeout(50)


def furnish(http: httpx.Client, url: str) -> Site:
    wine = post(http, "experiments/create", {"name": "wine", "tags": [{"key": "team", "value": "red"}]})
    experiment_id = wine["experiment_id"]
    for n in range(30):
        run_id = begin_run(http, experiment_id, f"run {n:02}", 1_700_000_000_000 + n)
        batch = {
            "metrics": [{"key": "loss", "value": 1 / (n + 1), "timestamp": 1, "step": n}],
            "params": [{"key": "solver", "value": "sag" if n % 3 else "lbfgs"}],
        }
        post(http, "runs/log-batch", {"run_id": run_id, **batch})
        post(http, "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": 1_700_000_062_000 + n})
    other = post(http, "experiments/create", {"name": f"markup {MARKUP}"})["experiment_id"]
    rich_run, model = furnish_run(http, other)
    return Site(url, experiment_id, rich_run, model)


def begin_run(http: httpx.Client, experiment_id: str, name: str, start_time_ms: int) -> str:
    body = {"experiment_id": experiment_id, "run_name": name, "start_time": start_time_ms}
    return str(post(http, "runs/create", body)["run"]["info"]["run_id"])


def furnish_run(http: httpx.Client, experiment_id: str) -> tuple[str, str]:
    """A run with something of everything, all of it text that would do harm if it were taken for markup."""
    run_id = begin_run(http, experiment_id, MARKUP, 1_700_000_000_000)
    batch = {
        "metrics": [
            {"key": "val/auc", "value": 0.123456789, "timestamp": 1_700_000_000_000, "step": 7},
            {"key": "broken", "value": "NaN", "timestamp": 1_700_000_000_000},
        ],
        "params": [{"key": "solver", "value": MARKUP}],
        "tags": [{"key": "team", "value": MARKUP}, {"key": "mlflow.note.content", "value": MARKUP}],
    }
    post(http, "runs/log-batch", {"run_id": run_id, **batch})
    dataset = {"name": MARKUP, "digest": "d1g357", "source_type": "http", "source": json.dumps({"url": MARKUP})}
    context = [{"key": "mlflow.data.context", "value": "training"}]
    post(http, "runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": context}]})
    model = post(http, "logged-models", {"experiment_id": experiment_id, "name": "net", "source_run_id": run_id})
    model_id = model["model"]["info"]["model_id"]
    post(http, "runs/outputs", {"run_id": run_id, "models": [{"model_id": model_id, "step": 3}]})
    for place, content in (
        (f"{run_id}/artifacts/notes.html", MARKUP.encode()),
        (f"{run_id}/artifacts/plots/<b>.svg", b"<svg/>"),
        (f"models/{model_id}/artifacts/MLmodel", b"flavors: {}"),
    ):
        uploaded = http.put(f"/api/2.0/mlflow-artifacts/artifacts/{experiment_id}/{place}", content=content)
        assert uploaded.status_code == 200, uploaded.text
    return run_id, model_id
