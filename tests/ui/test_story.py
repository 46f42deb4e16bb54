"""From trained models into production and back, in a browser, on a server that knows who acts."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.servers.accounts import PASSWORD, add_admin
from tests.servers.threaded import ThreadedServer
from tests.ui.accessibility import violations
from tests.ui.delivery_site import ENDPOINT, MODEL, add_model, build, deploy, own, promote, report, require, train
from tests.ui.office import Office, client
from trackback.server.settings import Settings

LATE_MS = 30_000
"""What comes by itself takes until the page asks again."""

PEOPLE = {"ann": ["writer", "promoter"], "bob": ["approver"], "eve": ["reader"]}


@pytest.fixture(scope="module")
def office(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Version 1 is in production and live there; of what ann has trained since nothing is, and a policy guards the way.

    Her runs are 2 to 9, the better the later, and those with odd numbers had another solver.
    """
    folder = tmp_path_factory.mktemp("office")
    uri = f"sqlite:///{folder}/trackback.db"
    add_admin(uri)
    settings = Settings(backend_store_uri=uri, artifacts_destination=str(folder / "artifacts"), auth=True)
    with ThreadedServer(settings) as server, ExitStack() as stack:
        root = stack.enter_context(client(server, "root"))
        for name, roles in PEOPLE.items():
            own(root, "users", {"name": name, "password": PASSWORD, "roles": roles})
        ann = stack.enter_context(client(server, "ann"))
        experiment = add_model(ann, 1).experiment
        for number in range(2, 10):
            train(ann, experiment, number, "lbfgs" if number % 2 else "sag")
        first = promote(root, 1)
        deploy(root, first, 1_700_000_000_000, build=build(root, first))
        require(root, verdicts=[{"name": "validation"}], after="staging", approvals={})
        yield Office(server, browser, root, stack)
        assert "Traceback" not in server.log_text, server.log_text


@pytest.mark.timeout(300)
def test_the_best_run_is_found_promoted_once_the_policy_lets_it_traced_and_rolled_back(office: Office) -> None:
    ann = office.log_in("ann")
    open_the_best_run(ann)
    register_its_model(ann)
    production = be_refused(ann)

    # One point after the other is met.
    ann.locator("article#staging").get_by_role("button", name="Promote…").click()
    ann.get_by_role("dialog", name="Promote to staging").get_by_role("button", name="Promote").click()
    expect(ann.get_by_role("status").first).to_contain_text(f"{MODEL} 2 is promoted to staging")
    report(office.ci, 2, report={"auc": 0.89, "slices": [{"plan": "a", "auc": 0.8}, {"plan": "b", "auc": 0.84}]})
    ann.reload()
    expect(production.locator(".points li")).to_have_count(1)
    assert production.get_by_role("button", name="Approve…").count() == 0  # of one's own
    approve(office.log_in("bob"))

    ann.reload()
    expect(production).to_contain_text("may enter")
    production.get_by_role("button", name="Promote…").click()
    ann.get_by_role("dialog", name="Promote to production").get_by_role("button", name="Promote").click()
    expect(production).to_contain_text("in force")

    # CI builds and deploys it, which the page shows as it comes.
    ann.get_by_role("link", name="Delivery").click()
    expect(ann.get_by_text("CI has reported no build of it")).to_be_visible()
    made = build(office.ci, 3, counter="2")
    expect(ann.locator(".train .stage-name")).to_have_text(["test", "deploy"], timeout=LATE_MS)
    deploy(office.ci, 3, 1_700_000_100_000, build=made)
    expect(ann.locator("table", has_text=ENDPOINT)).to_be_visible(timeout=LATE_MS)

    follow_to_the_data(ann)
    roll_back(ann)
    demote(ann)


