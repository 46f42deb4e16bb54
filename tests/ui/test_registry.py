"""The pages of registered models and their versions, where all may do all."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.compat.wire import get
from tests.ui.conftest import Site
from tests.ui.delivery_site import MODEL, add_model, served_registry


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served_registry(tmp_path_factory.mktemp("registry")) as site:
        yield site


def test_the_list_of_models_leads_to_their_versions_and_files(page: Page) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Models").click()
    row = page.locator("tbody tr", has_text=MODEL)
    expect(row).to_contain_text("production 1")
    row.get_by_role("link", name=MODEL, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(MODEL)
    versions = page.get_by_role("region", name="Versions")
    assert versions.locator("tbody th").all_inner_texts() == ["3", "2", "1"]
    versions.get_by_role("link", name="2", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{MODEL} 2")
    page.get_by_role("link", name="Files").click()
    page.get_by_role("link", name="MLmodel").click()
    expect(page.locator("main")).to_contain_text("tensor-spec")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes().startswith(b"flavors:")


def test_a_models_page_says_what_is_where_and_how_it_came(page: Page) -> None:
    page.goto(f"/registry/{MODEL}")
    place = page.locator(".place-card", has_text="production")
    expect(place).to_contain_text(f"{MODEL} 1")
    expect(place).to_contain_text("live is not what was promoted")
    expect(place.locator(".live-at")).to_contain_text(f"{MODEL} 2")
    kinds = page.locator(".timeline li .badge").all_inner_texts()
    assert kinds == ["rolled back", "promoted", "promoted"]
    assert page.title().startswith(MODEL)


def test_versions_are_filtered_within_their_model(page: Page) -> None:
    page.goto(f"/registry/{MODEL}")
    page.get_by_role("searchbox", name="Filter").fill("version_number = 3 OR version_number = 1")
    page.get_by_role("button", name="Search").click()
    assert page.get_by_role("region", name="Versions").locator("tbody th").all_inner_texts() == ["3", "1"]
    page.get_by_role("searchbox", name="Filter").fill("nonsense")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("alert")).to_contain_text("nonsense")


def test_code_that_loads_a_version_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/registry/{MODEL}/2")
    page.get_by_role("button", name="Load it").click()
    dialog = page.get_by_role("dialog", name="Load this version")
    dialog.get_by_role("button", name="Copy the code").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f'trackback.load_model("models:/{MODEL}/2")' in copied
    assert page.url.removesuffix(f"/registry/{MODEL}/2") in copied


def test_a_version_tells_its_signature_its_verdicts_and_what_they_found(page: Page) -> None:
    page.goto(f"/registry/{MODEL}/2")
    signature = page.locator("section", has=page.get_by_role("heading", name="Signature"))
    assert signature.locator("tbody tr").all_inner_texts() == [
        "tenure\tdouble",
        "plan optional\tstring",
        "0\tint64 (-1)",
    ]
    verdicts = page.locator("section", has=page.get_by_role("heading", name="Verdicts"))
    expect(verdicts.locator("tbody tr", has_text="validation").first).to_contain_text("failed")
    verdicts.get_by_text("What delta found").click()
    expect(verdicts.get_by_role("cell", name="0.01")).to_be_visible()


def test_changes_are_those_from_what_is_live_or_any_other_version(page: Page) -> None:
    page.goto(f"/registry/{MODEL}/3/changes")
    expect(page.get_by_label("Compared with")).to_have_value("2")
    expect(page.get_by_label("Compared with").locator("option:checked")).to_contain_text("live in production")
    page.get_by_label("Compared with").select_option("1")
    page.get_by_role("button", name="Compare").click()
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in page.locator(".changes tbody tr").all_inner_texts()}
    assert rows["auc"] == ["0.81", "0.83", "+0.02"]
    assert rows["alpha"] == ["0.1", "0.3"]
    assert rows["numpy"] == ["1.26.1", "1.26.3"]
    assert rows["customers (training)"] == ["cafe0001", "cafe0003"]
    assert "solver" not in rows


def test_a_delta_report_stands_with_the_changes(page: Page) -> None:
    page.goto(f"/registry/{MODEL}/2/changes")
    card = page.locator(".card", has=page.get_by_role("heading", name="delta"))
    expect(card).to_contain_text("0.01")
    expect(card.get_by_role("link", name="the whole report")).to_have_attribute("href", "https://ci.example/delta")


def test_a_run_registers_its_model_and_leads_to_the_version(page: Page, site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        run_id = get(http, "model-versions/get", name=MODEL, version="1")["model_version"]["run_id"]
    page.goto(f"/runs/{run_id}/models")
    page.get_by_role("button", name="Register a model…").click()
    dialog = page.get_by_role("dialog", name="Register a model of this run")
    dialog.get_by_label("Registered model").fill("fresh")
    dialog.get_by_label("Folder").fill("nowhere")
    dialog.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("fresh 1")
    expect(page.get_by_role("heading", level=1)).to_contain_text("unverified")
    page.goto(f"/runs/{run_id}/models")
    page.get_by_role("button", name="Register a model…").click()
    dialog.get_by_label("Registered model").fill("fresh")
    dialog.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("fresh 2")


def test_a_version_is_described_named_tagged_and_deleted_on_its_page(page: Page, site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        add_model(http, 1, "passing")
    page.goto("/registry/passing/1")
    page.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog", name="Edit passing 1")
    dialog.get_by_label("Description").fill("For those who stay.")
    dialog.get_by_role("button", name="Keep the description").click()
    expect(page.locator(".note").first).to_have_text("For those who stay.")
    page.get_by_role("button", name="Edit").click()
    dialog.get_by_label("Alias").fill("v1")
    dialog.get_by_role("button", name="Have it name this version").click()
    expect(page.get_by_role("dialog", name="Edit passing 1").get_by_role("alert")).to_contain_text("v1")
    page.get_by_role("dialog", name="Edit passing 1").get_by_label("Alias").fill("champion")
    page.get_by_role("dialog", name="Edit passing 1").get_by_role("button", name="Have it name").click()
    expect(page.locator(".facts")).to_contain_text("champion")
    page.get_by_label("Tag", exact=True).fill("team")
    page.get_by_label("Value").fill("red")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("row", name="team")).to_contain_text("red")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog", name="Delete passing 1").get_by_role("button", name="Delete the version").click()
    expect(page.get_by_role("status").first).to_contain_text("Version 1 was deleted")
    expect(page.get_by_text("It has no version yet")).to_be_visible()


def test_what_users_wrote_is_never_markup(page: Page) -> None:
    for path in (f"/registry/{MODEL}", f"/registry/{MODEL}/2/changes", f"/registry/{MODEL}/3", "/promotions"):
        page.goto(path)
        assert page.title() != "owned"
        expect(page.locator("main")).to_contain_text("<script>")
