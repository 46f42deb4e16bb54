"""What every store of blobs guarantees, on local disk and on a real S3 server."""

import asyncio
import hashlib
import itertools
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.s3 import S3
from trackback.artifacts import BlobStore, Stored, open_blobs
from trackback.entities import Blob
from trackback.errors import DataLoss, Unavailable

MEGABYTE = 1 << 20
LARGE = 40 * MEGABYTE + 12_345  # three parts on an object store, the last one short

_buckets = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """An empty place for a store, and a look at all files that lie there."""

    uri: str
    files: Callable[[], list[str]]


@pytest.fixture
def local_place(tmp_path: Path) -> Place:
    folder = tmp_path / "artifacts"
    return Place(str(folder), lambda: [str(path) for path in folder.rglob("*") if path.is_file()])


@pytest.fixture
def s3_place(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    bucket = f"blobs-{next(_buckets)}"
    return Place(f"{s3.make_bucket(bucket)}/some/prefix", lambda: s3.files(bucket))


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
async def blobs(place: Place) -> AsyncIterator[BlobStore]:
    store = open_blobs(place.uri)
    yield store
    await store.close()


def some_bytes(size: int) -> bytes:
    return random.Random(size).randbytes(size)


async def stream(content: bytes, size: int = 60_000) -> AsyncIterator[bytes]:
    """The content as a server's socket delivers it."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def breaking(content: bytes, error: Exception) -> AsyncIterator[bytes]:
    async for chunk in stream(content):
        yield chunk
    raise error


async def contents(store: BlobStore, blob: Blob, start: int = 0, stop: int | None = None) -> bytes:
    return b"".join([piece async for piece in await store.read(blob, start, stop)])


@pytest.mark.parametrize("size", [0, 1, MEGABYTE, LARGE])
async def test_what_is_put_is_read_back_and_named_by_its_sha_256(blobs: BlobStore, size: int) -> None:
    content = some_bytes(size)
    blob = await blobs.put(stream(content))
    assert (blob.digest, blob.size) == (hashlib.sha256(content).hexdigest(), size)
    assert await contents(blobs, blob) == content


async def test_a_blob_put_before_a_restart_is_read_after_it(place: Place) -> None:
    before, after = open_blobs(place.uri), open_blobs(place.uri)
    blob = await before.put(stream(b"weights"))
    await before.close()
    assert await contents(after, blob) == b"weights"
    await after.close()


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (5, 5), (MEGABYTE - 1, MEGABYTE + 1), (LARGE - 7, LARGE)])
async def test_any_range_is_read(blobs: BlobStore, start: int, stop: int) -> None:
    content = some_bytes(LARGE)
    blob = await blobs.put(stream(content))
    assert await contents(blobs, blob, start, stop) == content[start:stop]


async def test_pieces_are_at_most_a_megabyte(blobs: BlobStore) -> None:
    blob = await blobs.put(stream(some_bytes(LARGE)))
    sizes = [len(piece) async for piece in await blobs.read(blob)]
    assert max(sizes) == MEGABYTE
    assert sum(sizes) == LARGE


async def test_each_upload_has_a_location_of_its_own(blobs: BlobStore) -> None:
    """So that deleting one's bytes never takes another's, though they are the same."""
    first, second = await blobs.put(stream(b"same")), await blobs.put(stream(b"same"))
    await blobs.delete(first.location)
    assert await contents(blobs, second) == b"same"


async def test_uploads_at_the_same_time_do_not_mix(blobs: BlobStore) -> None:
    texts = [f"model {number}".encode() * 50_000 for number in range(8)]
    stored = await asyncio.gather(*(blobs.put(stream(text)) for text in texts))
    assert [await contents(blobs, blob) for blob in stored] == texts


async def test_deleted_bytes_are_gone_and_reading_them_says_so(blobs: BlobStore, place: Place) -> None:
    blob = await blobs.put(stream(b"weights"))
    await blobs.delete(blob.location)
    assert place.files() == []
    with pytest.raises(DataLoss, match=blob.digest):
        await blobs.read(blob)


async def test_whether_a_blob_is_there_can_be_asked(blobs: BlobStore) -> None:
    blob = await blobs.put(stream(b"weights"))
    cut = Blob(blob.digest, blob.size + 1, blob.location)
    assert (await blobs.holds(blob), await blobs.holds(cut)) == (True, False)
    await blobs.delete(blob.location)
    assert not await blobs.holds(blob)


async def test_deleting_what_is_not_there_is_no_error(blobs: BlobStore) -> None:
    blob = await blobs.put(stream(b"weights"))
    await blobs.delete(blob.location)
    await blobs.delete(blob.location)


@pytest.mark.parametrize("sent", [0, 10, LARGE])
async def test_an_upload_that_breaks_off_leaves_no_trace(blobs: BlobStore, place: Place, sent: int) -> None:
    with pytest.raises(ConnectionResetError):
        await blobs.put(breaking(some_bytes(sent), ConnectionResetError()))
    assert place.files() == []


async def test_an_upload_that_is_cancelled_leaves_no_trace(blobs: BlobStore, place: Place) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(MEGABYTE)

    upload = asyncio.create_task(blobs.put(endless()))
    while not place.files():  # noqa: ASYNC110 - what is waited for happens in another process
        await asyncio.sleep(0.01)
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    assert place.files() == []


async def test_a_copy_lies_where_the_blob_lay_in_its_first_store(blobs: BlobStore, tmp_path: Path) -> None:
    first = open_blobs(str(tmp_path / "first"))
    for content in (b"weights", some_bytes(LARGE)):
        blob = await first.put(stream(content))
        await blobs.keep(blob, await first.read(blob))
        assert await contents(blobs, blob) == content
        assert blob.location in [stored.location for stored in await blobs.list_after("", 10)]
    await first.close()


async def test_a_copy_from_an_object_store_keeps_its_name_too(blobs: BlobStore) -> None:
    blob = Blob(hashlib.sha256(b"weights").hexdigest(), 7, f"blobs/{'0f' * 16}")
    await blobs.keep(blob, stream(b"weights"))
    assert await contents(blobs, blob) == b"weights"
    assert [stored.location for stored in await blobs.list_after("", 10)] == [blob.location]


async def test_a_damaged_copy_is_not_kept(blobs: BlobStore, place: Place) -> None:
    blob = Blob(hashlib.sha256(b"weights").hexdigest(), 7, f"blobs/{'0f' * 16}")
    with pytest.raises(DataLoss, match=f"{blob.digest} is damaged"):
        await blobs.keep(blob, stream(b"weighty"))
    assert place.files() == []


async def test_all_that_is_stored_is_listed_in_pages_with_size_and_time(blobs: BlobStore) -> None:
    stored = [await blobs.put(stream(bytes(size))) for size in range(1, 8)]
    stored.append(Blob(hashlib.sha256(b"").hexdigest(), 0, f"blobs/{'0f' * 16}"))
    await blobs.keep(stored[-1], stream(b""))
    found: list[Stored] = []
    while page := await blobs.list_after(found[-1].location if found else "", 3):
        found += page
        assert len(page) <= 3
    assert [(each.location, each.size) for each in found] == sorted((each.location, each.size) for each in stored)
    assert all(abs(each.modified_ms / 1000 - time.time()) < 60 for each in found)


async def test_files_of_others_in_the_same_place_are_not_listed(local_place: Place) -> None:
    blobs = open_blobs(local_place.uri)
    folder = Path(local_place.uri)
    for name in ("blobs/notes.txt", "blobs/00/notes.txt", "README", f"tmp/{'a' * 32}"):
        (folder / name).write_text("not a blob's")
    assert [stored.location for stored in await blobs.list_after("", 10)] == [f"tmp/{'a' * 32}"]
    await blobs.close()


async def test_an_empty_store_lists_nothing(blobs: BlobStore) -> None:
    assert await blobs.list_after("", 10) == []


async def test_a_reader_that_stops_early_harms_nothing(blobs: BlobStore) -> None:
    content = some_bytes(LARGE)
    blob = await blobs.put(stream(content))
    pieces = await blobs.read(blob)
    assert await anext(pieces) == content[:MEGABYTE]
    await pieces.aclose()
    assert await contents(blobs, blob) == content


async def test_a_store_that_answers_says_so(blobs: BlobStore) -> None:
    await blobs.ping()


async def test_a_missing_bucket_is_found_by_a_ping(s3: S3, s3_place: Place) -> None:
    with pytest.raises(Unavailable):
        await open_blobs("s3://no-such-bucket").ping()


async def test_wrong_keys_are_the_servers_trouble_and_told_without_them(
    s3_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    with pytest.raises(Unavailable) as raised:
        await open_blobs(s3_place.uri).put(stream(b"weights"))
    assert "blobs-" not in raised.value.message
    assert os.environ["AWS_ACCESS_KEY_ID"] not in raised.value.message


async def test_an_s3_server_that_is_down_is_unavailable_and_after_its_return_all_is_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with S3() as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        blobs = open_blobs(server.make_bucket("restarted"))
        blob = await blobs.put(stream(b"weights"))
        server.stop()
        with pytest.raises(Unavailable):
            await blobs.put(stream(b"more weights"))
        with pytest.raises(Unavailable):
            await blobs.read(blob)
        server.start()
        assert await contents(blobs, blob) == b"weights"


async def test_mlflows_name_for_the_endpoint_is_known(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", s3.endpoint)
    blobs = open_blobs(s3.make_bucket(f"blobs-{next(_buckets)}"))
    assert await contents(blobs, await blobs.put(stream(b"weights"))) == b"weights"
