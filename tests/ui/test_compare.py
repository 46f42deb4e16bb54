"""Runs side by side, in a browser: what differs, charts, code, data and packages."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.compat.wire import post
from tests.servers.threaded import ThreadedServer
from trackback.server.settings import Settings

DIGESTS = ("1" * 64, "2" * 64, "1" * 64)


@dataclass(frozen=True)
class Compared:
    """A server with an experiment of 40 runs, of which the first three kept their code, data and packages."""

    url: str
    experiment: str
    runs: list[str]

    def of(self, *numbers: int, **query: str) -> str:
        named = "&".join(f"{name}={value}" for name, value in query.items())
        return f"/compare?run={','.join(self.runs[number] for number in numbers)}&{named}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    folder = tmp_path_factory.mktemp("compared")
    settings = Settings(
        backend_store_uri=f"sqlite:///{folder}/trackback.db", artifacts_destination=str(folder / "artifacts")
    )
    with ThreadedServer(settings) as server:
        with httpx.Client(base_url=server.url, trust_env=False) as http:
            experiment = str(post(http, "experiments/create", {"name": "boosting"})["experiment_id"])
            yield Compared(server.url, experiment, [train(http, experiment, number) for number in range(40)])
        assert "Traceback" not in server.log_text, server.log_text


def train(http: httpx.Client, experiment: str, number: int) -> str:
    run = post(http, "runs/create", {"experiment_id": experiment, "run_name": f"trial {number}", "start_time": number})
    info = run["run"]["info"]
    points = [{"key": "loss", "value": 1 / (step + number + 1), "timestamp": step, "step": step} for step in range(20)]
    params = {"depth": number % 4 + 3, "solver": "sag" if number % 2 else "lbfgs", "seed": 7}
    batch = {
        "metrics": [*points, {"key": "auc", "value": 0.5 + number / 100, "timestamp": 1}],
        "params": [{"key": key, "value": str(value)} for key, value in params.items()],
        "tags": [{"key": "team", "value": "red"}],
    }
    post(http, "runs/log-batch", {"run_id": info["run_id"], **batch})
    if number < 3:
        keep_code(http, info["artifact_uri"].removeprefix("mlflow-artifacts:"), number)
    post(http, "runs/update", {"run_id": info["run_id"], "status": "FINISHED", "end_time": 60_000 + number})
    return str(info["run_id"])


def keep_code(http: httpx.Client, folder: str, number: int) -> None:
    script = f"from ensemble import Forest\n\ndepth = {number + 3}\nForest(depth).fit()\n".encode()
    columns = [{"name": "age", "type": "int64" if number != 1 else "double"}]
    record = {
        "schema_version": 1,
        "code": {
            "repository": "git@github.com:acme/forest.git",
            "commit": str(number + 1) * 40,
            "script": {"path": "trackback/train.py", "sha256": hashlib.sha256(script).hexdigest()},
        },
        "environment": {"python": "3.11.4", "packages": {"numpy": f"2.{number}.0", "scipy": "1.14"}},
        "datasets": [{"name": "people", "sha256": DIGESTS[number], "schema": {"columns": columns}}],
    }
    for path, content in {"train.py": script, "provenance.json": json.dumps(record).encode()}.items():
        place = f"/api/2.0/mlflow-artifacts/artifacts{folder}/trackback/{path}"
        http.put(place, content=content).raise_for_status()


def rows(page: Page, part: str) -> dict[str, list[str]]:
    """Name and cells of the rows of a table."""
    table = page.get_by_role("region", name=part, exact=True)
    return {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()
    }


def test_only_what_differs_is_shown_side_by_side_with_by_how_much(page: Page, site: Compared) -> None:
    page.goto(site.of(0, 1, 2))
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 3 runs")
    assert rows(page, "Params") == {"depth": ["3", "4", "5"], "solver": ["lbfgs", "sag", "lbfgs"]}
    assert rows(page, "Metrics")["auc"] == ["0.5", "0.51 +0.01", "0.52 +0.02"]
    solver = page.get_by_role("row", name="solver")
    assert solver.locator("td.unlike").all_inner_texts() == ["sag"]
    expect(page.get_by_text("1 is the same in all.").first).to_be_visible()


def test_everything_is_shown_when_asked_for_and_names_are_looked_for(page: Page, site: Compared) -> None:
    page.goto(site.of(0, 1))
    page.get_by_label("Show").select_option("everything")
    page.get_by_role("button", name="Show").click()
    assert rows(page, "Params") == {"depth": ["3", "4"], "seed": ["7", "7"], "solver": ["lbfgs", "sag"]}
    assert rows(page, "Tags")["team"] == ["red", "red"]
    page.get_by_label("Name has").fill("DEPT")
    page.get_by_role("button", name="Show").click()
    assert rows(page, "Params") == {"depth": ["3", "4"]}
    assert parse_qs(urlsplit(page.url).query)["find"] == ["DEPT"]


def test_metrics_are_compared_by_their_least_values_too(page: Page, site: Compared) -> None:
    page.goto(site.of(0, 1, value="max"))
    assert rows(page, "Metrics")["loss"] == ["1", "0.5 −0.5"]


def test_a_run_is_left_out_by_a_click(page: Page, site: Compared) -> None:
    page.goto(site.of(0, 1, 2))
    page.get_by_role("link", name="Leave out trial 1").first.click()
    assert rows(page, "Params") == {"depth": ["3", "5"]}


def test_a_filter_chooses_runs_and_a_window_has_columns(page: Page, site: Compared) -> None:
    page.goto(f"/compare?experiment={site.experiment}&filter=params.solver+%3D+%27sag%27&order_by=metrics.auc")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 20 runs")
    assert rows(page, "Metrics")["auc"][0] == "0.51 … 0.89"
    assert len(rows(page, "Metrics")["auc"]) == 9
    page.get_by_role("link", name="next").click()
    expect(page.get_by_text("Runs 9–16 of 20")).to_be_visible()
    expect(page.get_by_role("link", name="trial 17").first).to_be_visible()


def test_runs_are_chosen_in_a_dialog_by_ids_or_a_filter(page: Page, site: Compared) -> None:
    page.goto("/compare")
    expect(page.get_by_text("Two runs or more can be compared.")).to_be_visible()
    page.get_by_role("button", name="Choose runs").click()
    page.get_by_label("Ids of runs").fill(f"{site.runs[4]}\n{site.runs[5]}")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 2 runs")
    assert "depth" in rows(page, "Params")


def test_what_is_not_there_is_said_and_the_rest_compared(page: Page, site: Compared) -> None:
    page.goto(f"{site.of(0, 1)}run={'f' * 32}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 2 runs")
    expect(page.get_by_text(f"Not there, or not to be read by you: {'f' * 32}.")).to_be_visible()


def test_a_wrong_filter_is_shown_with_the_place_of_its_fault(page: Page, site: Compared) -> None:
    response = page.goto(f"/compare?experiment={site.experiment}&filter=metrics.auc+%3C+%27low%27")
    assert response is not None
    assert response.status == 400
    expect(page.get_by_role("alert")).to_contain_text("metrics.auc < 'low'")


def test_code_is_read_side_by_side_with_a_link_to_the_commits(page: Page, site: Compared) -> None:
    page.goto(site.of(0, 1, tab="code"))
    assert rows(page, "Code")["commit"] == ["1" * 40, "2" * 40]
    expect(page.get_by_role("link", name="Difference of their commits")).to_have_attribute(
        "href", f"https://github.com/acme/forest/compare/{'1' * 40}...{'2' * 40}"
    )
    changed = page.locator("tr.changed")
    assert changed.locator("td").all_inner_texts() == ["3", "depth = 3", "3", "depth = 4"]


def test_any_two_of_several_runs_are_put_beside_each_other(page: Page, site: Compared) -> None:
    page.goto(site.of(0, 1, 2, tab="code"))
    page.get_by_label("Left").select_option("trial 2")
    page.get_by_role("search", name="Choose two runs").get_by_role("button").click()
    assert page.locator("tr.changed td").all_inner_texts() == ["3", "depth = 5", "3", "depth = 4"]


def test_data_and_packages_that_differ_are_told_down_to_the_column(page: Page, site: Compared) -> None:
    page.goto(site.of(0, 1, tab="made-of"))
    assert rows(page, "Packages") == {"numpy": ["2.0.0", "2.1.0"]}
    assert rows(page, "Data sets") == {"people": ["1" * 64, "2" * 64]}
    assert rows(page, "Columns that differ") == {"people: column age": ["int64", "double"]}


def test_curves_of_all_runs_are_drawn_over_each_other(page: Page, site: Compared) -> None:
    page.goto(site.of(0, 1, 2, tab="charts", metric="loss"))
    chart = page.locator(".chart")
    expect(chart).to_have_attribute("data-drawn", "")
    page.get_by_role("button", name="Table").click()
    expect(page.locator(".chart-table tbody tr")).to_have_count(60)


@pytest.mark.parametrize(
    ("tab", "query", "head"),
    [
        (
            "scatter",
            {"x": "params.depth", "y": "metrics.auc", "color": "params.solver"},
            ["run", "depth", "auc", "solver"],
        ),
        ("parallel", {"dim": "params.depth&dim=metrics.auc"}, ["run", "depth", "auc"]),
        ("box", {"y": "metrics.auc", "by": "params.depth"}, ["depth", "runs", "least"]),
    ],
)
def test_charts_of_runs_are_drawn_and_their_numbers_can_be_read(
    page: Page, site: Compared, tab: str, query: dict[str, str], head: list[str]
) -> None:
    page.goto(site.of(*range(8), tab=tab, **query))
    expect(page.locator(".chart")).to_have_attribute("data-drawn", "")
    assert page.locator(".chart canvas").count() == 1
    page.get_by_role("button", name="Table").click()
    table = page.locator(".chart-table")
    assert table.locator("th").all_inner_texts()[: len(head)] == head
    expect(table.locator("tbody tr")).to_have_count(4 if tab == "box" else 8)


def test_a_chart_that_can_not_be_drawn_says_why(browser: Browser, site: Compared) -> None:
    """In a tab of its own: to the browser, an answer of 400 is an error."""
    page = browser.new_page(base_url=site.url)
    page.goto(site.of(0, 1, tab="scatter", x="tags.team", y="metrics.auc"))
    expect(page.locator(".chart")).to_contain_text("There is no field 'tags.team'")
    page.close()


def test_five_hundred_runs_are_a_page_of_a_size_that_a_browser_takes(site: Compared) -> None:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        ids = ",".join(site.runs + [f"{number:032x}" for number in range(460)])
        answer = http.get(f"/compare?run={ids}")
        assert answer.status_code == 200
        assert len(answer.content) < 400_000
        assert http.get(f"/compare?run={ids},{'f' * 32}").status_code == 400


def test_the_page_of_the_command_names_the_same_differences(site: Compared, tmp_path: Path) -> None:
    """Both rest on the same reading of code, data, packages and environment."""
    from trackback.client.transport import Transport  # noqa: PLC0415 - only this test asks as the command does
    from trackback.provenance.differences import compare, read_run  # noqa: PLC0415

    with Transport(site.url) as transport:
        told = compare(*(read_run(transport, run_id) for run_id in site.runs[:2]))
    text = httpx.get(f"{site.url}{site.of(0, 1, tab='made-of')}", trust_env=False).text
    for each in told:
        if each.part in ("package", "data", "environment"):
            assert each.name in text
