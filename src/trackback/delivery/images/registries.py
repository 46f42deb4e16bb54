"""Images to and from a registry, by the OCI distribution protocol, with their very bytes: so their digests stay."""

import hashlib
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from trackback.client.closing import Closing
from trackback.delivery.images.blobs import READ_BYTES, Blobs
from trackback.delivery.images.credentials import find_login
from trackback.delivery.images.layouts import (
    DOCKER_INDEX_TYPE,
    DOCKER_MANIFEST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
)
from trackback.delivery.images.references import Reference
from trackback.errors import DataLoss, InvalidParameter, NotFound, PermissionDenied, TrackbackError, Unavailable

_ACCEPT = ", ".join((MANIFEST_TYPE, INDEX_TYPE, DOCKER_MANIFEST_TYPE, DOCKER_INDEX_TYPE))
_PAUSES_S = (0.5, 2, 5)
_TIMEOUT = httpx.Timeout(30, read=120, write=120)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_AGAIN = (429, 500, 502, 503, 504)
_LARGEST_MANIFEST = 4 << 20


class Registry(Closing):
    """One repository of a registry. Errors of all methods: PermissionDenied: it refuses; Unavailable: it is away."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        as_it_is = {"Accept-Encoding": "identity"}
        self._client = httpx.Client(timeout=_TIMEOUT, follow_redirects=False, headers=as_it_is)
        self._authorization: str | None = None

    def pull_manifest(self, name: str) -> tuple[Descriptor, bytes]:
        """The manifest or index of a tag or digest, and its bytes. NotFound: there is none. DataLoss: it is damaged."""
        answer = self._send("GET", f"manifests/{name}", headers={"Accept": _ACCEPT})
        if answer.status_code == 404:
            raise NotFound(f"There is no image {self._reference.name} with {name}. Name one that the registry has.")
        self._check(answer, "be pulled")
        content = answer.content[:_LARGEST_MANIFEST]
        media_type = answer.headers.get("content-type", "").partition(";")[0] or MANIFEST_TYPE
        descriptor = Descriptor(media_type, _digest_of(content), len(content))
        if name.startswith("sha256:") and name != descriptor.digest:
            raise DataLoss(f"{self._reference.name} answered for {name} with something that has another digest.")
        return descriptor, content

    def pull_blob(self, wanted: Descriptor, blobs: Blobs) -> None:
        """Have a blob here, unless it is. DataLoss: it arrives damaged."""
        if blobs.has(wanted.digest, wanted.size):
            return
        answer = self._send("GET", f"blobs/{wanted.digest}", stream=True)
        try:
            for _ in range(5):  # registries send to where the bytes lie, which is not to be told who asks
                if not answer.is_redirect:
                    break
                target = urljoin(str(answer.url), answer.headers["location"])
                answer.close()
                answer = self._client.send(self._client.build_request("GET", target), stream=True)
            if not answer.is_success:
                answer.read()
            self._check(answer, "be pulled")
            with blobs.create(wanted.digest) as blob:
                for piece in answer.iter_raw(READ_BYTES):
                    blob.write(piece)
        except httpx.HTTPError as error:
            raise self._away(error) from error
        finally:
            answer.close()

    def has_blob(self, digest: str) -> bool:
        return self._send("HEAD", f"blobs/{digest}").is_success

    def push_blob(self, blob: Descriptor, path: Path) -> None:
        """Have a blob there, unless it is."""
        if self.has_blob(blob.digest):
            return
        begun = self._send("POST", "blobs/uploads/", headers={"Content-Length": "0"})
        self._check(begun, "be pushed")
        place = urljoin(str(begun.url), begun.headers["location"])
        place += f"{'&' if urlsplit(place).query else '?'}digest={blob.digest}"
        headers = {"Content-Length": str(blob.size), "Content-Type": "application/octet-stream"}
        self._check(self._send("PUT", place, headers=headers, path=path), "be pushed")

    def push_manifest(self, manifest: Descriptor, content: bytes, name: str) -> None:
        """Have a manifest known there by a tag or its digest; what it refers to has to be there."""
        headers = {"Content-Type": manifest.media_type}
        self._check(self._send("PUT", f"manifests/{name}", headers=headers, content=content), "be pushed")

    def _send(self, method: str, place: str, *, path: Path | None = None, **request: Any) -> httpx.Response:
        """An answer; one that says that it may be otherwise in a moment only after some tries."""
        url = place if "://" in place else f"{self._reference.api}/{place}"
        for pause_s in (*_PAUSES_S, None):
            try:
                answer = self._ask(method, url, path, **request)
            except httpx.TransportError as error:
                if pause_s is None:
                    raise self._away(error) from error
            else:
                if answer.status_code not in _AGAIN or pause_s is None:
                    return answer
                answer.close()
            time.sleep(pause_s)
        raise AssertionError

    def _ask(self, method: str, url: str, path: Path | None, **request: Any) -> httpx.Response:
        answer = self._once(method, url, path, **request)
        if answer.status_code == 401 and (authorization := self._authorize(answer)):
            answer.close()
            self._authorization = authorization
            answer = self._once(method, url, path, **request)
        return answer

    def _once(
        self, method: str, url: str, path: Path | None, stream: bool = False, headers: Any = None, content: Any = None
    ) -> httpx.Response:
        said = dict(headers or {})
        if self._authorization and urlsplit(url).netloc == urlsplit(self._reference.api).netloc:
            said["Authorization"] = self._authorization
        body = content if path is None else _pieces(path)
        return self._client.send(self._client.build_request(method, url, headers=said, content=body), stream=stream)

    def _authorize(self, refusal: httpx.Response) -> str | None:
        """What the registry wants to be shown, by what it says when it is not; None if there is nothing to show."""
        challenge = refusal.headers.get("www-authenticate", "")
        login = find_login(self._reference.registry)
        if challenge.lower().startswith("basic"):
            return f"Basic {b64encode(':'.join(login).encode()).decode()}" if login else None
        said = dict(_CHALLENGE.findall(challenge))
        if "realm" not in said:
            return None
        asked = {name: said[name] for name in ("service", "scope") if name in said}
        answer = self._client.get(said["realm"], params=asked, auth=httpx.BasicAuth(*login) if login else None)
        if not answer.is_success:
            return None
        token = answer.json().get("token") or answer.json().get("access_token")
        return f"Bearer {token}" if token else None

    def _check(self, answer: httpx.Response, what: str) -> None:
        if answer.is_success:
            return
        raise self._refusal(answer, what)

    def _refusal(self, answer: httpx.Response, what: str) -> TrackbackError:
        said = _message_of(answer)
        told = (
            f"{self._reference} can't {what}: the registry answers {answer.status_code}{f', {said}' if said else ''}."
        )
        if answer.status_code in (401, 403):
            return PermissionDenied(
                f"{told} Log in, as `docker login {self._reference.registry}` or `buildah login` does, or set "
                "TRACKBACK_REGISTRY_USERNAME and TRACKBACK_REGISTRY_PASSWORD, as somebody who may."
            )
        if answer.status_code == 404:
            return NotFound(f"{told} Is the repository's name right?")
        if answer.status_code in _AGAIN:
            return Unavailable(f"{told} Try again in a while.")
        if answer.status_code in (400, 405, 409, 413):
            return PermissionDenied(f"{told} Ask whoever runs the registry, or choose another --tag.")
        return InvalidParameter(told)

    def _away(self, error: Exception) -> Unavailable:
        return Unavailable(f"The registry of {self._reference} can't be reached: {str(error) or type(error).__name__}.")

    def close(self) -> None:
        self._client.close()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(READ_BYTES):
            yield data


def _digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _message_of(answer: httpx.Response) -> str:
    """What a registry says of an error, in its own words."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(f"{each.get('code', '')}: {each.get('message', '')}".strip(": ") for each in errors)[:500]
    except (ValueError, KeyError, TypeError, AttributeError, httpx.ResponseNotRead):
        return ""
