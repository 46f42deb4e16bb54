"""The pages of one run and one model, with everything that was logged to them, and nothing that it could do."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.compat.wire import post
from tests.ui.conftest import MARKUP, Site


def test_a_runs_page_shows_what_was_logged_and_takes_none_of_it_for_markup(page: Page, site: Site) -> None:
    page.goto(f"/runs/{site.rich_run}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(MARKUP)
    assert page.get_by_role("row", name="val/auc").locator("td").all_inner_texts() == [
        "0.123457",
        *["0.123457"] * 2,
        "7",
    ]
    expect(page.get_by_role("row", name="broken")).to_contain_text("NaN")
    expect(page.get_by_role("row", name="solver")).to_contain_text(MARKUP)
    expect(page.get_by_role("row", name="team")).to_contain_text(MARKUP)
    expect(page.locator(".note")).to_have_text(MARKUP)
    assert page.title() == f"{MARKUP} · trackback"
    assert page.locator("main img, main script").count() == 0


@pytest.mark.parametrize("tab", ["params", "metrics", "data", "code", "environment", "logs", "models", "artifacts"])
def test_no_tab_of_a_run_takes_what_was_logged_for_markup(page: Page, site: Site, tab: str) -> None:
    page.goto(f"/runs/{site.rich_run}/{tab}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(MARKUP)
    assert page.locator("main img, main script").count() == 0
    assert page.title() == f"{MARKUP} · trackback"


@pytest.mark.parametrize("path", ["/", "/experiments/2", "/experiments/2?filter=%3Cscript%3E", "/runs/%3Cscript%3E"])
def test_lists_and_errors_take_nothing_for_markup_either(page: Page, path: str) -> None:
    page.goto(path)
    assert "<" in page.locator("main").inner_text()
    assert page.locator("main img, main script").count() == 0
    assert page.title() != "owned"


def test_files_are_downloaded_and_folders_opened(page: Page, site: Site) -> None:
    page.goto(f"/runs/{site.rich_run}/artifacts")
    page.get_by_role("link", name="plots/").click()
    page.get_by_role("link", name="<b>.svg").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "_b_.svg"  # as Chromium saves it
    assert download.value.path().read_bytes() == b"<svg/>"


def test_a_run_leads_to_the_model_it_made_and_the_model_back(page: Page, site: Site) -> None:
    page.goto(f"/runs/{site.rich_run}")
    page.get_by_role("link", name=site.model).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("net")
    expect(page.locator("main")).to_contain_text(f"models:/{site.model}")
    page.get_by_role("link", name=site.rich_run, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(MARKUP)


@pytest.mark.parametrize("path", ["/runs/none", "/experiments/999", "/models/m-none"])
def test_what_is_not_there_is_said_on_a_page(page: Page, path: str) -> None:
    response = page.goto(path)
    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    expect(page.get_by_role("alert")).not_to_be_empty()


@pytest.mark.parametrize(
    "path",
    ["/", "/experiments/1", "/experiments/x", "/experiments/1?rows=0", "/experiments/1?page_token=x", "/?view=x"],
)
def test_every_page_forbids_what_is_not_its_own(site: Site, path: str) -> None:
    response = httpx.get(site.url + path, trust_env=False)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in response.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["..%2Fpages.py", "none.css", "%2e%2e"])
def test_only_files_of_the_pages_are_served_as_such(site: Site, name: str) -> None:
    assert httpx.get(f"{site.url}/static/{name}", trust_env=False).status_code == 404


def test_a_run_that_used_a_model_and_made_none_has_a_page(page: Page, site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        run_id = post(http, "runs/create", {"experiment_id": site.wine})["run"]["info"]["run_id"]
        post(http, "runs/log-inputs", {"run_id": run_id, "models": [{"model_id": site.model}]})
    page.goto(f"/runs/{run_id}")
    expect(page.get_by_role("link", name=site.model)).to_be_visible()
