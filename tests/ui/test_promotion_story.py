"""From a trained model into production and back, in a browser, on a server that knows who acts."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers.accounts import PASSWORD, add_admin
from tests.servers.threaded import ThreadedServer
from tests.ui.accessibility import violations
from tests.ui.delivery_site import MODEL, add_model, build, deploy, own, promote, report, require
from trackback.server.settings import Settings

PEOPLE = {"ann": ["writer", "promoter"], "bob": ["approver"], "eve": ["reader"]}
VERSION = f"/registry/{MODEL}/2"


@dataclass
class Office:
    """A server with people, and a browser for each of them. ``ci`` is what reports to it."""

    server: ThreadedServer
    browser: Browser
    ci: httpx.Client
    complaints: list[str] = field(default_factory=list)

    def log_in(self, name: str) -> Page:
        page = self.browser.new_context(base_url=self.server.url).new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Policy" in said.text else None)
        page.goto(VERSION)
        expect(page).to_have_url(re.compile("/login"))
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(f"{MODEL} 2")
        return page


@pytest.fixture(scope="module")
def office(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Version 1 is in production and live there; 2, of ann's too, is not, and a policy guards the way."""
    folder = tmp_path_factory.mktemp("office")
    uri = f"sqlite:///{folder}/trackback.db"
    add_admin(uri)
    settings = Settings(backend_store_uri=uri, artifacts_destination=str(folder / "artifacts"), auth=True)
    with ThreadedServer(settings) as server, ExitStack() as clients:
        root = clients.enter_context(client(server, "root"))
        for name, roles in PEOPLE.items():
            own(root, "users", {"name": name, "password": PASSWORD, "roles": roles})
        add_model(clients.enter_context(client(server, "ann")))
        first = promote(root, 1)
        deploy(root, first, 1_700_000_000_000, build=build(root, first))
        require(root, verdicts=[{"name": "validation"}], after="staging", approvals={})
        office = Office(server, browser, root)
        yield office
        assert not office.complaints
        assert "Traceback" not in server.log_text


def client(server: ThreadedServer, name: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, auth=(name, PASSWORD), trust_env=False, timeout=30)


def test_a_version_is_refused_approved_promoted_traced_and_rolled_back(office: Office) -> None:
    ann = office.log_in("ann")
    production = ann.locator("article#production")
    expect(production.locator(".points li")).to_have_count(3)

    # Refused, with all that is missing, and nothing that was written is lost.
    production.get_by_role("button", name="Promote…").click()
    dialog = ann.get_by_role("dialog", name="Promote to production")
    dialog.get_by_label("Reason").fill("It finds more of those who leave.")
    dialog.get_by_role("button", name="Promote").click()
    dialog = ann.get_by_role("dialog", name="Promote to production")
    problem = dialog.get_by_role("alert")
    for point in ("verdict 'validation' is missing", "has not been in staging", "0 of the 1 approvals"):
        expect(problem).to_contain_text(point)
    expect(dialog.get_by_label("Reason")).to_have_value("It finds more of those who leave.")
    assert violations(ann) == []
    dialog.get_by_role("link", name="Close").click()

    # One point after the other is met.
    ann.locator("article#staging").get_by_role("button", name="Promote…").click()
    ann.get_by_role("dialog", name="Promote to staging").get_by_role("button", name="Promote").click()
    expect(ann.get_by_role("status").first).to_contain_text(f"{MODEL} 2 is promoted to staging")
    report(office.ci, 2, report={"auc": 0.82, "slices": [{"plan": "a", "auc": 0.8}, {"plan": "b", "auc": 0.84}]})
    ann.reload()
    expect(production.locator(".points li")).to_have_count(1)
    assert production.get_by_role("button", name="Approve…").count() == 0  # of one's own

    bob = office.log_in("bob")
    assert bob.locator("article#production").get_by_role("button", name="Promote…").count() == 0
    bob.locator("article#production").get_by_role("button", name="Approve…").click()
    consent = bob.get_by_role("dialog", name="Approve for production")
    consent.get_by_label("Reason").fill("I looked at the slices.")
    consent.get_by_role("button", name="Approve").click()
    expect(bob.locator("article#production .approvals")).to_contain_text("by bob")

    ann.reload()
    expect(production).to_contain_text("may enter")
    production.get_by_role("button", name="Promote…").click()
    ann.get_by_role("dialog", name="Promote to production").get_by_role("button", name="Promote").click()
    expect(production).to_contain_text("in force")

    # CI builds and deploys it, which the page shows as it comes.
    ann.get_by_role("link", name="Delivery").click()
    expect(ann.get_by_text("CI has reported no build of it")).to_be_visible()
    made = build(office.ci, 3, counter="2")
    expect(ann.locator(".train .stage-name")).to_have_text(["test", "deploy"], timeout=15_000)
    deploy(office.ci, 3, 1_700_000_100_000, build=made)
    expect(ann.locator("table", has_text="https://churn.example/predict")).to_be_visible(timeout=15_000)

    # From the endpoint to the data set.
    ann.get_by_role("link", name="Trace", exact=True).first.click()
    ann.get_by_role("searchbox", name="What is to be traced").fill("https://churn.example/predict")
    ann.get_by_role("button", name="Trace").click()
    graph = ann.locator("svg.graph")
    for text in ("customers", "train 2", f"{MODEL} 2", "production", "churn.example"):
        expect(graph.locator(".name", has_text=text).first).to_be_visible()
    graph.get_by_role("link", name="customers").click()
    expect(ann.locator("main")).to_contain_text("which went into 1 version")

    # And back again.
    ann.goto(VERSION)
    production.get_by_role("button", name="Roll back…").click()
    back = ann.get_by_role("dialog", name="Roll back production")
    back.get_by_label("Reason").fill("It is too slow.")
    back.get_by_role("button", name="Roll back").click()
    expect(ann.get_by_role("status").first).to_contain_text(f"{MODEL} 1 is back in production")
    ann.goto(f"/registry/{MODEL}")
    place = ann.locator(".place-card", has_text="production").first
    expect(place).to_contain_text("live is not what was promoted")
    expect(ann.locator(".timeline li").first).to_contain_text("It is too slow.")


