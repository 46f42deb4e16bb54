"""A server with people, each of whom has a browser."""

from contextlib import ExitStack
from dataclasses import dataclass

import httpx
from playwright.sync_api import Browser, Page, expect

from tests.servers.accounts import PASSWORD
from tests.servers.threaded import ThreadedServer
from tests.ui.conftest import watched


@dataclass
class Office:
    """A server with people, who have a browser each. ``ci`` is what reports to it."""

    server: ThreadedServer
    browser: Browser
    ci: httpx.Client
    stack: ExitStack

    def log_in(self, name: str) -> Page:
        page = self.stack.enter_context(watched(self.browser, self.server.url))
        page.goto("/")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Experiments")
        return page


def client(server: ThreadedServer, name: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, auth=(name, PASSWORD), trust_env=False, timeout=30)
