"""Charts of metrics: drawn of few points without losing a peak, zoomed into, kept up to date, and readable without."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.ui.conftest import Site, begin_run
from tests.ui.full_run import PEAK, POINTS, START_MS, FullRun, log_full_run, log_points


@pytest.fixture(scope="module")
def run(site: Site) -> FullRun:
    with httpx.Client(base_url=site.url, trust_env=False) as http:
        return log_full_run(http, site.wine)


@pytest.fixture
def http(site: Site) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, trust_env=False) as client:
        yield client


def chart(page: Page, name: str = "train/loss") -> None:
    expect(page.locator(f'.card:has(h3:text-is("{name}")) .chart[data-drawn=""]')).to_be_visible()


def box(page: Page, name: str = "train/loss") -> dict[str, float]:
    found = page.locator(f'.card:has(h3:text-is("{name}")) .chart').bounding_box()
    assert found is not None
    return {"x": found["x"], "y": found["y"], "width": found["width"], "height": found["height"]}


def drag(page: Page, start: float, stop: float) -> None:
    """Over a part of the chart, from a share of its width to another."""
    where = box(page)
    y = where["y"] + where["height"] / 2
    page.mouse.move(where["x"] + start * where["width"], y)
    page.mouse.down()
    page.mouse.move(where["x"] + stop * where["width"], y, steps=5)
    page.mouse.up()


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def is_series(request: Request) -> bool:
    return urlsplit(request.url).path == "/ui/series" and "loss" in request.url


def table(page: Page, name: str = "train/loss") -> list[list[str]]:
    """What a chart's table shows."""
    card = page.locator(f'.card:has(h3:text-is("{name}"))')
    card.get_by_role("button", name="Table").click()
    rows = card.locator(".chart-table tbody tr")
    found = [row.split("\t") for row in rows.all_inner_texts()]
    card.get_by_role("button", name="Table").click()
    return found


def test_a_chart_is_drawn_of_few_points_with_the_peak_among_them(page: Page, run: FullRun) -> None:
    with page.expect_response(lambda answer: is_series(answer.request)) as answer:
        page.goto(f"{run.url}/metrics")
    chart(page)
    (curve,) = answer.value.json()["curves"]
    assert curve["points"] == POINTS
    assert len(curve["values"]) < POINTS / 3
    assert (PEAK, 5.0) in zip(curve["steps"], curve["values"], strict=True)
    expect(page.locator(".card", has_text="train/loss")).to_contain_text("3,000 points, every peak shown")


def test_dragging_over_a_stretch_asks_for_more_of_it_and_the_url_keeps_it(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/metrics")
    chart(page)
    with page.expect_request(is_series) as asked:
        drag(page, 0.5, 0.7)
    start, stop = (float(query(asked.value.url)[name][0]) for name in ("from", "to"))
    assert 0.3 * POINTS < start < stop < 0.8 * POINTS
    assert [float(query(page.url)[name][0]) for name in ("from", "to")] == [start, stop]
    expect(page.locator(".chart-remark").first).to_contain_text("every peak shown")
    steps = [int(row[0]) for row in table(page)]
    assert len([step for step in steps if start <= step <= stop]) > 200
    expect(page.get_by_label("From")).to_have_value(str(int(start)))

    with page.expect_request(is_series) as again:
        page.goto(page.url)
    assert query(again.value.url)["from"] == [str(int(start))]
    chart(page)
    page.mouse.dblclick(box(page)["x"] + 100, box(page)["y"] + 100)
    page.wait_for_url(lambda url: "from=" not in url)


def test_a_stretch_can_be_chosen_without_a_mouse(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/metrics")
    chart(page)
    page.get_by_label("From").fill("1700")
    with page.expect_request(is_series) as asked:
        page.get_by_label("To").fill("1800")
        page.get_by_label("To").press("Tab")
    assert query(asked.value.url)["from"] == ["1700"]
    page.get_by_role("button", name="Whole range").press("Enter")
    page.wait_for_url(lambda url: "from=" not in url)


def test_axis_scale_and_smoothing_are_in_the_url_and_come_back_with_it(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/metrics")
    chart(page)
    with page.expect_request(is_series) as asked:
        page.get_by_label("Over").select_option("relative")
    assert query(asked.value.url)["axis"] == ["relative"]
    page.get_by_label("Log scale").check()
    page.get_by_label("Smoothing").fill("0.6")
    page.wait_for_url("**/metrics?axis=relative&log=1&smooth=0.6")
    page.goto(page.url)
    chart(page)
    expect(page.get_by_label("Log scale")).to_be_checked()
    expect(page.get_by_label("Smoothing")).to_have_value("0.6")
    expect(page.get_by_label("Over")).to_have_value("relative")


def test_values_can_be_read_as_a_table(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/metrics")
    chart(page, "val/auc")
    rows = table(page, "val/auc")
    assert [row[0] for row in rows] == [str(step) for step in range(20)]
    assert rows[0][2] == "0.5"


def test_pointing_at_one_chart_shows_the_values_of_all(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/metrics")
    chart(page)
    chart(page, "val/auc")
    where = box(page, "val/auc")
    page.mouse.move(where["x"] + 100, where["y"] + 100)
    page.mouse.move(where["x"] + 120, where["y"] + 100)
    expect(page.locator(".chart-tip:visible")).to_have_count(2)


def test_a_running_runs_new_points_arrive_without_reload(page: Page, site: Site, http: httpx.Client) -> None:
    live = begin_run(http, site.wine, "live", START_MS)
    log_points(http, live, "loss", range(3))
    page.goto(f"/runs/{live}/metrics")
    chart(page, "loss")
    expect(page.get_by_text("live", exact=False).last).to_be_visible()
    log_points(http, live, "loss", range(3, 5))
    expect(page.locator(".chart")).to_have_attribute("aria-label", "loss: 0.166667 at the end", timeout=30_000)
    assert len(table(page, "loss")) == 5


def test_a_chart_is_drawn_anew_when_the_theme_changes(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/metrics")
    chart(page)
    before = page.locator(".chart canvas").first.evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("button", name="Light or dark").click()
    page.wait_for_function("before => document.querySelector('.chart canvas').toDataURL() !== before", arg=before)


def test_metrics_are_a_table_too_which_needs_no_script(browser: Browser, site: Site, run: FullRun) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{run.url}/metrics")
    page.get_by_role("link", name="Table").click()
    row = page.get_by_role("row", name="train/loss")
    assert row.locator("td").all_inner_texts()[:4] == ["0.000333222", "0.000333222", "5", "2999"]
    context.close()


def test_metrics_are_found_by_a_part_of_their_name(page: Page, run: FullRun) -> None:
    page.goto(f"{run.url}/metrics")
    page.get_by_label("Metrics", exact=True).fill("AUC")
    page.get_by_role("button", name="Show").click()
    chart(page, "val/auc")
    assert page.locator(".chart").count() == 1


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("axis=sideways", "Invalid axis"),
        ("from=3&to=x", "two numbers that rise"),
        ("from=5&to=1", "two numbers that rise"),
        ("intervals=0", "intervals"),
        ("run=../x", "Invalid run ID"),
    ],
)
def test_what_no_chart_asks_for_is_refused(http: httpx.Client, run: FullRun, question: str, message: str) -> None:
    answer = http.get(f"/ui/series?run={run.run_id}&key=train/loss&{question}")
    assert answer.status_code == 400
    assert message in answer.json()["message"]
