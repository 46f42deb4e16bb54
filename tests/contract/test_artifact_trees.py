"""Trees of artifacts, on each database: their files with digests, a page at a time."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from trackback.artifacts import open_blobs
from trackback.entities import ANYONE, Actor, Grants, Permission, TreeFile, listing_digest
from trackback.errors import InvalidParameter
from trackback.services.artifact_trees import ArtifactTrees
from trackback.services.artifacts import Artifacts
from trackback.services.experiments import Experiments
from trackback.services.runs import Runs
from trackback.storage import Storage

FILES = {"b/c": b"1", "b/d/e": b"22", "b-": b"333", "a": b""}


class Tree:
    """A run's artifacts."""

    def __init__(self, storage: Storage, artifacts: Artifacts, root: str) -> None:
        self.trees = ArtifactTrees(storage)
        self.artifacts = artifacts
        self.root = root

    async def put(self, path: str, content: bytes) -> None:
        await self.artifacts.put(ANYONE, path, stream(content))

    async def paths(self, path: str = "", actor: Actor = ANYONE) -> list[str]:
        page = await self.trees.files(actor, f"{self.root}/{path}" if path else self.root)
        return [each.path for each in page.items]


async def stream(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.fixture
async def tree(storage: Storage, tmp_path: Path) -> AsyncIterator[Tree]:
    blobs = open_blobs(str(tmp_path / "artifacts"))
    experiment = await Experiments(storage, "mlflow-artifacts:/").create(ANYONE, "trees")
    info = (await Runs(storage).create(ANYONE, experiment)).info
    tree = Tree(storage, Artifacts(storage, blobs, "mlflow-artifacts:/"), info.artifact_uri.partition(":/")[2])
    for path, content in FILES.items():
        await tree.put(f"{tree.root}/{path}", content)
    yield tree
    await blobs.close()


async def test_all_files_below_come_with_digest_and_size_by_path(tree: Tree) -> None:
    page = await tree.trees.files(ANYONE, tree.root)
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()}
    assert list(page.items) == [TreeFile(path, digests[path], len(FILES[path])) for path in sorted(FILES)]
    assert page.next_page_token is None


async def test_those_of_a_directory_are_named_within_it(tree: Tree) -> None:
    assert await tree.paths("b") == ["c", "d/e"]
    assert await tree.paths("b/") == ["c", "d/e"]


async def test_a_file_is_a_tree_of_its_own(tree: Tree) -> None:
    assert await tree.paths("b/d/e") == [""]


async def test_where_there_is_nothing_there_are_no_files(tree: Tree) -> None:
    assert await tree.paths("c") == []


async def test_pages_follow_one_another_whatever_is_uploaded_meanwhile(tree: Tree) -> None:
    first = await tree.trees.files(ANYONE, tree.root, max_results=2)
    await tree.put(f"{tree.root}/0", b"")
    second = await tree.trees.files(ANYONE, tree.root, max_results=2, page_token=first.next_page_token or "")
    assert [each.path for each in (*first.items, *second.items)] == sorted(FILES)
    assert second.next_page_token is None


async def test_what_lies_above_runs_is_no_tree(tree: Tree) -> None:
    with pytest.raises(InvalidParameter, match="above the artifacts of runs"):
        await tree.trees.files(ANYONE, tree.root.partition("/")[0])


async def test_files_of_no_run_are_a_tree_too(tree: Tree) -> None:
    await tree.put("elsewhere/x", b"1")
    page = await tree.trees.files(ANYONE, "elsewhere")
    assert [each.path for each in page.items] == ["x"]


async def test_who_may_not_read_them_sees_none(tree: Tree) -> None:
    stranger = Actor("stranger", grants=Grants())
    reader = Actor("reader", grants=Grants(frozenset([Permission.READ])))
    assert await tree.paths(actor=stranger) == []
    assert await tree.paths(actor=reader) == sorted(FILES)


def test_a_listings_digest_is_that_of_what_sha256sum_prints() -> None:
    listing = b"%064d  a\n%064d  b\n" % (2, 1)
    assert listing_digest([("b", f"{1:064d}"), ("a", f"{2:064d}")]) == hashlib.sha256(listing).hexdigest()
