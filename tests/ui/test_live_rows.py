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
