"""Calls to a tracking server: structs in, structs out, errors of the exception tree.

Importing this is cheap; what speaks HTTP is imported by the first call.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import msgspec

from trackback.client.address import find_address
from trackback.client.closing import Closing
from trackback.client.downloads import PartialFile
from trackback.client.progress import Advance, ignore
from trackback.client.retries import Retries
from trackback.client.uploads import pieces_of
from trackback.client.wire import Request, encode, query
from trackback.errors import DataLoss
from trackback.limits import check_artifact_path

if TYPE_CHECKING:
    from trackback.client.connection import Connection

T = TypeVar("T", bound=msgspec.Struct)

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"
"""Where a server keeps artifacts for its clients; ``mlflow-artifacts:/path`` means ``path`` under it."""
TIMEOUT_S = 120.0  # MLflow's
RETRIES = Retries()


class Transport(Closing):
    """A server, spoken to over connections that are kept. Threads may share it; a forked process makes its own.

    uri: where the server is, ``http://127.0.0.1:5000`` unless the environment says more.
    token, username, password: who asks. ``find_address`` tells where they come from when they are not given; they are
        sent to the server, and shown nowhere.
    timeout_s: how long the server may be silent, in seconds.
    retries: how long to go on after failures that pass.
    """

    def __init__(
        self,
        uri: str | None = None,
        *,
        token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: Retries = RETRIES,
    ) -> None:
        self._address = find_address(uri, token=token, username=username, password=password)
        self._timeout_s = timeout_s
        self._retries = retries
        # By process: sockets may not be shared with a forked one.
        self._connections: dict[int, Connection] = {}

    @property
    def uri(self) -> str:
        """The server's URI, without credentials."""
        return self._address.uri

    def call(self, method: str, path: str, request: Request, answer: type[T], *, idempotent: bool = True) -> T:
        """Send ``request`` to ``path`` of the server, and return its answer.

        request: a GET's goes into the query string, all others' into a JSON body.
        answer: the struct to read the answer into; ``Nothing`` where it says nothing.
        idempotent: whether carrying it out twice is as good as once. Where it is not, it is repeated only when the
            server did nothing for certain.

        Errors: that of the server, by its code; Unavailable if there was no answer; TrackbackError if what was
        answered is no answer, as of a login page.
        """
        target, body = (_with_query(path, request), None) if method == "GET" else (path, encode(request))
        return self._retries.run(
            lambda: self._connection().exchange(method, target, body, answer), idempotent=idempotent
        )

    def post(self, path: str, content: bytes, media_type: str, answer: type[T]) -> T:
        """Send what is no JSON to ``path``, as often as it takes, and return the answer. Errors: as for ``call``."""
        return self._retries.run(lambda: self._connection().exchange("POST", path, content, answer, media_type))

    def upload(self, path: str, content: bytes | Path, advance: Advance = ignore) -> str:
        """Keep ``content``, bytes or a file's, as the artifact at the proxy path ``path``; its SHA-256, in hex digits.

        It is sent piece by piece, and compared with the digest that the server answers with, if it is trackback's.
        ``advance`` is told of the bytes as they go.

        InvalidParameter: the path is unsafe. InvalidState: the file shrank meanwhile. DataLoss: the server keeps other
        bytes than were sent.
        """
        target = artifact_target(path)
        with pieces_of(content, advance) as pieces:
            return self._retries.run(lambda: pieces.verify(path, self._connection().put(target, pieces)))

    def download(self, path: str, destination: Path) -> str:
        """Fetch the artifact at the proxy path ``path`` into a file; the SHA-256 of its content, in hex digits.

        It is written piece by piece, and goes on where it was cut, if the server can. The file is at ``destination``
        only once it is whole; folders above are made.

        NotFound: there is none. DataLoss: it is not what the server's digest says. StorageFull: the disk is full.
        """
        return self.fetch(artifact_target(path), {}, destination)

    def fetch(self, path: str, request: Request, destination: Path) -> str:
        """Fetch the file that a GET of ``path`` with ``request`` answers with, as ``download`` does."""
        with PartialFile(destination) as partial:
            return self.complete(path, request, partial)

    def complete(self, path: str, request: Request, partial: PartialFile) -> str:
        """Fetch what ``partial`` lacks of the file that a GET of ``path`` answers with, as ``download`` does."""
        target = _with_query(path, request)
        taken_up = partial.size > 0
        self._fetch_rest(target, partial)
        try:
            return partial.finish()
        except DataLoss:
            if not taken_up:
                raise
        self._fetch_rest(target, partial)  # what came before was at fault, perhaps
        return partial.finish()

    def _fetch_rest(self, target: str, partial: PartialFile) -> None:
        if not partial.is_whole:
            self._retries.run(lambda: self._connection().fetch(target, partial), progress=lambda: partial.size)

    def close(self) -> None:
        """Close the connections of this process. A later call opens new ones."""
        if connection := self._connections.pop(os.getpid(), None):
            connection.close()

    def __repr__(self) -> str:
        return f"Transport({self.uri!r})"

    def _connection(self) -> "Connection":
        if connection := self._connections.get(os.getpid()):
            return connection
        from trackback.client.connection import Connection  # noqa: PLC0415 - see above

        return self._connections.setdefault(os.getpid(), Connection(self._address, self._timeout_s))


def _with_query(path: str, request: Request) -> str:
    fields = query(request)
    return f"{path}?{fields}" if fields else path


def artifact_target(path: str) -> str:
    """Where the artifact at a proxy path is. InvalidParameter: it is no path of a file or folder."""
    return ARTIFACTS + "/".join(quote(name, safe="") for name in check_artifact_path(path).split("/"))