def open_the_best_run(page: Page) -> None:
    page.get_by_role("link", name=f"{MODEL} trainings").click()
    page.get_by_label("Filter").fill("params.solver = 'lbfgs'")
    page.get_by_role("button", name="Search").click()
    runs = page.locator("table.runs tbody th")
    expect(runs).to_have_count(4)
    page.get_by_role("columnheader", name="auc").get_by_role("link").click()
    expect(runs).to_have_text(["train 9", "train 7", "train 5", "train 3"])
    for name in ("train 9", "train 7", "train 5"):
        page.get_by_label(f"Select {name}", exact=True).check()
    page.get_by_role("button", name="Compare").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Compare 3 runs")
    auc = page.get_by_role("region", name="Metrics").get_by_role("row", name="auc")
    expect(auc.get_by_role("cell")).to_have_text(["0.89", "0.87 −0.02", "0.85 −0.04"])
    page.get_by_role("link", name="Charts").click()
    expect(page.locator(".chart canvas").first).to_be_visible()
    page.go_back()
    page.get_by_role("region", name="Metrics").get_by_role("link", name="train 9", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("train 9")


def register_its_model(page: Page) -> None:
    page.get_by_role("navigation", name="Parts of this page").get_by_role("link", name="Models").click()
    page.get_by_role("button", name="Register a model…").click()
    dialog = page.get_by_role("dialog", name="Register a model of this run")
    dialog.get_by_label("Registered model").fill(MODEL)
    dialog.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{MODEL} 2")


def be_refused(page: Page) -> Locator:
    """With all that is missing, and nothing that was written is lost. What the page says of production."""
    production = page.locator("article#production")
    expect(production.locator(".points li")).to_have_count(3)
    production.get_by_role("button", name="Promote…").click()
    dialog = page.get_by_role("dialog", name="Promote to production")
    dialog.get_by_label("Reason").fill("It finds more of those who leave.")
    dialog.get_by_role("button", name="Promote").click()
    problem = dialog.get_by_role("alert")
    for point in ("verdict 'validation' is missing", "has not been in staging", "0 of the 1 approvals"):
        expect(problem).to_contain_text(point)
    expect(dialog.get_by_label("Reason")).to_have_value("It finds more of those who leave.")
    assert violations(page) == []
    dialog.get_by_role("link", name="Close").click()
    return production


def approve(page: Page) -> None:
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Models").click()
    page.get_by_role("link", name=MODEL, exact=True).click()
    page.get_by_role("region", name="Versions").get_by_role("link", name="2", exact=True).click()
    production = page.locator("article#production")
    production.get_by_role("button", name="Approve…").click()
    assert production.get_by_role("button", name="Promote…").count() == 0
    consent = page.get_by_role("dialog", name="Approve for production")
    consent.get_by_label("Reason").fill("I looked at the slices.")
    consent.get_by_role("button", name="Approve").click()
    expect(production.locator(".approvals")).to_contain_text("by bob")


def follow_to_the_data(page: Page) -> None:
    """From the endpoint."""
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Trace").click()
    page.get_by_role("searchbox", name="What is to be traced").fill(ENDPOINT)
    page.get_by_role("button", name="Trace").click()
    graph = page.locator("svg.graph")
    for text in ("customers", "train 9", f"{MODEL} 2", "production", "churn.example"):
        expect(graph.locator(".name", has_text=text).first).to_be_visible()
    graph.get_by_role("link", name="customers").click()
    expect(page.locator("main")).to_contain_text("which went into 1 version")


def roll_back(page: Page) -> None:
    page.locator("svg.graph").get_by_role("link", name=f"{MODEL} 2 (sha256").click()
    page.locator("article#production").get_by_role("button", name="Roll back…").click()
    dialog = page.get_by_role("dialog", name="Roll back production")
    dialog.get_by_label("Reason").fill("It is too slow.")
    dialog.get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{MODEL} 1 is back in production")
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name=MODEL).click()
    expect(page.locator(".place-card", has_text="production").first).to_contain_text("live is not what was promoted")
    expect(page.locator(".timeline li").first).to_contain_text("It is too slow.")


def demote(page: Page) -> None:
    """On the model's page."""
    staging = page.locator(".place-card", has_text="staging").first
    staging.get_by_role("button", name="Demote…").click()
    dialog = page.get_by_role("dialog", name="Demote from staging")
    dialog.get_by_label("Reason").fill("Nothing is left to try.")
    dialog.get_by_role("button", name="Demote").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{MODEL} 2 has left staging")
    expect(staging.get_by_role("button", name="Demote…")).to_have_count(0)
    expect(page.locator(".timeline li").first).to_contain_text("Nothing is left to try.")


def promote_to_staging(page: Page, model: str, *, how: str) -> None:
    page.goto(f"/registry/{model}/1")
    page.locator("article#staging").get_by_role("button", name="Promote…").click()
    dialog = page.get_by_role("dialog", name="Promote to staging")
    dialog.get_by_label("How").select_option(how)
    dialog.get_by_role("button", name="Promote").click()


