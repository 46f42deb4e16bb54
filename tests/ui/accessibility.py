"""What axe-core finds wrong with a page, for those who can't see it, or can't use a mouse."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _axe() -> str:
    return _AXE.read_text()


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """A line each: the rule, what it wants, and where it is not so. Of all rules, or of some."""
    if not page.evaluate("'axe' in window"):  # a page that was looked at before, in other colours, has it still
        page.evaluate(_axe())
    wanted = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": _TAGS}
    options = {"runOnly": wanted, "preload": False, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{each['id']}: {each['help']}: {', '.join(str(node['target']) for node in each['nodes'][:5])}"
        for each in found["violations"]
    ]


def violations_in_both_themes(page: Page) -> list[str]:
    """All in light; in dark, what colours may do."""
    page.emulate_media(color_scheme="light")
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    return found + [f"dark: {each}" for each in violations(page, ["color-contrast"])]
