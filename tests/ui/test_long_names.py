"""Names as long as they may be, of any script: they hide no control, widen no page, and are to be had in full."""

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.compat.wire import Json, post
from tests.servers.accounts import PASSWORD, add_admin
from tests.servers.threaded import ThreadedServer
from tests.ui.conftest import settings, wait_for_charts, watched
from tests.ui.delivery_site import own, train
from tests.ui.whole_site import as_user

WIDE = "W" * 250
TURNED = ("مرحبا بالعالم 🚀👩‍🔬 " * 20)[:250].strip()
KEY = "k" * 250
ENVIRONMENT = "e" * 64
USER = "u" * 128

PAGES = [
    "/",
    "/experiments/{experiment}?columns=params.%60{key}%60&columns=metrics.%60{key}%60&columns=user_id",
    "/experiments/{experiment}?group=params.%60{key}%60",
    "/experiments/{experiment}/tag?run={run}",
    "/runs/{run}",
    "/runs/{run}/params",
    "/runs/{run}/metrics",
    "/runs/{run}/data",
    "/runs/{run}/artifacts?path=model",
    "/compare?run={run},{other}",
    "/compare?run={run},{other}&tab=charts",
    "/compare?run={run},{other}&tab=parallel&dim=params.{key}&dim=metrics.{key}",
    "/compare?run={run},{other}&tab=scatter&x=params.{key}&y=metrics.{key}&color=params.{key}",
    "/compare?run={run},{other}&tab=box&by=params.{key}&y=metrics.{key}",
    "/registry",
    "/registry/{wide}",
    "/registry/{wide}/1",
    "/registry/{wide}/2/changes",
    "/registry/{wide}/1/delivery",
    "/registry/{wide}/1/provenance",
    "/promotions",
    "/promotions/1",
    "/deployments",
    "/deployments/1",
    "/trace?of=models:/{wide}/1",
    "/search?q=WW",
    "/accounts",
    "/accounts/{user}",
    "/audit",
    "/settings/policies?stream=models:/{wide}&environment={environment}",
    "/settings",
]


class Places(NamedTuple):
    url: str
    experiment: str
    run: str
    other: str
    key: str = KEY
    wide: str = WIDE
    user: str = USER
    environment: str = ENVIRONMENT


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("long")
    add_admin(f"sqlite:///{folder}/trackback.db")
    told = msgspec.structs.replace(settings(folder, auth=True), environments=("staging", ENVIRONMENT))
    with ThreadedServer(told) as server:
        with as_user(server.url, "root") as root:
            own(root, "users", {"name": USER, "password": PASSWORD, "roles": ["admin"]})
        with as_user(server.url, USER) as http:
            places = _fill(http, server.url)
        yield places
        assert "Traceback" not in server.log_text, server.log_text


def _fill(http: httpx.Client, url: str) -> Places:
    tags = [{"key": KEY, "value": TURNED}]
    experiment = str(post(http, "experiments/create", {"name": WIDE, "tags": tags})["experiment_id"])
    runs = [_train(http, experiment, number) for number in (1, 2)]
    post(http, "registered-models/create", {"name": WIDE, "description": TURNED})
    for run in runs:
        source = {"source": f"{run['artifact_uri']}/model", "run_id": run["run_id"]}
        post(http, "model-versions/create", {"name": WIDE, **source})
    post(http, "registered-models/alias", {"name": WIDE, "alias": KEY, "version": "1"})
    post(http, "registered-models/set-tag", {"name": WIDE, "key": KEY, "value": TURNED})
    post(http, "model-versions/set-tag", {"name": WIDE, "version": "1", "key": KEY, "value": TURNED})
    subject = {"subject": f"models:/{WIDE}/1", "environment": ENVIRONMENT, "reason": TURNED}
    seq = int(own(http, "promotions", subject)["promotion"]["seq"])
    build = {"promotion": seq, "system": "gocd", "pipeline": WIDE, "counter": "1", "stage": KEY, "result": "passed"}
    own(http, "builds", build | {"url": f"https://ci.example/{WIDE}"})
    own(http, "deployments", {"kind": "endpoint", "locator": f"https://{WIDE[:60]}.example/{KEY}", "promotion": seq})
    document = {"verdicts": [{"name": KEY}]}
    own(http, "policies", {"stream": f"models:/{WIDE}", "environment": ENVIRONMENT, "document": document})
    own(http, "verdicts", {"subject": f"models:/{WIDE}/1", "name": KEY, "passed": False})
    return Places(url, experiment, *(str(run["run_id"]) for run in runs))


