"""Style sheets, scripts and the icon: files of the package, each served under a URL that changes with its bytes."""

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

FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Asset:
    content: bytes
    media_type: str
    digest: str


@cache
def _assets() -> dict[str, Asset]:
    files = sorted(FOLDER.iterdir())
    return {file.name: _read(file) for file in files if file.suffix in _MEDIA_TYPES}


def _read(file: Path) -> Asset:
    content = file.read_bytes()
    return Asset(content, _MEDIA_TYPES[file.suffix], sha256(content).hexdigest()[:16])


def url(name: str) -> str:
    """Where the asset is; with its digest, so that a browser keeps it until it changes."""
    return f"/static/{name}?v={_assets()[name].digest}"


async def serve(services: Services, actor: Actor, request: Request) -> Response:
    name = request.path_params["name"]
    if (asset := _assets().get(name)) is None:
        raise NotFound(f"There is no file {shown(name)} here.")
    headers = {"cache-control": f"public, max-age={_YEAR_S}, immutable", "x-content-type-options": "nosniff"}
    return Response(asset.content, headers=headers, media_type=asset.media_type)