def test_what_is_asked_for_waits_and_may_be_withdrawn(office: Office) -> None:
    add_model(office.ci, 1, "patient")
    require(office.ci, "staging", name="patient", verdicts=[{"name": "smoke"}])
    ann = office.log_in("ann")
    ann.goto("/registry/patient/1")
    ann.locator("article#staging").get_by_role("button", name="Promote…").click()
    dialog = ann.get_by_role("dialog", name="Promote to staging")
    dialog.get_by_label("How").select_option("wait")
    dialog.get_by_role("button", name="Promote").click()
    expect(ann.get_by_role("status").first).to_contain_text("waits to enter staging")
    ann.goto("/promotions?stream=models:/patient")
    waiting = ann.locator("section", has=ann.get_by_role("heading", name="Waiting"))
    expect(waiting).to_contain_text("The verdict 'smoke' is missing")
    waiting.get_by_role("button", name="Withdraw").click()
    expect(ann.get_by_role("heading", name="Waiting")).to_have_count(0)


def test_an_admin_may_override_a_policy_with_a_reason(office: Office) -> None:
    add_model(office.ci, 1, "urgent")
    require(office.ci, "staging", name="urgent", verdicts=[{"name": "smoke"}])
    root = office.log_in("root")
    root.goto("/registry/urgent/1")
    root.locator("article#staging").get_by_role("button", name="Promote…").click()
    dialog = root.get_by_role("dialog", name="Promote to staging")
    dialog.get_by_label("How").select_option("override")
    dialog.get_by_role("button", name="Promote").click()
    dialog = root.get_by_role("dialog", name="Promote to staging")
    expect(dialog.get_by_role("alert")).to_contain_text("needs a reason")
    dialog.get_by_label("Reason").fill("The check is broken.")
    dialog.get_by_role("button", name="Promote").click()
    expect(root.locator("article#staging")).to_contain_text("in force")
    root.goto("/promotions?stream=models:/urgent")
    expect(root.locator("#log table.list tbody tr").first).to_contain_text("overridden")


def test_who_may_only_read_has_nothing_to_press(office: Office) -> None:
    eve = office.log_in("eve")
    for path in (VERSION, f"/registry/{MODEL}", "/promotions"):
        eve.goto(path)
        pressed = eve.locator("main form[method=post] button, main [data-dialog]:not([data-dialog=load])")
        assert pressed.count() == 0


def test_a_new_promotion_appears_in_the_log_by_itself(office: Office) -> None:
    add_model(office.ci, 1, "sudden")
    eve = office.log_in("eve")
    eve.goto("/promotions?stream=models:/sudden")
    expect(eve.get_by_text("new ones appear as they come")).to_be_visible()
    expect(eve.get_by_text("Nothing has been promoted there yet")).to_be_visible()
    promote(office.ci, 1, name="sudden")
    expect(eve.locator("#log table.list tbody tr")).to_have_count(1, timeout=15_000)
    expect(eve.locator("#log table.list tbody tr").first).to_contain_text("why 1")


def test_another_sites_form_promotes_nothing(office: Office, tmp_path: Path) -> None:
    add_model(office.ci, 1, "forged")
    ann = office.log_in("ann")
    forged = tmp_path / "forged.html"
    target = f"{office.server.url}/registry/forged/1/promote/staging"
    forged.write_text(f'<form method="post" action="{target}"><button>Win</button></form>')
    ann.goto(forged.as_uri())
    ann.get_by_role("button", name="Win").click()
    expect(ann.locator("body")).not_to_contain_text("is promoted to staging")
    log = office.ci.get("/api/v1/promotions", params={"stream": "models:/forged"}).json()["promotions"]
    assert log == []
