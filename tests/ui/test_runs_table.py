"""The table of runs: what is in it, and how it is filtered, grouped and arranged."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.compat.wire import post
from tests.ui.conftest import Site, begin_run
from tests.ui.run_table import names, query


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


def test_columns_move_by_one_however_often_their_dialog_was_opened(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    dialog = page.get_by_role("dialog")
    for _ in range(2):
        page.get_by_role("button", name="Columns").click()
        dialog.get_by_role("button", name="Status further right").click()
        expect(dialog.locator(".picked label").nth(1)).to_have_text("Status")
        dialog.get_by_role("link", name="Close").click()


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
