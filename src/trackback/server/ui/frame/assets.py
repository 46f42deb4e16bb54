"""Style sheets, scripts and the icon: files of the package, under URLs that change when one of them does.

The release of all files together is a folder of their URLs, so that a module which imports another by a relative path
gets the one that it was written with. Each is compressed once, when it is first asked for, and kept so.
"""

import asyncio
import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor
from trackback.errors import NotFound
from trackback.limits import shown
from trackback.services import Services

FOLDER = Path(__file__).parents[1] / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Asset:
    content: bytes
    media_type: str


@cache
def _assets() -> dict[str, Asset]:
    files = sorted(file for file in FOLDER.rglob("*") if file.suffix in _MEDIA_TYPES)
    return {file.relative_to(FOLDER).as_posix(): Asset(file.read_bytes(), _MEDIA_TYPES[file.suffix]) for file in files}


@cache
def release() -> str:
    """Of all assets: it changes when one of them does."""
    digest = sha256()
    for name, asset in _assets().items():
        digest.update(b"%s %d " % (name.encode(), len(asset.content)) + asset.content)
    return digest.hexdigest()[:16]


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_assets()[name].content, mtime=0)


def url(name: str) -> str:
    """Where the asset is; a browser keeps it until the release changes."""
    if name not in _assets():
        raise KeyError(f"there is no asset {name}")
    return f"/static/{release()}/{name}"


async def serve(services: Services, actor: Actor, request: Request) -> Response:
    """The file as it is now, whichever release was asked for; only that of now is to be kept."""
    asked, name = request.path_params["release"], request.path_params["name"]
    if (asset := _assets().get(name)) is None:
        raise NotFound(f"There is no file {shown(name)} here.")
    keep = f"public, max-age={_YEAR_S}, immutable" if asked == release() else "no-cache"
    headers = {"cache-control": keep, "vary": "Accept-Encoding", "x-content-type-options": "nosniff"}
    content = asset.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        content = await asyncio.to_thread(_compressed, name)
        headers["content-encoding"] = "gzip"
    return Response(content, headers=headers, media_type=asset.media_type)
