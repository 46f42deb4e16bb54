"""The pages of registered models, their versions and the promotion log."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.compat.wire import post
from tests.ui.conftest import MARKUP, Site

MODEL = "churn"


@pytest.fixture(scope="module")
def registry(site: Site) -> Site:
    """`churn` with three versions: 2 was promoted after 1 and rolled back, 3 has a tag; and a run that waits."""
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        post(http, "registered-models/create", {"name": MODEL, "description": f"Who leaves? {MARKUP}"})
        for _ in range(3):
            run = post(http, "runs/create", {"experiment_id": site.wine})["run"]["info"]
            path = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
            content = b"flavors: {}" + run["run_id"].encode()
            http.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}/model/MLmodel", content=content).raise_for_status()
            post(http, "runs/log-parameter", {"run_id": run["run_id"], "key": "alpha", "value": "0.5"})
            source = {"source": f"{run['artifact_uri']}/model", "run_id": run["run_id"]}
            post(http, "model-versions/create", {"name": MODEL, **source})
        post(http, "model-versions/set-tag", {"name": MODEL, "version": "3", "key": "validated", "value": "yes"})
        for version in (1, 2):
            body = {"subject": f"models:/{MODEL}/{version}", "environment": "production", "reason": f"why {version}"}
            http.post("/api/v1/promotions", json=body).raise_for_status()
        back = {"stream": f"models:/{MODEL}", "environment": "production", "reason": MARKUP}
        http.post("/api/v1/promotions/rollback", json=back).raise_for_status()
        waiting = post(http, "runs/create", {"experiment_id": site.wine})["run"]["info"]["run_id"]
        post(http, "runs/set-tag", {"run_id": waiting, "key": "promote", "value": "true"})
    return site


def test_the_list_of_models_leads_to_their_versions_and_files(page: Page, registry: Site) -> None:
    page.goto("/")
    page.get_by_role("link", name="Models").click()
    page.get_by_role("link", name=MODEL, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(MODEL)
    versions = page.locator("table.list").first
    assert versions.locator("tbody th").all_inner_texts() == ["3", "2", "1"]
    versions.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{MODEL} 1")
    expect(page.get_by_text("alpha")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="MLmodel").click()
    assert download.value.path().read_bytes().startswith(b"flavors: {}")


def test_a_models_page_says_what_is_where_and_how_it_came(page: Page, registry: Site) -> None:
    page.goto(f"/registry/{MODEL}")
    environments = page.locator("section", has=page.get_by_role("heading", name="Environments"))
    expect(environments.locator("tr", has_text="production")).to_contain_text(f"{MODEL} 1")
    log = page.locator("section", has=page.get_by_role("heading", name="Promotions")).locator("tbody tr")
    kinds = [row.locator("td").nth(2).inner_text() for row in log.all()]
    assert kinds == ["rolled back", "promoted", "promoted"]
    assert page.title().startswith(MODEL)


def test_versions_are_filtered_within_their_model(page: Page, registry: Site) -> None:
    page.goto(f"/registry/{MODEL}")
    page.get_by_label("Filter").fill("tags.validated = 'yes' OR version_number = 1")
    page.get_by_role("button", name="Search").click()
    assert page.locator("table.list").first.locator("tbody th").all_inner_texts() == ["3", "1"]
    page.get_by_label("Filter").fill("nonsense")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("alert")).to_contain_text("nonsense")


def test_the_log_has_what_is_in_force_and_what_waits(page: Page, registry: Site) -> None:
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
