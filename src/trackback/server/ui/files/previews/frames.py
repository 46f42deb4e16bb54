"""HTML that others made, for a frame of its own: with scripts, and without an origin, a network or a way out.

The answer itself says so, so that it holds wherever the URL is opened. Its origin is an opaque one: what runs there
sees no cookie and no storage of ours, and no page of ours answers it.
"""

from starlette.requests import Request
from starlette.responses import Response

from trackback.errors import InvalidParameter
from trackback.server.downloads import download
from trackback.services.artifacts import OpenFile

HTML_BYTES = 64 << 20

_POLICY = (
    "sandbox allow-scripts",
    "default-src 'none'",
    "script-src 'unsafe-inline' 'unsafe-eval' blob: data:",
    "style-src 'unsafe-inline' data:",
    "img-src data: blob:",
    "font-src data:",
    "media-src data: blob:",
    "worker-src blob:",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'self'",
)
HEADERS = {
    "cache-control": "private, no-cache",
    "content-disposition": "inline",
    "content-security-policy": "; ".join(_POLICY),
    "content-type": "text/html; charset=utf-8",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
}


def framed(html: str) -> Response:
    return Response(html.encode(errors="replace"), headers=HEADERS)


def framed_file(file: OpenFile, request: Request) -> Response:
    """A whole file, piece by piece. Raises InvalidParameter for one that is too long to be shown."""
    if file.size > HTML_BYTES:
        raise InvalidParameter(f"The file has {file.size} bytes, which is too much to be shown. Download it.")
    response = download(file, request)
    if response.status_code in (200, 206, 304):
        response.headers.update(HEADERS)
    return response
