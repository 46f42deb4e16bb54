"""Our API for files: whole trees of artifacts, with digests. Their bytes go through the proxy, as with MLflow."""

import msgspec

from trackback.entities import Actor, Permission, TreeFile
from trackback.limits import TREE_FILES_PER_PAGE_DEFAULT
from trackback.server.api.paths import API
from trackback.server.mlflow.endpoints import rpc
from trackback.server.mlflow.protojson import Int64, Message, NonEmpty
from trackback.services import Services


class ListTree(Message, frozen=True):
    path: NonEmpty
    max_results: Int64 = TREE_FILES_PER_PAGE_DEFAULT
    page_token: str = ""


class TreeAnswer(msgspec.Struct, omit_defaults=True):
    files: tuple[TreeFile, ...] = ()
    next_page_token: str | None = None


async def list_tree(services: Services, actor: Actor, request: ListTree) -> TreeAnswer:
    page = await services.artifact_trees.files(
        actor, request.path, max_results=request.max_results, page_token=request.page_token
    )
    return TreeAnswer(tuple(page.items), page.next_page_token)


ROUTES = rpc("GET", "files", Permission.READ, ListTree, list_tree, under=API)