def _train(http: httpx.Client, experiment: str, number: int) -> Json:
    run = train(http, experiment, number)
    run_id = run["run_id"]
    post(http, "runs/update", {"run_id": run_id, "run_name": f"{number} {TURNED}"[:250]})
    batch = {
        "metrics": [{"key": KEY, "value": number + step, "timestamp": step, "step": step} for step in range(3)],
        "params": [{"key": KEY, "value": f"{number}{WIDE}"}],
        "tags": [{"key": KEY, "value": TURNED}, {"key": "mlflow.source.name", "value": WIDE}],
    }
    post(http, "runs/log-batch", {"run_id": run_id, **batch})
    dataset = {"name": WIDE, "digest": "d" * 36, "source_type": "local", "source": "{}"}
    post(http, "runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": []}]})
    return run


HIDDEN = """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")]
  .filter((each) => each.checkVisibility() && !each.matches(".skip, .unseen"))
  .filter((each) => {
    let { left, right } = each.getBoundingClientRect();
    for (let box = each.parentElement; box !== document.documentElement; box = box.parentElement) {
      const style = getComputedStyle(box);
      const inside = box.getBoundingClientRect();
      if (style.overflowX !== "visible") [left, right] = [Math.max(left, inside.left), Math.min(right, inside.right)];
      if (["auto", "scroll"].includes(style.overflowX)) {
        if (box.scrollWidth > box.clientWidth) return false; // it can be scrolled to
      }
    }
    return Math.min(right, innerWidth) - Math.max(left, 0) < 8;
  }).map((each) => each.outerHTML.slice(0, 200))"""
"""Controls of which nothing can be seen or scrolled to."""

SPILLED = """() => [...document.querySelectorAll("svg.graph .node .words")].filter((each) => {
    const frame = each.parentElement.querySelector("rect");
    const [end, limit] = [each, frame].map(({ x, width }) => x.baseVal.value + width.baseVal.value);
    return getComputedStyle(each).overflowX !== "hidden" || end > limit;
  }).map((each) => each.textContent)"""
"""Nodes of a graph whose words are not cut where the node ends."""


@pytest.fixture(scope="module")
def page(browser: Browser, places: Places) -> Iterator[Page]:
    with watched(browser, places.url) as page:
        page.goto("/login")
        page.get_by_label("User name").fill(USER)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Experiments")
        yield page


def open_page(page: Page, places: Places, path: str, width: int = 1280) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    response = page.goto(path.format(**places._asdict()))
    assert response
    assert response.status == 200
    wait_for_charts(page)


@pytest.mark.parametrize("path", PAGES)
def test_names_as_long_as_they_may_be_widen_no_page_and_hide_no_control(page: Page, places: Places, path: str) -> None:
    open_page(page, places, path)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(100)  # charts follow a little later
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(HIDDEN) == []
    for opener in page.locator("main [data-dialog]:visible").all():
        opener.click()
        dialog = page.locator("dialog[open]")
        assert dialog.evaluate("each => each.scrollWidth - each.clientWidth") <= 0
        dialog.locator("[data-close]").click()


def test_the_words_of_a_node_stay_within_it_and_its_title_has_all_of_them(page: Page, places: Places) -> None:
    open_page(page, places, "/trace?of=models:/{wide}/1")
    assert page.locator("svg.graph .node .words").count() > 5
    assert page.evaluate(SPILLED) == []
    assert page.locator("svg.graph .node > title", has_text=WIDE).count() > 0


def test_a_legend_cuts_a_long_name_and_tells_the_whole_of_it_when_it_is_pointed_at(page: Page, places: Places) -> None:
    open_page(page, places, "/compare?run={run},{other}&tab=charts&metric=auc")
    chart = page.locator(".chart").first
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + 60, box["y"] + 10)
    expect(chart.locator(".chart-tip p")).to_have_text(f"1 {TURNED}"[:250])
    assert chart.evaluate("each => each.querySelector('.chart-tip').getBoundingClientRect().right <= innerWidth")


def test_what_is_cut_has_the_whole_of_it_as_its_title(page: Page, places: Places) -> None:
    open_page(page, places, "/registry/{wide}")
    for name in (ENVIRONMENT, KEY):
        assert page.get_by_title(name, exact=True).count() > 0
    open_page(page, places, "/experiments/{experiment}?columns=params.%60{key}%60")
    assert page.get_by_title(f"1{WIDE}").count() > 0
    assert page.get_by_title(f"1 {TURNED}"[:250]).count() > 0
