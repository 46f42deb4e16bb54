"""Lists of experiments and runs: filtered, ordered and paged by their URL."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from tests.ui.conftest import Site


def names(page: Page) -> list[str]:
    return page.locator("table.list tbody th").all_inner_texts()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def search(page: Page, text: str) -> None:
    page.get_by_label("Filter").fill(text)
    page.get_by_role("button", name="Search").click()


def test_the_front_page_lists_experiments_and_leads_to_their_runs(page: Page) -> None:
    page.goto("/")
    assert names(page)[1:] == ["wine", "Default"]
    expect(page.locator("tbody tr", has_text="wine")).to_contain_text("team=red")
    page.get_by_role("link", name="wine", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("wine")
    assert names(page) == [f"run {n:02}" for n in range(29, -1, -1)]


def test_a_row_has_the_runs_params_and_metrics(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    row = page.locator("tbody tr", has_text="run 02")
    assert row.locator("td").all_inner_texts()[1:] == ["finished", "2023-11-14 22:13:20", "1min 02s", "0.333333", "sag"]


def test_a_filter_is_part_of_the_url_and_can_be_sent_to_others(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    search(page, "params.solver = 'lbfgs' AND (metrics.loss < 0.05 OR run_name = 'run 00')")
    assert names(page) == ["run 27", "run 24", "run 21", "run 00"]
    page.goto(page.url)
    assert names(page) == ["run 27", "run 24", "run 21", "run 00"]
    expect(page.get_by_label("Filter")).to_have_value(
        "params.solver = 'lbfgs' AND (metrics.loss < 0.05 OR run_name = 'run 00')"
    )


def test_a_wrong_filter_is_shown_with_the_place_of_its_fault(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    search(page, "metrics.loss < 'low'")
    problem = page.get_by_role("alert")
    expect(problem).to_contain_text("metrics.loss < 'low'")
    text, caret = problem.inner_text().splitlines()[-2:]
    assert text[caret.index("^") :] == "'low'"
    expect(page.get_by_label("Filter")).to_have_value("metrics.loss < 'low'")
    expect(page.get_by_label("Filter")).to_have_attribute("aria-invalid", "true")


def test_a_click_on_a_heading_orders_by_it_and_another_the_other_way(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}?filter=params.solver+%3D+%27lbfgs%27")
    page.get_by_role("link", name="loss").click()
    assert names(page)[:2] == ["run 00", "run 03"]
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("loss")
    page.get_by_role("link", name="loss").click()
    assert names(page)[:2] == ["run 27", "run 24"]
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("loss")
    assert query(page) == {"filter": ["params.solver = 'lbfgs'"], "order_by": ["metrics.loss ASC"]}


def test_pages_follow_each_other_and_lead_back(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    page.get_by_label("Rows").select_option("25")
    page.get_by_role("button", name="Search").click()
    assert len(names(page)) == 25
    page.get_by_role("link", name="next").click()
    assert names(page) == [f"run {n:02}" for n in range(4, -1, -1)]
    expect(page.locator(".pager")).to_contain_text("26–30")
    assert page.get_by_role("link", name="next").count() == 0
    page.get_by_role("link", name="previous").click()
    assert names(page)[0] == "run 29"
    assert query(page) == {"rows": ["25"]}


def test_deleted_runs_are_shown_when_asked_for(page: Page, site: Site) -> None:
    deleted = page.request.post(
        "/api/2.0/mlflow/runs/create", data={"experiment_id": "0", "run_name": "gone", "start_time": 1}
    )
    page.request.post("/api/2.0/mlflow/runs/delete", data={"run_id": deleted.json()["run"]["info"]["run_id"]})
    page.goto("/experiments/0")
    expect(page.get_by_text("No runs yet.")).to_be_visible()
    page.get_by_label("Show").select_option("deleted")
    page.get_by_role("button", name="Search").click()
    assert names(page) == ["gone"]


def test_links_that_mlflows_clients_print_lead_to_the_same_here(page: Page, site: Site) -> None:
    page.goto(f"/#/experiments/{site.wine}/runs/{site.rich_run}")
    page.wait_for_url(f"**/runs/{site.rich_run}")
    page.goto(f"/#/experiments/{site.wine}")
    page.wait_for_url(f"**/experiments/{site.wine}")


def test_colours_follow_the_readers_system(page: Page) -> None:
    grounds = []
    page.goto("/")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(16, 19, 23)"]
