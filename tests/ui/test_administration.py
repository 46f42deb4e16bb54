"""What admins have pages for, in a browser: accounts, the audit log, webhooks, settings. And what others see of it."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers.accounts import PASSWORD, add_admin
from tests.servers.threaded import ThreadedServer
from tests.ui.delivery_site import MODEL, add_model, own, promote
from trackback.server.settings import Settings

PROMOTED = {"entity": "PROMOTION", "action": "CREATED"}


class Receiver(BaseHTTPRequestHandler):
    """Takes what webhooks send; refuses it while it is told to."""

    refuses = False
    taken: list[dict[str, object]] = []  # noqa: RUF012 - of the class, which each request makes anew

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        Receiver.taken.append(json.loads(body))
        self.send_response(500 if Receiver.refuses else 202)
        self.end_headers()
        self.wfile.write(b"no room <b>here</b>" if Receiver.refuses else b"thanks")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        pass


@dataclass
class Office:
    """A server that knows who asks, its users' browsers, and a receiver of webhooks."""

    server: ThreadedServer
    browser: Browser
    root: httpx.Client
    receiver: str
    complaints: list[str] = field(default_factory=list)

    def log_in(self, name: str, path: str = "/accounts") -> Page:
        page = self.browser.new_context(base_url=self.server.url).new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Policy" in said.text else None)
        page.goto(path)
        expect(page).to_have_url(re.compile("/login"))
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in", exact=True).click()
        expect(page).not_to_have_url(re.compile("/login"))
        return page


@pytest.fixture(scope="module")
def office(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    uri = f"sqlite:///{folder}/trackback.db"
    add_admin(uri)
    settings = Settings(
        backend_store_uri=uri,
        artifacts_destination=str(folder / "artifacts"),
        auth=True,
        promotion_rules=("promote=true", "1:ship=yes->production"),
        webhook_allowed_networks=("127.0.0.0/8",),
    )
    with ExitStack() as stack:
        receiver = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Receiver))
        Thread(target=receiver.serve_forever, daemon=True).start()
        stack.callback(receiver.shutdown)
        server = stack.enter_context(ThreadedServer(settings))
        root = stack.enter_context(
            httpx.Client(base_url=server.url, auth=("root", PASSWORD), trust_env=False, timeout=30)
        )
        own(root, "users", {"name": "eve", "password": PASSWORD, "roles": ["reader"]})
        add_model(root)
        office = Office(server, browser, root, f"http://127.0.0.1:{receiver.server_address[1]}/hook")
        yield office
        assert office.complaints == []
        assert "Traceback" not in server.log_text, server.log_text


@pytest.fixture(scope="module")
def admin(office: Office) -> Page:
    return office.log_in("root")


def test_a_token_is_made_shown_once_and_revoked(office: Office, admin: Page) -> None:
    admin.goto("/accounts")
    admin.get_by_role("button", name="New token").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Name").fill("training on box 7")
    dialog.get_by_label("reader").check()
    dialog.get_by_role("button", name="Make it").click()
    secret = admin.get_by_role("status").locator("pre").inner_text().strip()
    me = httpx.get(f"{office.server.url}/api/v1/me", headers={"authorization": f"Bearer {secret}"}, trust_env=False)
    assert me.json()["user"]["name"] == "root"

    admin.goto("/accounts")
    assert secret not in admin.content()
    admin.get_by_role("button", name="Revoke training on box 7").click()
    expect(admin.get_by_role("row", name="training on box 7")).to_contain_text("revoked")
    after = httpx.get(f"{office.server.url}/api/v1/me", headers={"authorization": f"Bearer {secret}"}, trust_env=False)
    assert after.status_code == 401


