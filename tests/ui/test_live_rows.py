"""Tables of runs that keep up: with runs that go on, and with new ones."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.compat.wire import post
from tests.servers.threaded import ThreadedServer
from tests.ui.conftest import begin_run, settings


class Trial(NamedTuple):
    """A server with an experiment, whose run `alone` goes on."""

    url: str
    experiment: str
    alone: str
    http: httpx.Client


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with ThreadedServer(settings(tmp_path_factory.mktemp("live"))) as server:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            experiment = str(post(http, "experiments/create", {"name": "trial"})["experiment_id"])
            yield Trial(server.url, experiment, begin_run(http, experiment, "alone", 1_700_000_000_000), http)
        assert "Traceback" not in server.log_text, server.log_text


def begin(site: Trial, name: str, experiment: str = "") -> str:
    return begin_run(site.http, experiment or site.experiment, name, int(time.time() * 1000))


def test_rows_keep_up_with_running_runs_and_new_ones_come(page: Page, site: Trial) -> None:
    page.clock.install()
    page.goto(f"/experiments/{site.experiment}?columns=status&columns=metrics.acc")
    row = page.locator("tbody tr", has_text="alone")
    expect(row).to_contain_text("running")
    page.get_by_label("Select alone", exact=True).check()
    metric = {"run_id": site.alone, "key": "acc", "value": 0.75, "timestamp": 1}
    post(site.http, "runs/log-metric", metric)
    late = begin(site, "late")
    page.clock.run_for(6000)
    expect(row.locator("td").last).to_have_text("0.75")
    expect(page.locator("tbody tr").first).to_contain_text("late")
    expect(page.get_by_label("Select alone")).to_be_checked()
    post(site.http, "runs/delete", {"run_id": late})


def test_new_runs_are_told_where_they_have_no_place_of_their_own(page: Page, site: Trial) -> None:
    page.clock.install()
    page.goto(f"/experiments/{site.experiment}?filter=run_name+LIKE+'late%25'&order_by=metrics.acc+DESC&view=ALL")
    before = page.locator("tbody tr").count()
    late = begin(site, "later")
    page.clock.run_for(16_000)
    page.get_by_role("link", name="1 new run").click()
    expect(page.locator("tbody tr")).to_have_count(before + 1)
    post(site.http, "runs/delete", {"run_id": late})


def test_the_first_run_takes_the_place_of_the_lines_that_make_one(page: Page, site: Trial) -> None:
    empty = str(post(site.http, "experiments/create", {"name": "empty"})["experiment_id"])
    page.clock.install()
    page.goto(f"/experiments/{empty}")
    expect(page.get_by_text("No runs yet")).to_be_visible()
    begin(site, "first of all", empty)
    page.clock.run_for(6000)
    expect(page.locator("tbody tr")).to_contain_text("first of all")


def test_what_is_logged_for_the_first_time_gets_a_column(page: Page, site: Trial) -> None:
    parent = begin(site, "parent")
    child = begin(site, "child")
    post(site.http, "runs/set-tag", {"run_id": child, "key": "mlflow.parentRunId", "value": parent})
    page.clock.install()
    page.goto(f"/experiments/{site.experiment}?nested=yes")
    page.get_by_label("Select parent", exact=True).check()
    page.get_by_role("button", name="1 runs in parent").click()
    expect(page.locator("tbody tr", has_text="child")).to_be_visible()
    page.get_by_role("link", name="parent", exact=True).focus()

    for key in ("never/before", "never: either"):
        post(site.http, "runs/log-metric", {"run_id": parent, "key": key, "value": 0.5, "timestamp": 1})
        page.clock.run_for(6000)
        expect(page.get_by_role("columnheader", name=key)).to_be_visible()
    expect(page.locator("tbody tr", has_text="parent").locator("td", has_text="0.5")).to_have_count(2)
    expect(page.locator("tbody tr", has_text="child")).to_be_visible()
    expect(page.get_by_label("Select parent", exact=True)).to_be_checked()
    expect(page.get_by_role("link", name="parent", exact=True)).to_be_focused()


def test_a_table_is_read_again_for_new_columns_only(page: Page, site: Trial) -> None:
    page.clock.install()
    page.goto(f"/experiments/{site.experiment}")
    for number in range(15):  # more than a table has of a kind
        metric = {"run_id": site.alone, "key": f"m{number:02}", "value": number, "timestamp": 1}
        post(site.http, "runs/log-metric", metric)
    page.clock.run_for(6000)
    expect(page.get_by_role("columnheader", name="m05")).to_be_visible()
    again: list[str] = []
    page.on("request", lambda request: again.append(request.url) if "/rows?" not in request.url else None)
    with page.expect_response("**/rows?**"):
        page.clock.run_for(6000)
    page.clock.run_for(6000)
    assert again == []
