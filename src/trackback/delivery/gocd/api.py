"""Calls of GoCD's HTTP API, each with the version that it is known by. https://api.gocd.org/current/"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from trackback.client.address import address_of
from trackback.client.closing import Closing
from trackback.client.connection import Connection
from trackback.client.peers import Peer
from trackback.client.retries import Retries
from trackback.client.wire import encode
from trackback.delivery.gocd.answers import (
    Material,
    Materials,
    Package,
    Packages,
    PipelineHistory,
    PipelineRun,
    Repositories,
    Repository,
)
from trackback.delivery.gocd.refusals import no_answer, refusal

TIMEOUT_S = 30.0

REPOSITORIES = "/api/admin/repositories"
PACKAGES = "/api/admin/packages"
MATERIALS = "/api/config/materials"

T = TypeVar("T", bound=msgspec.Struct)

_GOCD = Peer(
    refusal,
    no_answer,
    unknown_host="Check --server.",
    no_server="Check --server, and that GoCD runs and can be reached from here.",
)
_ONCE = Retries(deadline_s=0)


class Tagged(NamedTuple):
    """A configuration as it is, and the ETag by which it may be changed as long as it is that."""

    value: Any
    etag: str


class GoCD(Closing):
    """A GoCD server. ``url`` is that of its pages, ``https://gocd.example.org/go``; ``/go`` may be left out.

    ``token`` is an access token of a user, which GoCD's pages make. It is sent to that server only.
    """

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        root = url.strip().rstrip("/").removesuffix("/go")
        self._address = address_of(f"{root}/go", token, named="GoCD", such_as="https://gocd.example.org/go")
        self._connection = Connection(self._address, timeout_s, _GOCD)

    @property
    def url(self) -> str:
        return self._address.uri

    @property
    def is_on_this_machine(self) -> bool:
        return self._address.is_loopback

    def repositories(self) -> tuple[Repository, ...]:
        return self._get(REPOSITORIES, 1, Repositories)[0].embedded.package_repositories

    def repository(self, repo_id: str) -> Tagged:
        return Tagged(*self._get(f"{REPOSITORIES}/{_segment(repo_id)}", 1, Repository))

    def create_repository(self, repository: dict[str, Any]) -> Repository:
        return self._send("POST", REPOSITORIES, 1, repository, Repository)

    def update_repository(self, repo_id: str, repository: dict[str, Any], etag: str) -> Repository:
        return self._send("PUT", f"{REPOSITORIES}/{_segment(repo_id)}", 1, repository, Repository, etag)

    def packages(self) -> tuple[Package, ...]:
        return self._get(PACKAGES, 2, Packages)[0].embedded.packages

    def package(self, package_id: str) -> Tagged:
        return Tagged(*self._get(f"{PACKAGES}/{_segment(package_id)}", 2, Package))

    def create_package(self, package: dict[str, Any]) -> Package:
        return self._send("POST", PACKAGES, 2, package, Package)

    def update_package(self, package_id: str, package: dict[str, Any], etag: str) -> Package:
        return self._send("PUT", f"{PACKAGES}/{_segment(package_id)}", 2, package, Package, etag)

    def materials(self) -> tuple[Material, ...]:
        """The materials that pipelines have."""
        return self._get(MATERIALS, 2, Materials)[0].embedded.materials

    def history(self, pipeline: str) -> Iterator[PipelineRun]:
        """The runs of a pipeline, the newest first, read as they are needed."""
        path: str | None = f"/api/pipelines/{_segment(pipeline)}/history"
        while path:
            page, _ = self._get(path, 1, PipelineHistory)
            yield from page.pipelines
            following = page.links.next if page.links else None
            path = _path(following.href) if following and page.pipelines else None

    def run(self, pipeline: str, counter: str) -> PipelineRun:
        return self._get(f"/api/pipelines/{_segment(pipeline)}/{_segment(counter)}/instance", 1, PipelineRun)[0]

    def close(self) -> None:
        self._connection.close()

    def _get(self, path: str, version: int, answer: type[T]) -> tuple[T, str]:
        return self._ask("GET", path, version, answer)

    def _send(self, method: str, path: str, version: int, body: dict[str, Any], answer: type[T], etag: str = "") -> T:
        return self._ask(method, path, version, answer, encode(body), {"if-match": etag} if etag else {})[0]

    def _ask(
        self,
        method: str,
        path: str,
        version: int,
        answer: type[T],
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[T, str]:
        """The answer and its ETag. GoCD's API has a version for each call."""
        accept = {"accept": f"application/vnd.go.cd.v{version}+json", **headers}
        found, told = _ONCE.run(lambda: self._connection.exchange_with_headers(method, path, body, answer, accept))
        return found, told.get("etag", "")


def _path(href: str) -> str:
    """The path and query of a link; the server may be reached by another name than it calls itself."""
    return f"/api/{href.partition('/api/')[2]}"


def _segment(text: str) -> str:
    return quote(text, safe="")
