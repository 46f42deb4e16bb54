"""Names of images: `registry.example/team/churn:7`, `churn@sha256:…`."""

import re
from dataclasses import dataclass, replace

from trackback.errors import InvalidParameter
from trackback.limits import shown

DEFAULT_REGISTRY = "docker.io"
_DEFAULT_API = "registry-1.docker.io"
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?")


@dataclass(frozen=True)
class Reference:
    """``registry`` is a host, with its port if it has one; ``repository`` what the image is called there."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """Without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def api(self) -> str:
        """The URL of the registry's API. Registries on loopback speak HTTP, as to other tools."""
        host = _DEFAULT_API if self.registry == DEFAULT_REGISTRY else self.registry
        return f"{'http' if _LOOPBACK.fullmatch(host) else 'https'}://{host}/v2/{self.repository}"

    @property
    def asked_for(self) -> str:
        """The digest if there is one, else the tag."""
        return self.digest or self.tag or "latest"

    def at(self, digest: str) -> str:
        """The image by its digest, as a deployment names it."""
        return f"{self.name}@{digest}"

    def tagged(self, tag: str) -> "Reference":
        """With this tag, if it has none."""
        return self if self.tag else replace(self, tag=tag)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """What a name means, as docker reads it: without a registry one of Docker Hub. InvalidParameter: it is no name."""
    rest, at, digest = text.partition("@")
    first, slash, below = rest.partition("/")
    registry = DEFAULT_REGISTRY
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, rest = first, below
    repository, colon, tag = rest.partition(":")
    if registry == DEFAULT_REGISTRY and repository and "/" not in repository:
        repository = f"library/{repository}"
    fits = _HOST.fullmatch(registry) and _REPOSITORY.fullmatch(repository)
    if not fits or (colon and not _TAG.fullmatch(tag)) or (at and not _DIGEST.fullmatch(digest)):
        raise InvalidParameter(
            f"{shown(text)} is no name of an image. Write registry.example/team/churn:7, in small letters; a digest is "
            "written @sha256:… with 64 hex digits."
        )
    return Reference(registry, repository, tag or None, digest or None)
