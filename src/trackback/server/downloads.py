"""Files as answers: whole, a range, or only "not modified".

Whatever a file holds, a browser is to save it or to show it as text or image, never to run it: it comes as an
attachment, of a type that holds no scripts, and is not to be sniffed for another.
"""

import mimetypes
import re
from contextlib import aclosing
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from trackback.errors import RangeNotSatisfiable
from trackback.server.replies import error_body
from trackback.services.artifacts import OpenFile

_TEXT_NAMES = frozenset(("MLmodel", "MLproject", "Dockerfile", "LICENSE", "README"))
_TEXT_ENDINGS = frozenset(
    (
        *(
            "bash",
            "c",
            "cf",
            "cfg",
            "cnf",
            "conf",
            "cpp",
            "css",
            "csv",
            "diff",
            "env",
            "err",
            "go",
            "h",
            "hocon",
            "htm",
        ),
        *(
            "html",
            "ini",
            "ipynb",
            "java",
            "js",
            "json",
            "jsonl",
            "kt",
            "lock",
            "log",
            "markdown",
            "md",
            "mjs",
            "ndjson",
        ),
        *("out", "patch", "prop", "properties", "proto", "py", "pyi", "r", "rs", "rst", "scala", "sh", "sql", "tex"),
        *("text", "toml", "ts", "tsv", "txt", "xhtml", "xml", "yaml", "yml"),
    )
)
_TYPES = mimetypes.MimeTypes()  # its own table: what a machine has in /etc/mime.types should make no difference
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")  # more digits than a file has bytes are no range


def download(file: OpenFile, request: Request) -> Response:
    """The answer to a GET or HEAD of ``file``: 200, 206, 304 or 416, by the request's headers."""
    headers = _headers(file)
    if _is_known(file, request):
        return Response(status_code=304, headers=headers)
    try:
        part = _requested_range(file, request)
    except RangeNotSatisfiable as error:
        unsatisfied = {"content-range": f"bytes */{file.size}", "content-type": "application/json"}
        return Response(error_body(error), error.status, unsatisfied)
    start, stop = part or (0, file.size)
    headers["content-length"] = str(stop - start)
    if part:
        headers["content-range"] = f"bytes {start}-{stop - 1}/{file.size}"
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return _Download(file, start, stop, status, headers)


def etag(digest: str) -> str:
    """A file's tag is its SHA-256, so that whoever sent or got it can verify it."""
    return f'"{digest}"'


def media_type(name: str) -> str:
    """The type that a file of this name is served as; nothing is served as HTML."""
    if name in _TEXT_NAMES or name.rpartition(".")[2].lower() in _TEXT_ENDINGS:
        return "text/plain; charset=utf-8"
    guessed, encoding = _TYPES.guess_type(name, strict=True)
    if guessed is None or encoding:
        return "application/octet-stream"
    return "text/plain; charset=utf-8" if guessed.startswith("text/") or "html" in guessed else guessed


def content_disposition(name: str) -> str:
    """``attachment`` with the name: plain for all clients, and as RFC 6266 has it where that is not ASCII."""
    plain = re.sub(r"[^ -~]|[\"\\]", "_", name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{extended}'


class _Download(Response):
    def __init__(self, file: OpenFile, start: int, stop: int, status: int, headers: dict[str, str]) -> None:
        super().__init__(status_code=status, headers=headers)
        self._file = file
        self._start = start
        self._stop = stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(await self._file.read(self._start, self._stop)) as pieces:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _headers(file: OpenFile) -> dict[str, str]:
    name = file.path.rpartition("/")[2]
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": content_disposition(name),
        "content-security-policy": "sandbox",
        "content-type": media_type(name),
        "last-modified": formatdate(file.modified_time // 1000, usegmt=True),
        "x-content-type-options": "nosniff",
    }
    return headers if file.digest is None else {**headers, "etag": etag(file.digest)}


def _is_known(file: OpenFile, request: Request) -> bool:
    """Whether the client says that it has the file as it is."""
    if (tags := request.headers.get("if-none-match")) is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or f'"{file.digest}"' in known
    if (since := request.headers.get("if-modified-since")) is not None:
        return _is_unchanged(file, since)
    return False


def _is_unchanged(file: OpenFile, since: str) -> bool:
    try:
        return file.modified_time // 1000 <= parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False


def _requested_range(file: OpenFile, request: Request) -> tuple[int, int] | None:
    """First byte, and the one after the last; None for the whole file.

    Several ranges, and what is no range, are answered with the whole file, as RFC 9110 allows; so is a range of a file
    that has changed since the client got the rest.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if match is None or match[0] == "bytes=-" or not _is_the_same(file, request.headers.get("if-range")):
        return None
    if match[1]:
        start, stop = int(match[1]), min(int(match[2]) + 1, file.size) if match[2] else file.size
        if match[2] and int(match[2]) < start:
            return None
    else:
        start, stop = max(file.size - int(match[2]), 0), file.size
    if start >= stop:
        raise RangeNotSatisfiable(f"There is no {match[0]} in a file of {file.size} bytes.")
    return start, stop


def _is_the_same(file: OpenFile, if_range: str | None) -> bool:
    if if_range is None:
        return True
    if if_range.startswith('"'):
        return if_range == f'"{file.digest}"'
    return if_range == formatdate(file.modified_time // 1000, usegmt=True)
