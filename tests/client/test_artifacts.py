import hashlib
import os
from pathlib import Path

import pytest

from tests.client.faulty import cut, reply, talk_to
from tests.client.patience import Clock
from tests.faults.disk import small_disk
from trackback.client.pipeline import PIECE_BYTES
from trackback.client.transport import Transport
from trackback.client.uploads import pieces_of
from trackback.errors import (
    DataLoss,
    InvalidParameter,
    InvalidState,
    NotFound,
    StorageFull,
    TrackbackError,
    Unavailable,
)

CONTENT = os.urandom(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ETAG = f'"{DIGEST}"'


@pytest.mark.parametrize(
    "path", ["weights.bin", "a b/ü ä/100%.txt", "q?/&=+;.txt", "%41.txt", "model/" + "n" * 200, "日本/語"]
)
def test_a_file_comes_back_as_it_went(path: str, transport: Transport, tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "deep" / "down" / "copy"
    source.write_bytes(CONTENT)
    assert transport.upload(path, source) == DIGEST
    assert transport.download(path, copy) == DIGEST
    assert copy.read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"", b"one byte less than nothing", CONTENT * 20], ids=["0", "26", "6M"])
def test_bytes_of_any_size_come_back(content: bytes, transport: Transport, tmp_path: Path) -> None:
    transport.upload("bytes", content)
    transport.download("bytes", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content


def test_what_is_not_there_leaves_nothing_behind(transport: Transport, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no/such/file"):
        transport.download("no/such/file", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up", "a/../../../mlflow/runs/delete", "a//b", "./a", "a/"])
def test_a_path_that_leads_elsewhere_is_not_sent(path: str, tmp_path: Path) -> None:
    with talk_to(reply(200)) as (server, transport):
        with pytest.raises(InvalidParameter, match="Invalid path of an artifact"):
            transport.upload(path, b"")
        with pytest.raises(InvalidParameter, match="Invalid path of an artifact"):
            transport.download(path, tmp_path / "copy")
    assert server.seen == []


def test_an_upload_that_failed_is_sent_again_from_its_beginning(clock: Clock, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    with talk_to(reply(503), reply(200), retries=clock.retries()) as (server, transport):
        transport.upload("a/b c", source)
    assert [seen.body == CONTENT for seen in server.seen] == [True, True]
    assert server.seen[0].target == "/api/2.0/mlflow-artifacts/artifacts/a/b%20c"


def test_a_file_that_shrinks_while_it_is_uploaded_is_reported(tmp_path: Path) -> None:
    source = tmp_path / "log.txt"
    source.write_bytes(bytes(2 * PIECE_BYTES))
    with pieces_of(source) as pieces:
        sent = iter(pieces)
        next(sent)
        os.truncate(source, PIECE_BYTES + 100)
        next(sent)
        message = rf"log.txt had {pieces.size} bytes, and lost {PIECE_BYTES - 100} of them"
        with pytest.raises(InvalidState, match=message):
            next(sent)


def test_an_upload_that_the_server_keeps_otherwise_is_reported(clock: Clock) -> None:
    damaged = reply(200, b"", ETag=f'"{hashlib.sha256(b"damaged").hexdigest()}"')
    refused = pytest.raises(DataLoss, match=f"^a/b was sent with the SHA-256 {DIGEST}, and the server keeps it with")
    with talk_to(damaged, retries=clock.retries()) as (server, transport), refused:
        transport.upload("a/b", CONTENT)
    assert len(server.seen) == 1


@pytest.mark.parametrize("etag", ["", '"5-of another kind"', f'W/"{"0" * 64}"'], ids=["none", "another", "weak"])
def test_an_upload_to_a_server_that_names_no_digest_is_taken_as_it_is(etag: str) -> None:
    with talk_to(reply(200, b"", ETag=etag)) as (_, transport):
        assert transport.upload("a", CONTENT) == DIGEST


def test_a_cut_download_goes_on_where_it_ended(clock: Clock, tmp_path: Path) -> None:
    first = cut(200, CONTENT, 100_000, ETag=ETAG)
    second = cut(206, CONTENT[100_000:], 50_000, ETag=ETAG, Content_Range="bytes 100000-299999/300000")
    third = reply(206, CONTENT[150_000:], ETag=ETAG, Content_Range="bytes 150000-299999/300000")
    with talk_to(first, second, third, retries=clock.retries()) as (server, transport):
        assert transport.download("a", tmp_path / "copy") == DIGEST
    assert (tmp_path / "copy").read_bytes() == CONTENT
    assert [(seen.headers.get("range"), seen.headers.get("if-range")) for seen in server.seen] == [
        (None, None),
        ("bytes=100000-", ETAG),
        ("bytes=150000-", ETAG),
    ]


def test_the_deadline_begins_anew_while_a_download_comes_on(clock: Clock, tmp_path: Path) -> None:
    size, step = 30_000, 1000
    parts = [cut(200, CONTENT[:size], step, ETag='"weak or strong"')]
    for start in range(step, size, step):
        content_range = f"bytes {start}-{size - 1}/{size}"
        parts.append(cut(206, CONTENT[start:size], step, ETag='"weak or strong"', Content_Range=content_range))
    with talk_to(*parts, retries=clock.retries(deadline_s=1)) as (_server, transport):
        transport.download("a", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT[:size]
    assert clock.now_s > 2


@pytest.mark.parametrize("etag", [{}, {"ETag": f"W/{ETAG}"}], ids=["no ETag", "a weak one"])
def test_without_a_strong_etag_a_cut_download_begins_again(etag: dict[str, str], clock: Clock, tmp_path: Path) -> None:
    script = cut(200, CONTENT, 100_000, **etag), reply(200, CONTENT, **etag)
    with talk_to(*script, retries=clock.retries()) as (server, transport):
        assert transport.download("a", tmp_path / "copy") == DIGEST
    assert "range" not in server.seen[1].headers


def test_a_file_that_changed_meanwhile_is_fetched_whole(clock: Clock, tmp_path: Path) -> None:
    script = cut(200, bytes(400_000), 100_000, ETag='"old"'), reply(200, CONTENT, ETag=ETAG)
    with talk_to(*script, retries=clock.retries()) as (_server, transport):
        assert transport.download("a", tmp_path / "copy") == DIGEST
    assert (tmp_path / "copy").read_bytes() == CONTENT


def test_another_part_than_was_asked_for_is_not_pasted_in(clock: Clock, tmp_path: Path) -> None:
    wrong = reply(206, CONTENT[5:], ETag=ETAG, Content_Range="bytes 5-299999/300000")
    refused = pytest.raises(TrackbackError, match="from 1000 on, and sent others: 'bytes 5-299999/300000'")
    with talk_to(cut(200, CONTENT, 1000, ETag=ETAG), wrong, retries=clock.retries()) as (_, transport), refused:
        transport.download("a", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_do_not_have_the_servers_digest_are_not_kept(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_text("what was there before")
    damaged = reply(200, CONTENT[:-1] + b"?", ETag=ETAG)
    with talk_to(damaged) as (_, transport), pytest.raises(DataLoss, match=f"and should have {DIGEST}"):
        transport.download("a", copy)
    assert list(tmp_path.iterdir()) == [copy]
    assert copy.read_text() == "what was there before"


def test_a_download_given_up_leaves_nothing_behind(clock: Clock, tmp_path: Path) -> None:
    always_cut = cut(200, CONTENT, 1000)
    with talk_to(always_cut, retries=clock.retries(1)) as (_, transport), pytest.raises(Unavailable, match="cut off"):
        transport.download("a", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        message = rf"No room in {disk.folder} for copy, after \d+ bytes"
        with talk_to(reply(200, CONTENT * 5)) as (_, transport), pytest.raises(StorageFull, match=message):
            transport.download("a", disk.folder / "copy")
        assert list(disk.folder.iterdir()) == []


def test_a_folder_is_no_place_for_a_file(tmp_path: Path) -> None:
    with Transport() as transport, pytest.raises(InvalidParameter, match="is a folder"):
        transport.download("a", tmp_path)
