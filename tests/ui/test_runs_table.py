"""The table of runs: what is in it, how it is filtered, grouped and arranged, and what is done with selected ones."""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.compat.wire import post
from tests.ui.accessibility import violations_in_both_themes
from tests.ui.conftest import Site, begin_run


class Family(NamedTuple):
    """An experiment with a run `parent` that has two runs in it, and a run of no family, `alone`, that goes on."""

    id: str
    alone: str
    http: httpx.Client


@pytest.fixture(scope="module")
def family(site: Site) -> Iterator[Family]:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        experiment = str(post(http, "experiments/create", {"name": "family"})["experiment_id"])
        parent = begin_run(http, experiment, "parent", 1_700_000_000_000)
        for n, name in enumerate(("first", "second")):
            child = begin_run(http, experiment, name, 1_700_000_000_001 + n)
            post(http, "runs/set-tag", {"run_id": child, "key": "mlflow.parentRunId", "value": parent})
            post(http, "runs/update", {"run_id": child, "status": "FINISHED"})
        post(http, "runs/update", {"run_id": parent, "status": "FINISHED"})
        alone = begin_run(http, experiment, "alone", 1_700_000_000_009)
        metrics = [{"key": "val loss", "value": 1 / (n + 1), "timestamp": n, "step": n} for n in range(50)]
        post(http, "runs/log-batch", {"run_id": alone, "metrics": metrics})
        yield Family(experiment, alone, http)


def names(page: Page) -> list[str]:
    return page.locator("table.runs tbody th > a:last-of-type").all_inner_texts()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def select(page: Page, *runs: str) -> None:
    for run in runs:
        page.get_by_label(f"Select {run}", exact=True).check()


# Filtering


def test_the_filter_offers_names_operators_and_values_that_there_are(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    field, options = page.get_by_label("Filter"), page.locator(".completions").get_by_role("option")
    field.press_sequentially("solv")
    expect(options.filter(has_text="params.solver")).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("params.solver ")
    expect(options.filter(has_text="NOT LIKE")).to_be_visible()
    field.press_sequentially("= 's")
    expect(options).to_have_text(["'sag'"])
    field.press("Tab")
    expect(field).to_have_value("params.solver = 'sag' ")
    expect(options).to_have_text(["AND", "OR"])
    field.press("Escape")
    field.press("Enter")
    page.wait_for_url("**filter=**")
    assert len(names(page)) == 20


def test_a_fault_in_the_filter_is_where_the_cursor_is(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}?filter=metrics.loss+%3C+%27low%27")
    field = page.get_by_label("Filter")
    expect(field).to_be_focused()
    assert field.evaluate("field => field.value.slice(field.selectionStart)") == "'low'"
    expect(page.get_by_role("alert")).to_contain_text("^")


# Columns


def test_columns_are_chosen_ordered_pinned_and_remembered(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}?filter=run_name+%3D+%27run+02%27")
    page.get_by_role("button", name="Columns").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Status", exact=True).uncheck()
    dialog.get_by_label("Took", exact=True).uncheck()
    dialog.get_by_label("min loss").check()
    for _ in range(2):
        dialog.get_by_role("button", name="Started further right").click()
    dialog.get_by_label("Keep in view while scrolling").select_option("1")
    dialog.get_by_role("button", name="Show these").click()

    expect(page.locator("thead tr:last-child th")).to_have_text(["", "Run", "loss", "Started", "solver", "min loss"])
    assert query(page)["columns"] == ["metrics.loss", "start_time", "params.solver", "min(metrics.loss)"]
    assert query(page)["filter"] == ["run_name = 'run 02'"]
    assert page.locator("tbody tr").first.locator("td").all_inner_texts()[1] == "0.333333"
    expect(page.locator("thead th.pinned")).to_have_text(["Run", "loss"])

    page.goto(f"/experiments/{site.wine}")
    expect(page.locator("thead tr:last-child th")).to_have_count(6)
    page.goto(f"/experiments/{site.wine}/columns?{urlsplit(page.url).query}")
    page.get_by_role("link", name="As it was").click()
    expect(page.locator("thead tr:last-child th").nth(2)).to_contain_text("Status")
    assert "columns" not in query(page)


def test_a_curve_shows_how_a_metric_went(page: Page, family: Family) -> None:
    page.goto(f"/experiments/{family.id}?columns=curve(metrics.`val loss`)&columns=max(metrics.`val loss`)")
    row = page.locator("tbody tr", has_text="alone")
    expect(row.locator("svg.spark")).to_have_attribute(
        "aria-label", "val loss: from 1 to 0.02, at least 0.02, at most 1"
    )
    assert row.locator("td").all_inner_texts()[-1] == "1"


def test_what_is_no_column_is_said(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}?columns=nonsense")
    expect(page.get_by_role("alert")).to_contain_text("There is no column 'nonsense'")


# Groups, and runs in runs


def test_groups_have_the_means_of_their_runs_and_unfold(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    page.get_by_label("Group by").select_option("params.solver")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".group-head th")).to_have_text(["lbfgs 10", "sag 20"])
    mean = sum(1 / (n + 1) for n in range(0, 30, 3)) / 10
    expect(page.locator(".group-head").first).to_contain_text(f"{mean:.6g}")

    page.get_by_role("button", name="Runs with lbfgs").click()
    expect(page.locator("tbody tr[data-run]")).to_have_count(10)
    page.get_by_role("button", name="Runs with lbfgs").click()
    expect(page.locator("tbody tr[data-run]")).to_have_count(0)
    page.get_by_role("link", name="lbfgs").click()
    expect(page.get_by_label("Filter")).to_have_value("params.solver = 'lbfgs'")
    assert len(names(page)) == 10


