"""What tests read off a table of runs, and select in it."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page


def names(page: Page) -> list[str]:
    return page.locator("table.runs tbody th > a:last-of-type").all_inner_texts()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def select(page: Page, *runs: str) -> None:
    for run in runs:
        page.get_by_label(f"Select {run}", exact=True).check()