def test_a_user_is_added_given_a_role_and_disabled(office: Office, admin: Page) -> None:
    admin.goto("/accounts")
    admin.get_by_role("button", name="Add a user").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Name").fill("bob")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("bob")

    admin.get_by_role("button", name="Grant a role").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Role").select_option("promoter")
    dialog.get_by_label("For").fill(f"models:/{MODEL}")
    dialog.get_by_role("button", name="Grant", exact=True).click()
    expect(admin.get_by_role("row", name="promoter")).to_contain_text(f"models:/{MODEL}")
    admin.get_by_role("button", name=f"Revoke promoter for models:/{MODEL}").click()
    expect(admin.get_by_role("row", name="promoter")).to_have_count(0)

    admin.get_by_role("button", name="Disable").click()
    expect(admin.get_by_role("status").first).to_contain_text("bob can't sign in any more")
    assert httpx.get(f"{office.server.url}/api/v1/me", auth=("bob", PASSWORD), trust_env=False).status_code == 401


def test_what_is_refused_stands_where_it_was_sent_from_with_what_was_typed(admin: Page) -> None:
    admin.goto("/accounts/eve")
    admin.get_by_role("button", name="Grant a role").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("For").fill("models:/none")
    dialog.get_by_role("button", name="Grant", exact=True).click()
    dialog = admin.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("There is no registered model 'none'")
    expect(dialog.get_by_label("For")).to_have_value("models:/none")


def test_who_is_no_admin_has_their_own_account_only(office: Office) -> None:
    eve = office.log_in("eve")
    expect(eve.get_by_role("heading", level=1)).to_contain_text("eve")
    assert eve.get_by_role("heading", name="Users").count() == 0
    assert eve.get_by_role("button", name="Grant a role").count() == 0
    for path, status in (("/accounts/root", 404), ("/audit", 403), ("/webhooks", 403)):
        response = eve.goto(path)
        assert response is not None
        assert response.status == status, path
    eve.goto("/settings")
    assert eve.get_by_role("heading", name="This server").count() == 0


def test_a_password_is_changed_by_who_knows_it(office: Office) -> None:
    own(office.root, "users", {"name": "pat", "password": PASSWORD, "roles": ["reader"]})
    pat = office.log_in("pat")
    pat.get_by_role("button", name="Change the password").click()
    dialog = pat.get_by_role("dialog")
    dialog.get_by_label("Password now").fill(PASSWORD)
    dialog.get_by_label("New password", exact=True).fill("another long one")
    dialog.get_by_label("New password again").fill("another long two")
    dialog.get_by_role("button", name="Change it").click()
    expect(pat.get_by_role("dialog").get_by_role("alert")).to_contain_text("The two new passwords differ")
    dialog = pat.get_by_role("dialog")
    for label, text in (("Password now", PASSWORD), ("New password", "another long one")):
        dialog.get_by_label(label, exact=True).fill(text)
    dialog.get_by_label("New password again").fill("another long one")
    dialog.get_by_role("button", name="Change it").click()
    expect(pat.get_by_role("status").first).to_contain_text("The password is changed.")


def test_the_audit_log_is_filtered_by_its_fields_and_says_what_was_wrong(admin: Page) -> None:
    admin.goto("/audit?action=user.add")
    assert {row.locator("td").nth(4).inner_text() for row in admin.locator("tbody tr").all()} == {"user.add"}
    admin.locator("tbody tr", has_text="users/eve").get_by_role("link", name="Open users/eve").click()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("eve")
    response = admin.goto("/audit?since=yesterday")
    assert response is not None
    assert response.status == 400
    expect(admin.get_by_role("alert")).to_contain_text("'since' supplied: it must be a time")


