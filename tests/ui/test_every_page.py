"""What holds for every page there is: it can be used by everybody, and shows nobody what is not theirs to press."""

import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from tests.servers.accounts import PASSWORD
from tests.ui.accessibility import violations_in_both_themes
from tests.ui.conftest import wait_for_charts, watched
from tests.ui.whole_site import NO_PAGES, PAGES, Places, as_user, whole_site
from trackback.server.ui import ROUTES

URLS = [url for urls in PAGES.values() for url in urls]
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=800)
WIDTH = "document.documentElement.scrollWidth"

NOBODYS = "a" * 32
MANY = ",".join(f"{number:032x}" for number in range(1200))

WRONG = [
    ("/?page_token={run}", 400, "Invalid page token"),
    ("/?order_by=nothing", 400, "Invalid attribute key"),
    ("/experiments/{run}", 400, "not a number"),
    ("/experiments/{wine}?columns=nothing", 400, "There is no column"),
    ("/experiments/{wine}?group=metrics.loss", 400, "by a param or a tag"),
    ("/experiments/{wine}?pin=9", 400, "from 0 to 5"),
    ("/experiments/{wine}?rows=1&rows=999999999999999999999", 400, "from 1 to 200"),
    ("/experiments/{wine}/tag?run=" + NOBODYS, 404, "None of the runs"),
    ("/runs/%ff", 400, "not valid UTF-8"),
    ("/runs/%00", 400, "NUL"),
    ("/runs/{model}", 404, "not found"),
    ("/runs/{run}/metrics?from=nan&to=1", 400, "give two numbers"),
    ("/runs/{run}/logs?file=nothing.log", 404, "No such artifact"),
    ("/runs/{run}/artifacts?path=reports/predictions.csv&at=-1", 400, "a whole number"),
    ("/runs/{run}/artifacts?path=nothing", 404, "No such artifact"),
    ("/models/{model}/artifacts?path=MLmodel&row=" + "9" * 40, 400, "a whole number"),
    ("/models/{run}", 404, "not found"),
    ("/registry/churn/2/artifacts?path=MLmodel&at=%00", 400, "a whole number"),
    ("/registry/churn/2/artifacts?path=nothing", 404, "No such artifact"),
    ("/registry/churn/2/changes?against=99", 404, "not found"),
    ("/registry/churn/2/nothing", 404, "has no page"),
    ("/compare?run={run},nothing", 200, "Not there, or not to be read by you: nothing"),
    ("/compare?run=" + MANY, 400, "500"),
    ("/compare?experiment={wine}&tab=nothing", 400, "There is no tab"),
    ("/promotions/1e3", 400, "Invalid number of a promotion"),
    ("/deployments?at=9999-99-99", 400, "it must be a time"),
    ("/trace?of=http://[", 404, "Nothing here is known"),
    ("/trace?of=http://acme:port/runs/1", 404, "Nothing here is known"),
    ("/search?q=" + "x" * 2001, 400, "exceeds the maximum length"),
    ("/login?next=//[", 200, "Log in"),
]
"""URLs that no page leads to, and what the page is to say that answers them."""

