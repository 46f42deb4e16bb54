"""The pages of registered models, their versions, the promotion log, deployments and traces, where all may do all."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.compat.wire import get, post
from tests.servers.threaded import ThreadedServer
from tests.ui.accessibility import violations_in_both_themes
from tests.ui.conftest import MARKUP, Site, furnish
from tests.ui.delivery_site import COMMIT, ENDPOINT, MODEL, add_model, build, deploy, own, promote, report
from trackback.server.settings import Settings

FIRST_MS, SECOND_MS = 1_700_000_000_000, 1_700_000_100_000
PATHS = (
    "/registry",
    f"/registry/{MODEL}",
    f"/registry/{MODEL}/2",
    f"/registry/{MODEL}/2/changes",
    f"/registry/{MODEL}/2/delivery",
    f"/registry/{MODEL}/2/provenance",
    f"/registry/{MODEL}/2/artifacts?path=MLmodel",
    "/promotions",
    "/promotions/1",
    "/deployments",
    "/deployments?at=2023-11-14T22:13:30Z",
    "/deployments/1",
    "/trace",
    f"/trace?of=models:/{MODEL}/2",
    "/trace?of=datasets/customers",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`churn` with three versions: 1, then 2 were promoted and deployed, and 2 rolled back; a run waits."""
    folder = tmp_path_factory.mktemp("registry")
    settings = Settings(
        backend_store_uri=f"sqlite:///{folder}/trackback.db", artifacts_destination=str(folder / "files")
    )
    with ThreadedServer(settings) as server:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            site = furnish(http, server.url)
            add_model(http, 3)
            post(http, "model-versions/set-tag", {"name": MODEL, "version": "3", "key": "validated", "value": MARKUP})
            for version, started in ((1, FIRST_MS), (2, SECOND_MS)):
                seq = promote(http, version)
                deploy(http, seq, started, build=build(http, seq, counter=str(version)))
            own(
                http,
                "promotions/rollback",
                {"stream": f"models:/{MODEL}", "environment": "production", "reason": MARKUP},
            )
            delta = {"against": "models:/churn/1", "metrics": [{"name": "auc", "change": 0.01}], "note": MARKUP}
            report(http, 2, "delta", report=delta, url="https://ci.example/delta")
            report(http, 2, "validation", passed=False)
            waiting = post(http, "runs/create", {"experiment_id": site.wine})["run"]["info"]["run_id"]
            post(http, "runs/set-tag", {"run_id": waiting, "key": "promote", "value": "true"})
        yield site
        assert "Traceback" not in server.log_text


@pytest.mark.parametrize("path", PATHS)
def test_each_page_can_be_used_by_everybody(page: Page, path: str) -> None:
    response = page.goto(path)
    assert response
    assert response.status == 200
    assert violations_in_both_themes(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


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
