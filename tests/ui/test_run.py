"""The pages of a run: a tab for each thing, previews of its files, and what its buttons do."""

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.compat.wire import post
from tests.ui.accessibility import violations
from tests.ui.conftest import Site, begin_run
from tests.ui.full_run import COMMIT, DATA_DIGEST, START_MS, FullRun, log_full_run, log_points


@pytest.fixture(scope="module")
def run(site: Site) -> FullRun:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        return log_full_run(http, site.wine)


def main(page: Page) -> str:
    return page.locator("main").inner_text()


def test_every_tab_has_a_url_and_leads_to_the_others(page: Page, run: FullRun) -> None:
    page.goto(run.url)
    tabs = page.get_by_role("navigation", name="Parts of this page")
    names = [text.split("\n")[0].rstrip("0123456789") for text in tabs.get_by_role("link").all_inner_texts()]
    assert names == [
        *("Overview", "Params", "Metrics", "System", "Data", "Code", "Environment", "Logs", "Models", "Artifacts")
    ]
    for name in names[1:]:
        tabs.get_by_role("link", name=name).click()
        page.wait_for_url(f"**{run.url}/{name.lower()}")
        expect(tabs.locator("[aria-current]")).to_contain_text(name)


def test_the_overview_tells_the_last_least_and_greatest_values(page: Page, run: FullRun) -> None:
    page.goto(run.url)
    row = page.get_by_role("row", name="train/loss")
    assert row.locator("td").all_inner_texts() == ["0.000333222", "0.000333222", "5", "2999"]
    assert "Trees, on all customers." in main(page)
    assert "3min 07s" in main(page)


