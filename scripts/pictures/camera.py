"""A browser in which people of the story look at pages, and what it takes pictures of."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from playwright.sync_api import Browser, Page, expect, sync_playwright

from scripts.pictures.places import Places
from scripts.pictures.workplace import ROOT
from tests.servers.accounts import PASSWORD
from tests.ui.conftest import CHROMIUMS, FLAGS, wait_for_charts

MOST_BYTES = 150_000
SETTLED_MS = 500
PATIENCE_MS = 120_000
HEIGHT = """Math.max(
    document.documentElement.scrollHeight, (document.querySelector("dialog[open]")?.scrollHeight ?? 0) + 80
)"""
"""Of the page, or of the dialog that stands over it."""


class Shot(NamedTuple):
    """``path`` may name fields of ``Places``; ``who`` looks, nobody if empty; ``act`` is what they do there first.

    As high as the page, but from ``least`` to ``most`` pixels.
    """

    name: str
    path: str
    who: str = "root"
    act: Callable[[Page], None] | None = None
    dark: bool = False
    width: int = 1280
    least: int = 480
    most: int = 860


class Camera:
    """Leaves the pictures in ``into``; they are made small when all are taken."""

    def __init__(self, port: int, host: str, into: Path) -> None:
        self._url = f"http://{host}"
        self._rule = f"--host-resolver-rules=MAP {host} 127.0.0.1:{port}"
        self._into = into
        self._taken: list[Path] = []
        self._pages: dict[tuple[str, bool], Page] = {}

    def __enter__(self) -> Self:
        self._playwright = sync_playwright().start()
        found = next(each for each in CHROMIUMS if each.exists())
        flags = [*FLAGS.split(), self._rule]
        self._browser: Browser = self._playwright.chromium.launch(executable_path=found, args=flags)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._browser.close()
        self._playwright.stop()
        if self._taken:
            _make_small(self._taken)

    def take(self, shot: Shot, places: Places) -> None:
        page = self._page(shot.who, shot.dark)
        page.set_viewport_size({"width": shot.width, "height": shot.most})
        page.goto(shot.path.format(**places._asdict()))
        wait_for_charts(page)
        if shot.act:
            shot.act(page)
        page.set_viewport_size({"width": shot.width, "height": shot.least})
        height = page.evaluate(HEIGHT)
        page.set_viewport_size({"width": shot.width, "height": max(shot.least, min(height, shot.most))})
        page.wait_for_timeout(SETTLED_MS)
        wait_for_charts(page)
        file = self._into / f"{shot.name}.png"
        page.screenshot(path=file)
        page.evaluate("sessionStorage.clear()")
        self._taken.append(file)

    def _page(self, who: str, dark: bool) -> Page:
        """A tab of that person, which is kept for the next picture."""
        if (who, dark) not in self._pages:
            context = self._browser.new_context(
                base_url=self._url,
                color_scheme="dark" if dark else "light",
                timezone_id="Europe/Berlin",
                reduced_motion="reduce",
            )
            context.set_default_timeout(PATIENCE_MS)
            self._pages[who, dark] = context.new_page()
            if who:
                _sign_in(self._pages[who, dark], who)
        return self._pages[who, dark]


def _sign_in(page: Page, who: str) -> None:
    page.goto("/login")
    page.get_by_label("User name").fill(who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Experiments", timeout=PATIENCE_MS)


def _make_small(files: list[Path]) -> None:
    """As few colours as the eye takes for all of them. Pillow is where matplotlib is."""
    python = ROOT / ".venvs" / "libraries" / "bin" / "python"
    subprocess.run([python, Path(__file__).parent / "palette.py", *files], check=True)
    if large := [f"{file.name}: {size}" for file in files if (size := file.stat().st_size) > MOST_BYTES]:
        raise SystemExit(f"A picture may have {MOST_BYTES} bytes: {', '.join(large)}")
