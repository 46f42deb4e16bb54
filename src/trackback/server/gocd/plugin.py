"""The plugin itself, for GoCD's administrators to download."""

from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import FileResponse, Response

import trackback
from trackback.entities import Actor, Permission
from trackback.errors import NotFound
from trackback.server.raw import Raw
from trackback.server.routing import Route
from trackback.services import Services

NAME = "trackback-gocd.jar"
PATH = f"/gocd/{NAME}"
BUILT = Path("integrations", "gocd", "target")
"""Where `make gocd` leaves the plugin in a checkout."""


def route(jar: Path | None) -> Route:
    """The route that answers with the plugin: with ``jar``, or with what a checkout has built. It has no secrets."""

    async def fetch(services: Services, actor: Actor, request: Request) -> Response:
        found = await to_thread.run_sync(find, jar)
        return FileResponse(found, filename=NAME, media_type="application/java-archive")

    return Route("GET", PATH, Permission.NOTHING, Raw(fetch))


def find(jar: Path | None) -> Path:
    """Raises NotFound if the plugin is not there."""
    if jar is not None:
        if jar.is_file():
            return jar
        raise NotFound(f"There is no GoCD plugin: this server was told with --gocd-jar that it is at {jar}.")
    folder = Path(trackback.__file__).parents[2] / BUILT
    built = [each for each in folder.glob("trackback-gocd*.jar") if not each.stem.endswith(("-sources", "-javadoc"))]
    if not built:
        raise NotFound(
            "The GoCD plugin was not built here. Run `make gocd` in a checkout, and start the server there or tell it "
            f"with --gocd-jar where the {NAME} is."
        )
    return max(built, key=lambda each: each.stat().st_mtime)
