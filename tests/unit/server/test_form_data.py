"""What forms send, and where they lead."""

import pytest
from starlette.requests import Request
from starlette.types import Message

from trackback.errors import BadRequest, InvalidParameter, TooLarge
from trackback.server.ui.frame.form_data import MOST_BYTES, FormData, local, page_of, read_form


def request(body: bytes, content_type: str = "application/x-www-form-urlencoded") -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}, receive)


async def test_fields_come_in_order_with_lines_as_elsewhere() -> None:
    form = await read_form(request(b"run=b&run=a&run=&note=one%0D%0Atwo&name=+ann+&name=bob"))
    assert form.all("run") == ["b", "a"]
    assert form.get("note") == "one\ntwo"
    assert form.get("name") == "ann"
    assert form.secret("name") == " ann "
    assert ("note" in form, "other" in form) == (True, False)


def test_a_field_that_is_needed_is_named_as_the_page_does() -> None:
    with pytest.raises(InvalidParameter, match="The reason is missing: fill it in"):
        FormData([("reason", "  ")]).required("reason", "The reason")


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"{}", "application/json", "take forms"),
        (b"a=%FF", "application/x-www-form-urlencoded", "not encoded as UTF-8"),
        (b"\xff", "application/x-www-form-urlencoded", "not encoded as UTF-8"),
        (b"&".join([b"a=1"] * 20_001), "application/x-www-form-urlencoded", "too many fields"),
    ],
)
async def test_what_is_no_form_is_refused(body: bytes, content_type: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        await read_form(request(body, content_type))


async def test_a_form_has_a_bound() -> None:
    with pytest.raises(TooLarge):
        await read_form(request(b"a=" + b"x" * MOST_BYTES))


@pytest.mark.parametrize("url", ["/", "/runs/1?path=a%20b", "/a#b", "/experiments/1?filter=x+%3D+%27//y%27"])
def test_paths_here_lead_where_they_say(url: str) -> None:
    assert local(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "runs", "//evil.example", "/\\evil.example", "https://evil.example/", "javascript:x", "/a\nb", "http:/x"],
)
def test_what_leads_elsewhere_leads_to_the_front_page(url: str) -> None:
    assert local(url) == "/"


def test_the_page_that_something_was_on_is_known_without_its_host() -> None:
    assert page_of("http://127.0.0.1:5000/experiments/1?rows=25") == "/experiments/1?rows=25"
    assert page_of("") == "/"
