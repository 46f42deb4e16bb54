"""Trees of files: what is put is found and listed, and no path is a file and a directory at once."""

import asyncio
import hashlib
import random
from collections.abc import Callable
from typing import TypeVar

import pytest

from trackback.entities import Blob, FileInfo, ManifestEntry
from trackback.errors import InvalidParameter
from trackback.services.artifacts import enter
from trackback.storage import Storage, Transaction, manifests

T = TypeVar("T")

RUN = "1/0123456789abcdef0123456789abcdef/artifacts"
OTHER_RUN = "1/fedcba9876543210fedcba9876543210/artifacts"
PATHS = "SELECT e.path FROM manifests m JOIN manifest_entries e ON e.manifest = m.id WHERE m.root = ? ORDER BY e.path"


def blob(content: str, location: str | None = None) -> Blob:
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Blob(digest, len(content), location or f"blobs/{digest}")


class Trees:
    """The operations on manifests, each in a transaction of its own."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def put(self, root: str, path: str, content: str = "x", *, location: str | None = None, at: int = 0) -> Blob:
        return await self._storage.write(lambda tx: enter(tx, root, path, blob(content, location), at))

    async def delete(self, root: str, path: str) -> int:
        return await self._storage.write(lambda tx: manifests.delete(tx, root, path))

    async def find(self, root: str, path: str) -> ManifestEntry | None:
        return await self._storage.read(lambda tx: manifests.find(tx, root, path))

    async def infos(self, root: str, directory: str = "") -> list[FileInfo]:
        return await self._storage.read(lambda tx: manifests.list_directory(tx, root, directory))

    async def names(self, root: str, directory: str = "") -> list[str]:
        """What is listed, a directory with a slash at its end."""
        return [child.path + "/" * child.is_dir for child in await self.infos(root, directory)]

    async def paths(self, root: str) -> list[str]:
        return [path for (path,) in await self._storage.read(lambda tx: tx.rows(PATHS, root))]

    async def do(self, operation: Callable[[Transaction], T]) -> T:
        return await self._storage.write(operation)


@pytest.fixture
def trees(storage: Storage) -> Trees:
    return Trees(storage)


async def test_a_file_is_found_with_its_blob_and_the_time_it_was_put(trees: Trees) -> None:
    await trees.put(RUN, "model/MLmodel", "flavors", at=1_700_000_000_000)
    assert await trees.find(RUN, "model/MLmodel") == ManifestEntry("model/MLmodel", blob("flavors"), 1_700_000_000_000)


async def test_a_put_replaces_the_entry_and_nothing_else(trees: Trees) -> None:
    await trees.put(RUN, "a", "first")
    await trees.put(RUN, "b", "other")
    await trees.put(RUN, "a", "second", at=5)
    assert await trees.find(RUN, "a") == ManifestEntry("a", blob("second"), 5)
    assert await trees.paths(RUN) == ["a", "b"]


async def test_a_missing_file_a_directory_and_another_root_are_not_found(trees: Trees) -> None:
    await trees.put(RUN, "model/MLmodel")
    assert await trees.find(RUN, "nothing") is None
    assert await trees.find(RUN, "model") is None
    assert await trees.find(OTHER_RUN, "model/MLmodel") is None


async def test_equal_bytes_are_kept_where_the_first_upload_put_them(trees: Trees) -> None:
    assert (await trees.put(RUN, "a", "same", location="blobs/first")).location == "blobs/first"
    assert (await trees.put(OTHER_RUN, "b", "same", location="blobs/second")).location == "blobs/first"
    rows = await trees.do(lambda tx: tx.rows("SELECT location FROM blobs"))
    assert rows == [("blobs/first",)]


async def test_a_blob_that_waits_to_be_deleted_is_kept_when_it_is_put_again(trees: Trees) -> None:
    await trees.put(RUN, "a", "same")
    await trees.do(lambda tx: tx.run("UPDATE blobs SET condemned_ms = 1"))
    await trees.put(RUN, "b", "same")
    assert await trees.do(lambda tx: tx.rows("SELECT condemned_ms FROM blobs")) == [(None,)]


async def test_a_listing_has_files_with_sizes_and_each_directory_once(trees: Trees) -> None:
    for path in ("model/MLmodel", "model/data/weights", "model.txt", "a"):
        await trees.put(RUN, path, "12345")
    assert await trees.infos(RUN) == [
        FileInfo("a", False, 5),
        FileInfo("model", True),
        FileInfo("model.txt", False, 5),
    ]
    assert await trees.names(RUN, "model") == ["model/MLmodel", "model/data/"]


async def test_a_listing_of_a_file_and_of_nothing_is_empty(trees: Trees) -> None:
    await trees.put(RUN, "a")
    assert await trees.infos(RUN, "a") == []
    assert await trees.infos(RUN, "b") == []
    assert await trees.infos(OTHER_RUN) == []


async def test_names_sort_by_their_bytes_on_every_database(trees: Trees) -> None:
    for name in ("b", "B", "a", "Ä", "é", "z", "_", "模"):
        await trees.put(RUN, name)
    assert await trees.names(RUN) == ["B", "_", "a", "b", "z", "Ä", "é", "模"]


async def test_what_lies_deeper_is_skipped_and_neighbours_in_the_order_are_not(
    trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "PAGE", 2)
    for path in ("d/1", "d/2", "d/3", "d/4", "d!", "d0", "d.txt", "e/1", "e/2", "f"):
        await trees.put(RUN, path)
    assert await trees.names(RUN) == ["d/", "d!", "d.txt", "d0", "e/", "f"]


async def test_a_file_is_refused_where_a_directory_is(trees: Trees) -> None:
    await trees.put(RUN, "a/b/c")
    for path in ("a", "a/b"):
        with pytest.raises(InvalidParameter, match=f"{path}' is a directory"):
            await trees.put(RUN, path)
    assert await trees.paths(RUN) == ["a/b/c"]


async def test_a_file_is_refused_below_a_file(trees: Trees) -> None:
    await trees.put(RUN, "a")
    for path in ("a/b", "a/b/c"):
        with pytest.raises(InvalidParameter, match="/a' is a file"):
            await trees.put(RUN, path)
    assert await trees.paths(RUN) == ["a"]


async def test_a_directory_that_was_deleted_may_become_a_file(trees: Trees) -> None:
    await trees.put(RUN, "a/b")
    await trees.delete(RUN, "a")
    await trees.put(RUN, "a")
    assert await trees.paths(RUN) == ["a"]


async def test_a_runs_folder_and_what_leads_to_it_are_directories_for_other_paths(trees: Trees) -> None:
    await trees.put(RUN, "a")
    for path in ("1", RUN.removesuffix("/artifacts")):
        with pytest.raises(InvalidParameter, match="is a directory"):
            await trees.put("", path)


async def test_a_run_is_refused_below_a_file_of_another_path(trees: Trees) -> None:
    await trees.put("", "1")
    with pytest.raises(InvalidParameter, match="'1' is a file"):
        await trees.put(RUN, "a")


async def test_other_paths_list_the_runs_that_lie_in_them(trees: Trees) -> None:
    await trees.put(RUN, "a")
    await trees.put(OTHER_RUN, "a")
    await trees.put("", "1/notes.txt")
    await trees.put("", "data/train.csv")
    runs = [root.split("/")[1] for root in (RUN, OTHER_RUN)]
    assert await trees.names("") == ["1/", "data/"]
    assert await trees.names("", "1") == [f"1/{runs[0]}/", f"1/{runs[1]}/", "1/notes.txt"]
    assert await trees.names("", f"1/{runs[0]}") == [f"{RUN}/"]


async def test_a_run_whose_files_were_all_deleted_is_listed_no_more(trees: Trees) -> None:
    await trees.put(RUN, "a")
    await trees.delete(RUN, "a")
    assert await trees.names("") == []


async def test_a_file_is_deleted_alone_and_a_directory_with_all_in_it(trees: Trees) -> None:
    for path in ("a", "a.txt", "d/1", "d/e/2", "d.txt", "d0"):
        await trees.put(RUN, path)
    await trees.put(OTHER_RUN, "d/1")
    assert await trees.delete(RUN, "a") == 1
    assert await trees.delete(RUN, "d") == 2
    assert await trees.delete(RUN, "nothing") == 0
    assert await trees.paths(RUN) == ["a.txt", "d.txt", "d0"]
    assert await trees.paths(OTHER_RUN) == ["d/1"]


async def test_deleting_no_path_empties_the_manifest(trees: Trees) -> None:
    await trees.put(RUN, "a")
    await trees.put(OTHER_RUN, "a")
    await trees.delete(RUN, "")
    assert (await trees.paths(RUN), await trees.paths(OTHER_RUN)) == ([], ["a"])


async def test_deleting_an_experiments_folder_takes_its_runs(trees: Trees) -> None:
    await trees.put(RUN, "a")
    await trees.put("10/0123456789abcdef0123456789abcdef/artifacts", "a")
    await trees.put("", "1/notes.txt")
    assert await trees.delete("", "1") == 2
    assert await trees.names("") == ["10/"]


async def test_of_a_file_and_a_directory_put_at_the_same_time_one_is_refused(trees: Trees) -> None:
    for number in range(20):
        pair = ((RUN, f"{number}"), (RUN, f"{number}/below"))
        outcomes = await asyncio.gather(*(trees.put(*each) for each in pair), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Blob", "InvalidParameter"]


async def test_of_a_new_run_and_a_file_in_its_way_put_at_the_same_time_one_is_refused(trees: Trees) -> None:
    for number in range(20):
        pair = ((f"{number}/{RUN}", "a"), ("", f"{number}"))
        outcomes = await asyncio.gather(*(trees.put(*each) for each in pair), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Blob", "InvalidParameter"]


async def test_the_same_path_put_by_many_at_the_same_time_has_one_of_their_contents(trees: Trees) -> None:
    contents = [f"content {number}" for number in range(20)]
    await asyncio.gather(*(trees.put(RUN, "a", content) for content in contents))
    found = await trees.find(RUN, "a")
    assert found is not None
    assert found.blob in [blob(content) for content in contents]
    assert await trees.paths(RUN) == ["a"]


async def test_the_same_bytes_put_by_many_at_the_same_time_are_one_blob(trees: Trees) -> None:
    kept = await asyncio.gather(*(trees.put(RUN, f"{n}", "same", location=f"blobs/{n}") for n in range(20)))
    assert len({each.location for each in kept}) == 1
    assert await trees.do(lambda tx: tx.rows("SELECT count(*) FROM blobs")) == [(1,)]


async def test_any_sequence_of_puts_and_deletes_is_that_of_a_folder(
    trees: Trees, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held against a plain set of paths, in trees so small that everything meets everything."""
    monkeypatch.setattr(manifests, "PAGE", 3)
    chance = random.Random(7)
    files: set[str] = set()
    for _ in range(300):
        path = "/".join(chance.choices(["a", "b", "a!", "a0", "b.c"], k=chance.randint(1, 3)))
        if chance.random() < 0.25:
            gone = {file for file in files if file == path or file.startswith(f"{path}/")}
            assert await trees.delete(RUN, path) == len(gone)
            files -= gone
        elif any(path.startswith(f"{file}/") or file.startswith(f"{path}/") for file in files):
            with pytest.raises(InvalidParameter):
                await trees.put(RUN, path)
        else:
            await trees.put(RUN, path)
            files.add(path)
        directory = chance.choice(["", "a", "b", "a/b"])
        prefix = f"{directory}/" if directory else ""
        below = [file.removeprefix(prefix) for file in files if file.startswith(prefix)]
        expected = {prefix + name.partition("/")[0] + "/" * ("/" in name) for name in below}
        assert set(await trees.names(RUN, directory)) == expected
