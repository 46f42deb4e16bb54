"""What is done with the runs of an experiment that were selected, and with the experiment itself."""

import csv
import io
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
from playwright.sync_api import Page, expect

from tests.ui.conftest import Site
from tests.ui.run_table import names, query, select


def test_the_story_of_an_experiment_to_the_comparison_of_three_runs(page: Page, site: Site) -> None:
    page.goto("/")
    page.get_by_role("link", name="wine", exact=True).click()
    page.get_by_label("Filter").fill("metrics.loss < 0.05")
    page.get_by_label("Filter").press("Enter")
    page.get_by_role("link", name="loss", exact=True).click()
    compare = page.get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    select(page, "run 29", "run 27")
    page.get_by_label("Filter").fill("run_name = 'run 00'")
    page.get_by_label("Filter").press("Enter")
    select(page, "run 00")
    expect(page.get_by_role("status")).to_contain_text("3 selected")
    with page.expect_request("**/compare?**") as asked:
        compare.click()
    assert len(parse_qs(urlsplit(asked.value.url).query)["run"]) == 3
    assert "csrf" not in asked.value.url


def test_runs_are_deleted_and_restored(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    select(page, "run 10", "run 11")
    page.get_by_role("button", name="Delete", exact=True).last.click()
    expect(page.get_by_text("2 runs were deleted.")).to_be_visible()
    assert not {"run 10", "run 11"} & set(names(page))
    page.reload()
    assert page.get_by_text("2 runs were deleted.").count() == 0

    page.get_by_label("Show").select_option("deleted")
    page.get_by_role("button", name="Search").click()
    select(page, "run 10", "run 11")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("2 runs were restored.")).to_be_visible()
    expect(page.get_by_text("No run is like that.")).to_be_visible()


def test_runs_are_tagged_and_what_can_not_be_is_said_with_what_was_typed(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}?filter=metrics.loss+%3C+0.036")
    select(page, "run 28", "run 29")
    page.get_by_role("button", name="Tag").click()
    form = page.locator("section", has=page.get_by_role("heading", name="Set a tag"))
    form.get_by_label("Name").fill("a#b")
    form.get_by_label("Value").fill("the best")
    form.get_by_role("button", name="Set it").click()
    expect(form.get_by_role("alert")).to_contain_text("a#b")
    expect(form.get_by_label("Value")).to_have_value("the best")
    form.get_by_label("Name").fill("verdict")
    form.get_by_role("button", name="Set it").click()

    expect(page.get_by_text("2 runs were tagged verdict=the best.")).to_be_visible()
    assert query(page)["filter"] == ["metrics.loss < 0.036"]
    expect(page.locator("tbody tr", has_text="the best")).to_have_count(2)


def test_an_experiment_is_created_described_deleted_and_restored(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="New experiment").click()
    page.get_by_label("Name", exact=True).fill("wine")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("already exists")
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("fresh")
    page.get_by_role("button", name="Create it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("fresh")
    expect(page.get_by_text('trackback.set_experiment("fresh")')).to_be_visible()

    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Description").fill("what we try")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note")).to_have_text("what we try")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the experiment").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("deleted")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("button", name="Edit")).to_be_visible()


# Exports


def test_all_that_the_filter_matches_is_exported_and_no_more(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}?filter=params.solver+%3D+%27lbfgs%27&order_by=metrics.loss+ASC&rows=25")
    page.get_by_text("Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV, all columns").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    assert download.value.suggested_filename == "wine runs.csv"
    assert [row["run_name"] for row in rows] == [f"run {n:02}" for n in range(27, -1, -3)]
    assert (rows[0]["metrics.loss"], rows[0]["params.solver"]) == (repr(1 / 28), "lbfgs")
    assert rows[0]["start_time"] == "2023-11-14T22:13:20.027Z"


def test_what_is_selected_is_exported_with_the_columns_of_the_table(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}?columns=start_time&columns=metrics.loss&columns=params.solver")
    select(page, "run 03", "run 04")
    page.get_by_text("Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Parquet, these columns").click()
    table = pq.read_table(download.value.path())
    assert table.schema.names == ["run_id", "run_name", "start_time", "metrics.loss", "params.solver"]
    assert sorted(table.column("metrics.loss").to_pylist()) == [0.2, 0.25]
    assert str(table.schema.field("start_time").type) == "timestamp[ms, tz=UTC]"