def test_a_webhook_is_made_tried_and_its_deliveries_are_read_and_sent_again(office: Office, admin: Page) -> None:
    admin.goto("/webhooks")
    admin.get_by_role("button", name="New webhook").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Name").fill("ci")
    dialog.get_by_label("URL").fill(office.receiver)
    dialog.get_by_label("Secret that signs").fill("hush-hush")
    dialog.get_by_role("button", name="Make it").click()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("ci")
    assert "hush-hush" not in admin.content()

    admin.get_by_role("button", name="Send an example").click()
    admin.get_by_role("dialog").get_by_role("button", name="Send it").click()
    expect(admin.get_by_role("status").first).to_contain_text("The example was answered with 202. thanks")

    promote(office.root, 1, "staging")
    row = admin.locator("tbody tr", has_text="promotion.created")
    for _ in range(50):
        admin.reload()
        if row.first.is_visible() and "delivered" in row.first.inner_text():
            break
        admin.wait_for_timeout(100)
    row.first.get_by_role("link", name="promotion.created").click()
    expect(admin.locator("pre").first).to_contain_text('"environment": "staging"')
    expect(admin.get_by_text("thanks")).to_be_visible()
    before = len(Receiver.taken)
    admin.get_by_role("button", name="Send again").click()
    expect(admin.get_by_text("an earlier delivery")).to_be_visible()
    for _ in range(50):
        if len(Receiver.taken) > before:
            break
        admin.wait_for_timeout(100)
    assert len(Receiver.taken) == before + 1


def test_a_receiver_that_refuses_is_told_with_its_answer_as_text(office: Office, admin: Page) -> None:
    own(office.root, "webhooks", {"name": "full", "url": office.receiver, "events": [PROMOTED]})
    Receiver.refuses = True
    try:
        admin.goto("/webhooks")
        admin.get_by_role("link", name="full").click()
        admin.get_by_role("button", name="Send an example").click()
        admin.get_by_role("dialog").get_by_role("button", name="Send it").click()
        alert = admin.get_by_role("dialog").get_by_role("alert")
        expect(alert).to_contain_text("The example was not taken. It answered 500. no room <b>here</b>")
    finally:
        Receiver.refuses = False


def test_a_webhook_is_switched_off_changed_and_deleted(office: Office, admin: Page) -> None:
    own(office.root, "webhooks", {"name": "old", "url": office.receiver, "events": [PROMOTED]})
    admin.goto("/webhooks")
    admin.get_by_role("link", name="old").click()
    admin.get_by_role("button", name="Switch off").click()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("disabled")
    admin.get_by_role("button", name="Change", exact=True).click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Name").fill("older")
    dialog.get_by_label("registered_model.created").check()
    dialog.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("heading", level=1)).to_contain_text("older")
    expect(admin.locator("main .badge", has_text="registered_model.created").first).to_be_visible()
    admin.get_by_role("button", name="Delete", exact=True).click()
    admin.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    expect(admin).to_have_url(re.compile("/webhooks$"))
    assert admin.get_by_role("link", name="older").count() == 0


def test_settings_show_what_the_server_was_told_and_no_secret(office: Office, admin: Page) -> None:
    admin.goto("/settings")
    expect(admin.get_by_role("row", name="ship=yes experiment 1")).to_contain_text("production")
    expect(admin.get_by_role("row", name="--auth")).to_contain_text("yes")
    document = {"verdicts": [{"name": "validation"}]}
    for name in ("validation", "fairness"):
        document = {"verdicts": [{"name": name}]}
        own(office.root, "policies", {"stream": f"models:/{MODEL}", "environment": "production", "document": document})
    admin.reload()
    admin.get_by_role("row", name=f"models:/{MODEL}").get_by_role("link", name="2", exact=True).click()
    expect(admin.get_by_role("heading", name="Revision 2")).to_contain_text("in force")
    documents = admin.locator("details pre").all_text_contents()
    assert [document.count("fairness") for document in documents] == [1, 0]


def test_a_form_of_another_site_changes_nothing(office: Office, admin: Page) -> None:
    cookies = "; ".join(f"{each['name']}={each['value']}" for each in admin.context.cookies())
    headers = {"cookie": cookies, "sec-fetch-site": "cross-site", "accept": "text/html"}
    answer = httpx.post(
        f"{office.server.url}/accounts/eve/disable", data={"csrf": "x"}, headers=headers, trust_env=False
    )
    assert answer.status_code == 403
    assert httpx.get(f"{office.server.url}/api/v1/me", auth=("eve", PASSWORD), trust_env=False).status_code == 200
