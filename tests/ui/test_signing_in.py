"""The pages of a server with accounts: who gets in, as whom, and what a page of another site can't do."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, expect

from tests.servers.threaded import ThreadedServer
from tests.ui.accessibility import violations_in_both_themes
from tests.ui.conftest import settings, watched
from trackback.entities import Role
from trackback.services.accounts import OPERATOR, Accounts
from trackback.services.passwords import Passwords
from trackback.storage import open_storage

PASSWORD = "correct horse battery"
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server whose admin is root and which rita may read."""
    folder = tmp_path_factory.mktemp("guarded")
    with ThreadPoolExecutor(1) as elsewhere:  # the browser's event loop may be in this thread
        elsewhere.submit(lambda: asyncio.run(add_users(f"sqlite:///{folder}/trackback.db"))).result()
    with ThreadedServer(settings(folder, auth=True)) as server:
        yield server.url
        assert "Traceback" not in server.log_text, server.log_text


async def add_users(uri: str) -> None:
    storage, passwords = open_storage(uri), Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts = Accounts(storage, passwords)
    await accounts.add_user(OPERATOR, "root", password=PASSWORD, roles=[Role.ADMIN])
    await accounts.add_user(OPERATOR, "rita", password=PASSWORD, roles=[Role.READER])
    passwords.close()
    await storage.close()


@pytest.fixture
def tab(browser: Browser, guarded: str) -> Iterator[Page]:
    with watched(browser, guarded) as page:
        yield page


@pytest.fixture
def http(guarded: str) -> Iterator[httpx.Client]:
    """A browser without scripts."""
    with httpx.Client(base_url=guarded, trust_env=False, headers=HTML, timeout=60) as client:
        yield client


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def proof(text: str) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', text)
    assert found
    return found[1]


def post(
    http: httpx.Client, path: str, csrf: str, headers: dict[str, str] | None = None, **fields: str
) -> httpx.Response:
    return http.post(path, data={"csrf": csrf, **fields}, headers=headers)


def session(http: httpx.Client, name: str = "root") -> str:
    """Log in; proof for forms of the session."""
    csrf = proof(http.get("/login").text)
    assert post(http, "/login/session", csrf, name=name, password=PASSWORD).status_code == 303
    return proof(http.get("/").text)


def test_who_is_not_signed_in_is_led_to_the_form_and_then_to_the_page(tab: Page) -> None:
    tab.goto("/experiments/0?filter=run_name+%3D+%27a%27")
    expect(tab).to_have_url(re.compile("/login"))
    assert violations_in_both_themes(tab) == []
    log_in(tab, "root", "something else")
    expect(tab.get_by_role("alert")).to_have_text("The user name or the password is wrong, or the user is disabled.")
    expect(tab.get_by_label("User name")).to_have_value("root")
    expect(tab.get_by_label("Password")).to_have_value("")
    log_in(tab, "root")
    expect(tab).to_have_url(re.compile(r"/experiments/0\?filter="))
    tab.get_by_text("root", exact=True).click()
    expect(tab.get_by_role("link", name="Accounts")).to_be_visible()
    tab.get_by_role("button", name="Log out").click()
    expect(tab).to_have_url(re.compile("/login$"))
    tab.goto("/")
    expect(tab).to_have_url(re.compile("/login$"))


def test_who_may_only_read_sees_no_buttons_that_change_anything(tab: Page) -> None:
    tab.goto("/login")
    log_in(tab, "rita")
    expect(tab.get_by_role("heading", level=1)).to_have_text("Experiments")
    assert tab.get_by_role("button", name="New experiment").count() == 0
    tab.goto("/experiments/0")
    assert tab.get_by_role("button", name="Edit").count() == 0
    tab.get_by_text("rita", exact=True).click()
    assert tab.get_by_role("link", name="Accounts").count() == 0


def test_a_reader_that_sends_the_form_all_the_same_is_refused(http: httpx.Client) -> None:
    csrf = session(http, "rita")
    refused = post(http, "/experiments/create", csrf, name="mine", back="/")
    assert refused.status_code == 403
    assert "lacks the permission" in refused.text


