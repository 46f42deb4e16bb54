"""Calls of GoCD's HTTP API, each with the version that it is known by. https://api.gocd.org/current/"""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from trackback import __version__
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
from trackback.delivery.gocd.refusals import no_answer, no_connection, refusal

TIMEOUT_S = 30.0
TIMEOUT_CONNECT_S = 10.0

REPOSITORIES = "/api/admin/repositories"
PACKAGES = "/api/admin/packages"
MATERIALS = "/api/config/materials"

T = TypeVar("T", bound=msgspec.Struct)


class Tagged(NamedTuple):
    """A configuration as it is, and the ETag by which it may be changed as long as it is that."""

    value: Any
    etag: str


class GoCD:
    """A GoCD server. ``url`` is that of its pages, ``https://gocd.example.org/go``; ``/go`` may be left out.

    ``token`` is an access token of a user, which GoCD's pages make. It is sent to that server only.
    """

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        self.url = f"{url.rstrip('/').removesuffix('/go')}/go"
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            headers={
                "Authorization": f"Bearer {token}",
                "User-Agent": f"trackback/{__version__}",
                "Accept-Encoding": "identity",  # GoCD marks the ETags of what it has compressed
            },
            timeout=httpx.Timeout(timeout_s, connect=min(TIMEOUT_CONNECT_S, timeout_s)),
        )

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
            path = self._path(following.href) if following and page.pipelines else None

    def run(self, pipeline: str, counter: str) -> PipelineRun:
        return self._get(f"/api/pipelines/{_segment(pipeline)}/{_segment(counter)}/instance", 1, PipelineRun)[0]

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, path: str, version: int, answer: type[T]) -> tuple[T, str]:
        response = self._ask("GET", path, version)
        return self._read(response, answer), response.headers.get("etag", "")

    def _send(self, method: str, path: str, version: int, body: dict[str, Any], answer: type[T], etag: str = "") -> T:
        headers = {"If-Match": etag} if etag else {}
        return self._read(self._ask(method, path, version, body, headers), answer)

    def _ask(
        self,
        method: str,
        path: str,
        version: int,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        accept = {"Accept": f"application/vnd.go.cd.v{version}+json"}
        try:
            response = self._client.request(method, self.url + path, json=body, headers={**accept, **(headers or {})})
        except httpx.TransportError as error:
            raise no_connection(self.url, error, self._timeout_s) from error
        if response.status_code >= 300:
            raise refusal(f"{method} {self.url}{path.partition('?')[0]}", response)
        return response

    def _read(self, response: httpx.Response, answer: type[T]) -> T:
        try:
            return msgspec.json.decode(response.content, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise no_answer(str(response.request.url), response, error) from error

    def _path(self, href: str) -> str:
        """The path of a link; the server may be reached by another name than it calls itself."""
        path = httpx.URL(href).raw_path.decode()
        return path[path.index("/api/") :]


def _segment(text: str) -> str:
    return quote(text, safe="")