OF_EVERYBODY = re.compile(r"/logout|/ui/components/refusal|/accounts/eve/(password|tokens.*)|/search|/compare.*")
"""Where forms lead that who may only read has, too."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with whole_site(tmp_path_factory.mktemp("whole")) as places:
        yield places


@pytest.fixture(scope="module")
def admin(browser: Browser, places: Places) -> Iterator[Page]:
    with watched(browser, places.url) as page:
        page.goto("/login")
        page.get_by_label("User name").fill("root")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Experiments")
        yield page


@pytest.fixture(scope="module")
def reader(places: Places) -> Iterator[httpx.Client]:
    with as_user(places.url, "eve") as http:
        http.headers["accept"] = "text/html"
        yield http


@pytest.fixture(scope="module")
def admin_by_http(places: Places) -> Iterator[httpx.Client]:
    with as_user(places.url, "root") as http:
        http.headers["accept"] = "text/html"
        yield http


def test_every_page_is_among_those_that_are_looked_at() -> None:
    assert {route.path for route in ROUTES if route.method == "GET"} - NO_PAGES == set(PAGES)


@pytest.mark.parametrize("url", URLS)
def test_every_page_holds_still_takes_nothing_for_markup_and_can_be_used_by_everybody(
    admin: Page, places: Places, url: str
) -> None:
    """One after the other of one load of each: while its scripts come late; and then without sight, and on a phone."""
    admin.set_viewport_size(DESK)
    admin.route("**/*.js", _after_a_while)
    response = admin.goto(url.format(**places._asdict()))
    assert response
    assert response.status == 200
    wait_for_charts(admin)
    assert admin.evaluate(SHIFTS) == []
    admin.unroute("**/*.js")

    assert admin.locator("main script, main img[src=x]").count() == 0
    assert admin.title() != "owned"

    assert violations_in_both_themes(admin) == []
    for opener in admin.locator("main [data-dialog]:visible").all():
        opener.click()
        assert violations_in_both_themes(admin) == []
        admin.get_by_role("dialog").locator("[data-close]").click()
    admin.set_viewport_size(PHONE)
    for _ in range(40):  # charts follow a little later
        if admin.evaluate(WIDTH) <= PHONE["width"]:
            break
        admin.wait_for_timeout(50)
    assert admin.evaluate(WIDTH) <= PHONE["width"]


SHIFTS = """() => new Promise((resolve) => {
    const found = [];
    const parsed = performance.getEntriesByType("navigation")[0].domInteractive;
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            if (entry.startTime < parsed + 80 || entry.value < 0.001) continue; // by then it is drawn, as it was read
            for (const { node } of entry.sources) found.push(`${entry.value} ${node?.outerHTML?.slice(0, 200)}`);
        }
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => resolve(found), 200);
})"""
"""What of a page has moved by itself since it was read, which scripts do, by more than a thousandth of the view."""


def _after_a_while(route: Route) -> None:
    time.sleep(0.1)
    route.continue_()


class Forms(HTMLParser):
    """Where the forms of a page send what changes something."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form" and said.get("method") == "post":
            self.actions.append(said.get("action") or "")
        if "formaction" in said:
            self.actions.append(said["formaction"] or "")


@pytest.mark.parametrize("url", URLS)
def test_who_may_only_read_has_nothing_to_press_that_would_be_refused(
    reader: httpx.Client, places: Places, url: str
) -> None:
    answer = reader.get(url.format(**places._asdict()))
    assert answer.status_code == (403 if url.startswith(("/audit", "/webhooks")) or "/tag?" in url else 200)
    forms = Forms()
    forms.feed(answer.text)
    assert [action for action in forms.actions if not OF_EVERYBODY.fullmatch(action)] == []


@pytest.mark.parametrize(("url", "status", "message"), WRONG)
def test_a_wrong_url_is_answered_by_a_page_that_says_what_is_wrong(
    admin_by_http: httpx.Client, places: Places, url: str, status: int, message: str
) -> None:
    answer = admin_by_http.get(url.format(**places._asdict()))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert message in answer.text


def test_text_of_a_url_stays_text_wherever_it_is_shown_again(admin_by_http: httpx.Client, places: Places) -> None:
    names = ("filter", "q", "of", "columns", "group", "tab", "at", "path", "environment", "stream", "file", "x", "find")
    query = "&".join(f"{name}=%22%27%3E%3Cb%20id=wrong%3E" for name in names)
    for url in {urls[0].partition("?")[0] for urls in PAGES.values()}:
        answer = admin_by_http.get(f"{url.format(**places._asdict())}?{query}")
        assert answer.status_code < 500
        assert "<b id=wrong" not in answer.text


def test_what_a_filter_is_completed_with_comes_compressed_where_there_is_much_of_it(
    reader: httpx.Client, places: Places
) -> None:
    answer = reader.get(f"/experiments/{places.wine}/completions")
    assert answer.headers["content-encoding"] == "gzip"
    assert "params.solver" in [each["text"] for each in answer.json()["candidates"]]