def test_a_token_signs_in_too(http: httpx.Client, guarded: str) -> None:
    with httpx.Client(base_url=guarded, trust_env=False, auth=("root", PASSWORD)) as root:
        secret = root.post("/api/v1/tokens", json={"name": "page", "scopes": ["reader"]}).json()["secret"]
    csrf = proof(http.get("/login").text)
    assert post(http, "/login/token", csrf, token=secret).status_code == 303
    csrf = proof(http.get("/").text)
    assert post(http, "/experiments/create", csrf, name="mine", back="/").status_code == 403


def test_a_session_signs_in_to_pages_and_never_to_the_api(http: httpx.Client) -> None:
    session(http)
    assert http.get("/").status_code == 200
    assert http.get("/api/v1/me").status_code == 401
    assert http.post("/api/2.0/mlflow/experiments/create", json={"name": "by cookie"}).status_code == 401


def test_a_form_without_the_proof_changes_nothing_and_comes_back_as_it_was(http: httpx.Client) -> None:
    csrf = session(http)
    for wrong in ("", "00", csrf[:-2] + ("00" if csrf[-2:] != "00" else "01")):
        refused = post(http, "/experiments/create", wrong, name="forged", back="/")
        assert refused.status_code == 403
        assert 'value="forged"' in refused.text
    assert "forged" not in http.get("/").text


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}]
)
def test_a_form_of_another_site_changes_nothing_even_with_the_proof(
    http: httpx.Client, headers: dict[str, str]
) -> None:
    csrf = session(http)
    assert post(http, "/experiments/create", csrf, headers, name="forged", back="/").status_code == 403
    assert "forged" not in http.get("/").text


def test_the_proof_of_one_visitor_is_worth_nothing_to_another(http: httpx.Client, guarded: str) -> None:
    csrf = session(http)
    with httpx.Client(base_url=guarded, trust_env=False, headers=HTML) as other:
        session(other, "rita")
        refused = post(other, "/logout", csrf)
    assert refused.status_code == 403


def test_the_cookie_of_a_session_is_out_of_reach_of_scripts_and_other_sites(http: httpx.Client) -> None:
    csrf = proof(http.get("/login").text)
    given = post(http, "/login/session", csrf, name="root", password=PASSWORD).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(given.split("; "))
    assert "Secure" not in given
    behind_tls = post(
        http,
        "/login/session",
        proof(http.get("/login").text),
        {"x-forwarded-proto": "https"},
        name="root",
        password=PASSWORD,
    )
    assert "Secure" in behind_tls.headers["set-cookie"]


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_pages_here_only(http: httpx.Client, elsewhere: str) -> None:
    page = http.get("/login", params={"next": elsewhere})
    then = post(http, "/login/session", proof(page.text), name="root", password=PASSWORD, next=elsewhere)
    assert then.headers["location"] == "/"


def test_guessing_is_slowed_across_the_form_and_the_api(http: httpx.Client) -> None:
    csrf = proof(http.get("/login").text)
    for number in range(3):
        assert http.get("/api/v1/me", auth=("carl", f"guess {number}")).status_code == 401
    answers = [401]
    while answers[-1] == 401 and len(answers) < 12:  # the wait doubles: no machine is that slow
        answers.append(post(http, "/login/session", csrf, name="carl", password="guess").status_code)
    assert answers[-1] == 429


def test_a_part_of_a_page_that_asks_without_a_session_sends_the_whole_page_to_the_form(http: httpx.Client) -> None:
    asked = {"hx-request": "true", "hx-current-url": "http://127.0.0.1/experiments/0?rows=25"}
    refused = http.get("/experiments/0/rows", headers=asked)
    assert refused.status_code == 401
    assert refused.headers["hx-redirect"] == "/login?next=/experiments/0%3Frows%3D25"


def test_programs_are_told_as_before_how_to_sign_in(guarded: str) -> None:
    refused = httpx.get(guarded + "/", trust_env=False)
    assert (refused.status_code, refused.json()["error_code"]) == (401, "UNAUTHENTICATED")
