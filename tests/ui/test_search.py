"""The search box, in a browser: what it suggests, where it leads, and its page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.servers.threaded import ThreadedServer
from tests.ui.accessibility import violations_in_both_themes
from tests.ui.delivery_site import COMMIT, MODEL, add_model, promote
from trackback.server.settings import Settings


@dataclass(frozen=True)
class Registry:
    url: str
    runs: list[str]
    promotion: int


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("search")
    settings = Settings(
        backend_store_uri=f"sqlite:///{folder}/trackback.db", artifacts_destination=str(folder / "artifacts")
    )
    with ThreadedServer(settings) as server:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            runs = add_model(http).runs
            yield Registry(server.url, runs, promote(http, 1))
        assert "Traceback" not in server.log_text, server.log_text


def suggested(page: Page, text: str) -> list[str]:
    """What is below the box once it has been asked for."""
    with page.expect_response(re.compile("/search/suggestions")):
        page.get_by_role("combobox", name="Search everything").press_sequentially(text)
    expect(page.get_by_role("listbox")).to_be_visible()
    return [each.replace("\n", " ") for each in page.get_by_role("option").all_inner_texts()]


def test_the_box_suggests_while_somebody_types_and_arrows_choose(page: Page, site: Registry) -> None:
    page.goto("/")
    page.keyboard.press("/")
    found = suggested(page, "chu")
    assert any(MODEL in each and "registered model" in each for each in found)
    assert found[0].startswith(f"{MODEL} trainings")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator('[role=option][aria-selected="true"]')).to_contain_text("registered model")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/registry/{MODEL}$"))


def test_a_click_on_a_suggestion_opens_it_and_escape_closes_the_list(page: Page, site: Registry) -> None:
    page.goto("/")
    suggested(page, "train 2")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.get_by_role("combobox", name="Search everything").fill("")
    suggested(page, "train 1")
    page.get_by_role("option", name="train 1").click()
    expect(page).to_have_url(re.compile(f"/runs/{site.runs[0]}"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{run}", "/runs/{run}"),
        (f"models:/{MODEL}/2", f"/registry/{MODEL}/2"),
        ("promotions/{promotion}", "/promotions/{promotion}"),
        (f"2{COMMIT[1:]}", f"/trace?of=2{COMMIT[1:]}"),
    ],
)
def test_a_whole_id_or_digest_leads_straight_to_its_page(site: Registry, text: str, place: str) -> None:
    names = {"run": site.runs[0], "promotion": str(site.promotion)}
    answer = httpx.get(f"{site.url}/search", params={"q": text.format(**names)}, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (303, place.format(**names))


def test_the_page_lists_what_is_found_kind_by_kind(page: Page, site: Registry) -> None:
    page.goto("/search?q=sag")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    runs = page.get_by_role("region", name="Runs", exact=True).locator("tbody tr")
    assert [row.locator("td").first.inner_text() for row in runs.all()] == [f"{MODEL} trainings · solver=sag"] * 2
    page.get_by_role("link", name="train 2").click()
    expect(page).to_have_url(re.compile(f"/runs/{site.runs[1]}"))


def test_what_is_not_found_is_said_with_what_could_be_tried(page: Page, site: Registry) -> None:
    page.goto("/search?q=<script>nothing")
    expect(page.get_by_text("Nothing here is known by “<script>nothing”.")).to_be_visible()
    expect(page.get_by_text("solver=lbfgs").first).to_be_visible()


def test_the_list_of_suggestions_can_be_used_without_seeing_it(page: Page, site: Registry) -> None:
    page.goto("/")
    suggested(page, "chu")
    page.keyboard.press("ArrowDown")
    assert violations_in_both_themes(page) == []