def test_what_is_asked_for_waits_and_may_be_withdrawn(office: Office) -> None:
    add_model(office.ci, 1, "patient")
    require(office.ci, "staging", name="patient", verdicts=[{"name": "smoke"}])
    ann = office.log_in("ann")
    promote_to_staging(ann, "patient", how="wait")
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
    promote_to_staging(root, "urgent", how="override")
    dialog = root.get_by_role("dialog", name="Promote to staging")
    expect(dialog.get_by_role("alert")).to_contain_text("needs a reason")
    dialog.get_by_label("Reason").fill("The check is broken.")
    dialog.get_by_role("button", name="Promote").click()
    expect(root.locator("article#staging")).to_contain_text("in force")
    root.goto("/promotions?stream=models:/urgent")
    expect(root.locator("#log table.list tbody tr").first).to_contain_text("overridden")


def test_an_admin_sets_a_policy_and_removes_it(office: Office) -> None:
    admin = office.log_in("root")
    admin.goto("/settings")
    find = admin.get_by_role("search", name="Find a policy")
    find.get_by_label("Of").fill(f"models:/{MODEL}")
    find.get_by_label("For").select_option("staging")
    find.get_by_role("button").click()
    admin.get_by_role("button", name="Set a policy…").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Verdict 1", exact=True).fill("fairness")
    dialog.get_by_label("At most days old, verdict 1").fill("soon")
    dialog.get_by_label("the model has a signature").check()
    dialog.get_by_role("button", name="Set the policy").click()
    expect(dialog.get_by_role("alert")).to_contain_text("'soon', which is no number of days")
    expect(dialog.get_by_label("Verdict 1", exact=True)).to_have_value("fairness")
    expect(dialog.get_by_label("the model has a signature")).to_be_checked()
    assert violations(admin) == []
    dialog.get_by_label("At most days old, verdict 1").fill("30")
    dialog.get_by_label("Only if reported by, verdict 1").fill("ci, nightly")
    dialog.get_by_label("Approvals by others than the authors").fill("2")
    dialog.get_by_role("button", name="Set the policy").click()
    expect(admin.get_by_role("heading", name="Revision 1")).to_contain_text("in force")

    place = {"stream": f"models:/{MODEL}", "environment": "staging"}
    kept = office.ci.get("/api/v1/policies/in-force", params=place).json()["policy"]["document"]
    assert kept["verdicts"] == [{"name": "fairness", "max_age_days": 30, "reporters": ["ci", "nightly"]}]
    assert (kept["approvals"]["count"], kept["metadata"]) == (2, ["signature"])

    eve = office.log_in("eve")
    eve.goto(admin.url)
    expect(eve.get_by_role("heading", name="Revision 1")).to_be_visible()
    assert eve.locator("main form, main [data-dialog]").count() == 0

    admin.get_by_role("button", name="Remove…").click()
    admin.get_by_role("dialog").get_by_role("button", name="Remove the policy").click()
    expect(admin.get_by_role("heading", name="Revision 2")).to_contain_text("removed")


def test_who_may_only_read_has_nothing_to_press(office: Office) -> None:
    eve = office.log_in("eve")
    for path in (f"/registry/{MODEL}/1", f"/registry/{MODEL}", "/promotions"):
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
    expect(eve.locator("#log table.list tbody tr")).to_have_count(1, timeout=LATE_MS)
    expect(eve.locator("#log table.list tbody tr").first).to_contain_text("why 1")


def test_another_sites_form_promotes_nothing(office: Office, tmp_path: Path) -> None:
    add_model(office.ci, 1, "forged")
    evil = office.log_in("ann").context.new_page()
    forged = tmp_path / "forged.html"
    target = f"{office.server.url}/registry/forged/1/promote/staging"
    forged.write_text(f'<form method="post" action="{target}"><button>Win</button></form>')
    evil.goto(forged.as_uri())
    evil.get_by_role("button", name="Win").click()
    expect(evil.locator("body")).not_to_contain_text("is promoted to staging")
    log = office.ci.get("/api/v1/promotions", params={"stream": "models:/forged"}).json()["promotions"]
    assert log == []
