"""Trees of artifacts: all files below a proxy path with their digests, so that a copy of them can be verified."""

from trackback import limits
from trackback.artifacts import paths
from trackback.entities import Actor, Permission, TreeFile
from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.services import file_access
from trackback.services.pages import Page
from trackback.storage import Storage, Transaction, manifests


class ArtifactTrees:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def files(
        self, actor: Actor, path: str, *, max_results: int = limits.TREE_FILES_PER_PAGE_DEFAULT, page_token: str = ""
    ) -> Page[TreeFile]:
        """The files in a directory and in all below it, by their paths there; a file's own path is empty.

        Nothing where there is nothing, or nothing for the actor to read. The token is the last file's path, so that
        what is uploaded meanwhile shifts nothing. Raises InvalidParameter for a directory above those of runs.
        """
        limits.check_max_results(max_results, limits.TREE_FILES_PER_PAGE)
        limits.check_text(page_token, "page_token")
        root, inner = paths.split_root(paths.check_path(path.removesuffix("/")))

        def operation(tx: Transaction) -> list[TreeFile]:
            if not file_access.may(tx, actor, Permission.READ, root):
                return []
            if inner and (entry := manifests.find(tx, root, inner)):
                return [TreeFile("", entry.blob.digest, entry.blob.size)]
            if not root and manifests.is_above_roots(tx, inner):
                raise InvalidParameter(
                    f"Invalid path: {shown(path)} is above the artifacts of runs or models: name those of one."
                )
            return manifests.files_below(tx, root, inner, page_token, max_results + 1)

        found = await self._storage.read(operation)
        page = found[:max_results]
        return Page(page, page[-1].path if len(found) > max_results else None)
