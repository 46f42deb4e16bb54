"""Downloads of artifacts: whole, in part, or not at all where the client has them; and what a browser is told."""

import random
from urllib.parse import quote

import pytest

from tests.server.artifact_client import ARTIFACTS, CONTENT, ETAG, MEGABYTE, ArtifactClient, eventually
from tests.server.wire import Wire, request


def test_a_download_names_size_digest_and_date_and_is_saved_rather_than_run(client: ArtifactClient) -> None:
    client.put("headers/weights.bin")
    headers = client.get("headers/weights.bin").headers
    assert headers["content-length"] == str(len(CONTENT))
    assert headers["etag"] == ETAG
    assert headers["last-modified"].endswith("GMT")
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"] == 'attachment; filename="weights.bin"'
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=9990-", 9990, 10_000),
        ("bytes=-10", 9990, 10_000),
        ("bytes=5000-99999", 5000, 10_000),
        ("bytes=-99999", 0, 10_000),
    ],
)
def test_a_range_is_answered_with_206_and_its_bytes(client: ArtifactClient, asked: str, start: int, stop: int) -> None:
    client.put("ranges")
    answer = client.get("ranges", Range=asked)
    assert (answer.status, answer.body) == (206, CONTENT[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/10000"


@pytest.mark.parametrize("asked", ["bytes=10000-", "bytes=10000-10001", "bytes=-0"])
def test_a_range_beyond_the_end_is_answered_with_416_and_the_size(client: ArtifactClient, asked: str) -> None:
    client.put("ranges")
    answer = client.get("ranges", Range=asked)
    assert answer.error == (416, "INVALID_PARAMETER_VALUE")
    assert answer.headers["content-range"] == "bytes */10000"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-3", "bytes=-", "lines=1-2", "nonsense"])
def test_what_is_no_single_range_is_answered_with_the_whole_file(client: ArtifactClient, asked: str) -> None:
    client.put("ranges")
    answer = client.get("ranges", Range=asked)
    assert (answer.status, answer.body) == (200, CONTENT)


def test_the_rest_of_a_file_that_has_changed_is_answered_with_the_whole_new_one(client: ArtifactClient) -> None:
    client.put("resumed", b"old content")
    etag = client.get("resumed").headers["etag"]
    assert client.get("resumed", Range="bytes=4-", If_Range=etag).body == b"content"
    client.put("resumed", b"new content")
    answer = client.get("resumed", Range="bytes=4-", If_Range=etag)
    assert (answer.status, answer.body) == (200, b"new content")


def test_a_client_that_has_the_file_is_told_so_until_it_changes(client: ArtifactClient) -> None:
    client.put("cached", b"old")
    headers = client.get("cached").headers
    for condition in ({"If_None_Match": f'"other", W/{headers["etag"]}'}, {"If_None_Match": "*"}):
        answer = client.get("cached", **condition)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", headers["etag"])
    assert client.get("cached", If_Modified_Since=headers["last-modified"]).status == 304
    client.put("cached", b"new")
    assert client.get("cached", If_None_Match=headers["etag"]).body == b"new"


def test_head_gives_the_headers_of_get_alone(client: ArtifactClient) -> None:
    client.put("head")
    got, head = client.get("head"), client.get("head", "HEAD")
    dates = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in dates} == {
        k: v for k, v in got.headers.items() if k not in dates
    }
    assert head.status == 200


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MLmodel", "text/plain; charset=utf-8"),
        ("conda.yaml", "text/plain; charset=utf-8"),
        ("metrics.JSON", "text/plain; charset=utf-8"),
        ("page.html", "text/plain; charset=utf-8"),
        ("page.htm", "text/plain; charset=utf-8"),
        ("page.xhtml", "text/plain; charset=utf-8"),
        ("script.js", "text/plain; charset=utf-8"),
        ("plot.png", "image/png"),
        ("plot.svg", "image/svg+xml"),
        ("table.csv.gz", "application/octet-stream"),
        ("model.pkl", "application/octet-stream"),
        ("no-ending", "application/octet-stream"),
    ],
)
def test_text_is_shown_as_text_and_nothing_as_html(client: ArtifactClient, name: str, kind: str) -> None:
    client.put(f"types/{name}")
    assert client.get(f"types/{name}").headers["content-type"] == kind


def test_a_name_beyond_ascii_is_kept_and_given_to_the_browser(client: ArtifactClient) -> None:
    name = 'größe "模型" 100%.txt'
    client.put(f"names/{quote(name)}")
    assert client.names("names") == [name]
    assert client.get(f"names/{quote(name)}").headers["content-disposition"] == (
        f"attachment; filename=\"gr__e ____ 100%.txt\"; filename*=UTF-8''{quote(name)}"
    )


def test_a_download_that_the_client_leaves_harms_nobody(client: ArtifactClient) -> None:
    client.put("left", random.Random(2).randbytes(30 * MEGABYTE))
    for _ in range(5):
        with Wire(client.port) as wire:
            wire.send(request("GET", f"{ARTIFACTS}/left"))
            assert eventually(lambda wire=wire: wire.has_answer)  # type: ignore[misc]
    assert client.get("left", Range="bytes=-1").status == 206
