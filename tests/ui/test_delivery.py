"""The promotion log, deployments then and now, and traces, where all may do all."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.conftest import Site
from tests.ui.delivery_site import COMMIT, ENDPOINT, MODEL, served_registry


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served_registry(tmp_path_factory.mktemp("registry")) as site:
        yield site


# Promotions


def test_builds_are_trains_of_stages(page: Page) -> None:
    page.goto("/promotions/2")
    expect(page.locator(".train h3")).to_contain_text(f"{MODEL} 2")
    assert page.locator(".stage .stage-name").all_inner_texts() == ["test", "deploy"]
    expect(page.locator("main")).to_contain_text("promotion 3 is in force")


def test_the_log_has_what_is_in_force_and_what_waits(page: Page) -> None:
    page.goto("/promotions")
    waiting = page.locator("section", has=page.get_by_role("heading", name="Waiting"))
    expect(waiting).to_contain_text("RUNNING")
    in_force = page.locator("section", has=page.get_by_role("heading", name="In force"))
    expect(in_force.locator("tr", has_text="production")).to_contain_text(f"{MODEL} 1")
    page.get_by_label("Model or experiment").fill(f"models:/{MODEL}")
    page.get_by_role("button", name="Show").click()
    assert page.locator("table.list tbody tr").count() == 3
    page.goto("/promotions?stream=models:/nothing")
    expect(page.locator("main")).to_contain_text("no registered model")


# Traces


@pytest.mark.parametrize(
    ("of", "ends"),
    [
        (ENDPOINT, {"customers", f"{MODEL} 2", ENDPOINT[8:21]}),
        (f"models:/{MODEL}/1", {"customers", f"{MODEL} 1"}),
        ("promotions/1", {"customers", f"{MODEL} 1", "production"}),
        (f"1{COMMIT[1:8]}", {f"1{COMMIT[1:12]}", f"{MODEL} 1"}),
        ("datasets/cafe0002", {"customers", f"{MODEL} 2"}),
        ("customers", {"customers", f"{MODEL} 1", f"{MODEL} 2", f"{MODEL} 3"}),
        ("scipy==1.11", {"scipy==1.11", f"{MODEL} 1", f"{MODEL} 2", f"{MODEL} 3"}),
        (f"/registry/{MODEL}/3", {"customers", f"{MODEL} 3"}),
        ("https://elsewhere.example/promotions/2", {f"{MODEL} 2", "production"}),
    ],
)
def test_anything_can_be_traced_both_ways(page: Page, of: str, ends: set[str]) -> None:
    page.goto("/trace")
    page.get_by_role("searchbox", name="What is to be traced").fill(of)
    page.get_by_role("button", name="Trace").click()
    names = " ".join(page.locator("svg.graph .name").all_text_contents())
    assert not [end for end in ends if end not in names], names
    assert page.locator("svg.graph .asked").count() >= 1


def test_what_nothing_is_known_of_is_said_beside_the_box(page: Page) -> None:
    response = page.goto("/trace?of=no-such-thing")
    assert response
    assert response.status == 404
    expect(page.get_by_role("alert")).to_contain_text("no-such-thing")
    expect(page.get_by_role("searchbox", name="What is to be traced")).to_have_value("no-such-thing")


def test_a_box_that_is_pointed_at_shows_its_way_and_the_list_tells_the_same(page: Page) -> None:
    page.goto(f"/trace?of={ENDPOINT}")
    page.locator("svg.graph .node.version").first.hover()
    assert page.locator("svg.graph.pointed .edge.related").count() > 2
    page.get_by_text("The same as a list").click()
    entry = page.locator(".lineage > li", has_text="Versions").locator("ul li").first
    expect(entry).to_contain_text("from train 2")


# Deployments


def test_what_was_live_at_a_time_is_told_without_a_script_too(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/deployments?environment=production")
    live = page.get_by_role("region", name="Live in production")
    expect(live.locator("tbody tr")).to_have_count(1)
    expect(live).to_contain_text(f"{MODEL} 2")
    page.get_by_role("link", name="the change before").click()
    page.get_by_role("link", name="the change before").click()
    expect(live).to_contain_text(f"{MODEL} 1")
    assert "at=2023-11-14T22" in page.url
    page.get_by_role("textbox", name="At").fill("2023-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#live")).to_contain_text("Nothing that is known")
    page.get_by_role("textbox", name="At").fill("yesterday")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("yesterday")
    context.close()


def test_a_slider_goes_to_the_times_at_which_something_changed(page: Page) -> None:
    page.goto("/deployments")
    slider = page.get_by_role("slider")
    expect(slider).to_be_visible()
    slider.focus()
    page.keyboard.press("Home")
    live = page.get_by_role("region", name="Live in production")
    expect(live).to_contain_text(f"{MODEL} 1")
    expect(page).to_have_url(re.compile("at=2023-11-14T22"))
    page.keyboard.press("End")
    expect(live).to_contain_text(f"{MODEL} 2")
    assert "at=" not in page.url