def test_the_overview_of_a_running_run_is_kept_up_to_date(page: Page, site: Site, fresh: FullRun) -> None:
    page.goto(fresh.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("running")
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        log_points(http, fresh.run_id, "loss", range(2))
        post(http, "runs/update", {"run_id": fresh.run_id, "status": "FINISHED", "end_time": START_MS + 1000})
    expect(page.get_by_role("row", name="loss")).to_contain_text("0.333333", timeout=10_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("finished")


def test_the_runs_that_are_part_of_a_run_are_listed(page: Page, site: Site, fresh: FullRun) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        child = begin_run(http, site.wine, "fold 1", START_MS)
        parent = {"key": "mlflow.parentRunId", "value": fresh.run_id}
        post(http, "runs/log-batch", {"run_id": child, "tags": [parent]})
    page.goto(fresh.url)
    page.get_by_role("link", name="fold 1").click()
    page.wait_for_url(f"**/runs/{child}")


def test_params_are_found_by_a_part_of_name_or_value(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/params")
    page.get_by_label("Name or value").fill("LOGISTIC")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/params?q=LOGISTIC")
    assert page.locator("table.values th").all_inner_texts() == ["objective"]


def test_data_sets_have_their_columns_with_what_is_known_of_them(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/data")
    age = page.get_by_role("row", name="age").locator("td").all_inner_texts()
    assert age[0] == "long"
    assert {"3", "18", "93", "44.5", "43"} <= set(age)
    expect(page.get_by_role("row", name="plan")).to_contain_text("basic (4000), pro (1000)")
    expect(page.get_by_role("link", name=DATA_DIGEST[:12])).to_have_attribute("href", f"/trace?of={DATA_DIGEST}")
    assert page.locator("section.dataset").count() == 1


def test_code_is_its_commit_its_changes_its_script_and_its_notebook(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/code")
    link = page.get_by_role("link", name=COMMIT[:12])
    expect(link).to_have_attribute("href", f"https://github.com/acme/churn/commit/{COMMIT}")
    assert page.locator(".diff .line.added").all_inner_texts() == ["+DEPTH = 7\n"]
    expect(page.locator(".numbered").last).to_contain_text("DEPTH = 7  # the best")
    notebook = page.locator(".notebook")
    expect(notebook.get_by_role("heading", name="Training")).to_be_visible()
    expect(notebook.locator("pre.source")).to_contain_text("model.fit(x, y)")
    expect(notebook.locator(".output")).to_have_text("fitted\n")
    assert notebook.locator("img").evaluate("image => image.complete && image.naturalWidth") == 2
    frame = notebook.frame_locator("iframe")
    notebook.locator("iframe").scroll_into_view_if_needed()
    expect(frame.locator("b")).to_have_text("a table")


def test_the_environment_has_packages_with_versions_and_the_machine(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/environment?q=SCI")
    assert [row.inner_text() for row in page.locator("table.list tbody tr").all()] == ["scikit-learn\t1.6.1"]
    for text in ("3.11.7", "AMD EPYC", "64.0 GB", "NVIDIA A100", "OMP_NUM_THREADS"):
        assert text in main(page)


def test_a_log_is_shown_from_its_end_without_colours_of_terminals(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/logs")
    log = page.locator("#log")
    assert log.inner_text().rstrip().endswith("epoch 19999 ok")
    assert "epoch 0 " not in log.inner_text()


def open_file(page: Page, run: FullRun, name: str) -> None:
    page.goto(f"{run.url}/artifacts?path=reports/{name}")
    expect(page.get_by_role("heading", level=2)).to_contain_text(name)


def test_files_are_found_by_opening_folders(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/artifacts")
    files = page.get_by_role("navigation", name="Files")
    files.get_by_role("link", name="reports/").click()
    files.get_by_role("link", name="shap.json").click()
    expect(page.locator(".tree")).to_contain_text("plans")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "shap.json"
    files.get_by_role("link", name="..", exact=True).click()
    expect(files.get_by_role("link", name="logs/")).to_be_visible()


def test_json_opens_branch_by_branch(page: Page, run: FullRun) -> None:
    open_file(page, run, "shap.json")
    expect(page.get_by_text("pro", exact=True)).not_to_be_visible()
    page.locator("details", has_text="plans").locator("details").nth(2).locator("summary").click()
    expect(page.get_by_text("pro", exact=True)).to_be_visible()


def test_a_csv_is_leafed_through(page: Page, run: FullRun) -> None:
    open_file(page, run, "predictions.csv")
    assert page.locator("thead th").all_inner_texts() == ["Row", "id", "score"]
    for _ in range(2):
        page.get_by_role("link", name="next rows").click()
    expect(page.get_by_label("Pages of the table")).to_contain_text("201–250 of 250")
    assert page.locator("tbody tr").last.locator("td").all_inner_texts() == ["250", "249", "0.249"]


def test_images_are_shown_and_what_only_claims_to_be_one_is_text(page: Page, run: FullRun) -> None:
    open_file(page, run, "confusion.png")
    image = page.locator("main img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 2
    open_file(page, run, "lies.png")
    expect(page.locator("pre.source")).to_contain_text("<script>")
    assert page.title() != "owned"


def test_html_runs_in_a_frame_without_origin_network_or_way_out(browser: Browser, site: Site, run: FullRun) -> None:
    page = browser.new_page(base_url=site.url)  # the frame's policy is broken here, and the console says so
    open_file(page, run, "report.html")
    frame = page.frame_locator("iframe")
    expect(frame.locator("#said")).to_have_text("it ran")
    inner = page.frames[1]
    inner.wait_for_function("() => document.title.includes('alone')")
    assert inner.title() == "SecurityError SecurityError alone"
    assert inner.evaluate("origin") == "null"
    assert page.title() == "gentle-fox-42 · trackback"
    # nor has it one where it is opened by itself
    page.goto(f"{run.url}/frame?path=reports/report.html")
    page.wait_for_function("() => document.title.includes('alone')")
    assert page.evaluate("origin") == "null"
    page.close()


def test_what_has_no_preview_can_be_downloaded(page: Page, run: FullRun) -> None:
    open_file(page, run, "weights.bin")
    expect(page.locator("main")).to_contain_text("No preview of this kind of file")


def test_a_path_that_leads_nowhere_is_said_with_404(page: Page, run: FullRun) -> None:
    response = page.goto(f"{run.url}/artifacts?path=reports/none.txt")
    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("alert")).to_contain_text("none.txt")


def test_where_files_were_shown_before_leads_to_where_they_are(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}?path=reports")
    page.wait_for_url(f"**{run.url}/artifacts?path=reports")


@pytest.fixture
def fresh(site: Site) -> FullRun:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        return FullRun(begin_run(http, site.wine, "to be changed", 1_700_000_000_000), "")


def test_a_run_is_renamed_and_described(page: Page, fresh: FullRun) -> None:
    page.goto(fresh.url)
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Name", exact=True).fill("baseline")
    page.get_by_label("Description", exact=True).fill("The one to beat.\nBy far.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("baseline")
    expect(page.locator(".note")).to_have_text("The one to beat.\nBy far.")


def test_a_name_that_is_refused_is_said_in_the_dialog_and_nothing_typed_is_lost(page: Page, fresh: FullRun) -> None:
    page.goto(fresh.url)
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Name", exact=True).fill("x" * 300)
    page.get_by_label("Description", exact=True).fill("kept")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("250")
    expect(page.get_by_label("Description", exact=True)).to_have_value("kept")


def test_tags_are_set_and_deleted(page: Page, fresh: FullRun) -> None:
    page.goto(fresh.url)
    page.get_by_label("Tag", exact=True).fill("stage of life")
    page.get_by_label("Value", exact=True).fill("young")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("row", name="stage of life")).to_contain_text("young")
    page.get_by_role("button", name="Delete the tag stage of life").click()
    expect(page.get_by_role("row", name="stage of life")).to_have_count(0)


def test_a_run_is_deleted_and_restored(page: Page, fresh: FullRun) -> None:
    page.goto(fresh.url)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the run").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("deleted")
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("deleted")


def test_a_run_is_promoted_and_its_page_says_so(page: Page, site: Site) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        run = log_full_run(http, site.wine)
    page.goto(run.url)
    page.get_by_role("button", name="Promote to staging").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("the best so far")
    page.get_by_role("dialog").get_by_role("button", name="Promote").click()
    page.goto(run.url)
    promotions = page.locator("section", has=page.get_by_role("heading", name="Promotions"))
    expect(promotions).to_contain_text("staging")
    expect(promotions).to_contain_text("the best so far")


def test_a_logged_models_pages_show_what_it_is_and_its_files(page: Page, run: FullRun) -> None:
    page.goto(f"/models/{run.model_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("trees")
    expect(page.get_by_role("row", name="age")).to_contain_text("long")
    expect(page.locator("main")).to_contain_text(f'load_model("models:/{run.model_id}")')
    assert violations(page) == []
    page.get_by_role("link", name="Artifacts").click()
    page.get_by_role("link", name="MLmodel").click()
    expect(page.locator("pre.source")).to_contain_text("sklearn")
    assert violations(page) == []


def test_a_logged_model_is_described_and_tagged(page: Page, run: FullRun) -> None:
    page.goto(f"/models/{run.model_id}")
    page.get_by_role("button", name="Describe").click()
    page.get_by_role("textbox", name="Description").fill("Small trees")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note")).to_have_text("Small trees")
    page.get_by_label("Tag", exact=True).fill("kind")
    page.get_by_label("Value", exact=True).fill("trees")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("row", name="kind")).to_contain_text("trees")