def test_runs_in_a_run_stand_below_it(page: Page, family: Family) -> None:
    page.goto(f"/experiments/{family.id}")
    assert names(page) == ["alone", "second", "first", "parent"]
    page.get_by_label("Runs in runs").select_option("below them")
    page.get_by_role("button", name="Search").click()
    assert names(page) == ["alone", "parent"]
    page.get_by_role("button", name="2 runs in parent").click()
    expect(page.locator("tbody tr")).to_have_count(4)
    assert names(page) == ["alone", "parent", "second", "first"]


# What is selected


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


# For everybody


@pytest.mark.parametrize("path", ["/", "/experiments/1", "/experiments/1?group=params.solver", "/ui/components"])
def test_pages_can_be_used_without_seeing_them(page: Page, site: Site, path: str) -> None:
    page.goto(path)
    assert violations_in_both_themes(page) == []


def test_the_dialog_of_columns_can_be_used_without_seeing_it(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    page.get_by_role("button", name="Columns").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations_in_both_themes(page) == []


@pytest.mark.parametrize("path", ["/", "/experiments/1", "/ui/components", "/runs/none"])
def test_pages_fit_a_phone(page: Page, site: Site, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_keyboard_goes_through_rows_selects_and_opens(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_label("Select run 28", exact=True)).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("run 28")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/promotions")


def test_the_theme_that_was_chosen_stays(page: Page) -> None:
    page.goto("/")
    page.emulate_media(color_scheme="light")
    page.get_by_label("Light or dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 23)"


def test_times_are_those_of_the_readers_zone(page: Page, site: Site) -> None:
    context = page.context.browser
    assert context
    with context.new_context(base_url=site.url, timezone_id="Asia/Tokyo") as elsewhere:
        tab = elsewhere.new_page()
        tab.goto(f"/experiments/{site.wine}?filter=run_name+%3D+%27run+02%27")
        expect(tab.locator("tbody tr time")).to_have_text("2023-11-15 07:13:20")
        expect(tab.locator(".zone")).to_have_text("Asia/Tokyo")
