"""What holds for whoever looks: on a phone, by the keyboard, in their own time zone."""

from playwright.sync_api import Page, expect

from tests.ui.accessibility import violations_in_both_themes
from tests.ui.conftest import Site
from trackback.server.ui.frame import assets, formats


def test_the_dialog_of_columns_can_be_used_without_seeing_it(page: Page, site: Site) -> None:
    page.goto(f"/experiments/{site.wine}")
    page.get_by_role("button", name="Columns").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations_in_both_themes(page) == []


def test_a_page_of_an_error_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/runs/{'x' * 300}")
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


def test_runs_are_found_and_compared_by_the_keyboard_alone(page: Page, site: Site) -> None:
    page.goto("/registry")
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url("**/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("wine")
    page.keyboard.press("f")
    page.keyboard.type("metrics.loss < 0.05")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url("**filter=**")
    for key in ("j", "x", "j", "x", "c"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 2 runs")


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


def test_how_long_ago_is_told_in_the_same_words_by_the_server_and_by_the_script(page: Page, site: Site) -> None:
    """Else the page would jump when the script takes over."""
    day_ms = 86_400_000
    page.goto("/ui/components")
    for ago in (
        3000,
        240_000,
        5 * 3_600_000,
        day_ms,
        9 * day_ms,
        40 * day_ms,
        100 * day_ms,
        400 * day_ms,
        900 * day_ms,
    ):
        now_ms = 1_764_000_000_000
        script = f"""import("{assets.url("times.js")}").then(times => {{
            Date.now = () => {now_ms};
            return times.since(new Date({now_ms - ago}));
        }})"""
        assert page.evaluate(script) == formats.since(now_ms - ago, now_ms)
