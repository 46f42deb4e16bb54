"""The files of a run, a logged model or a version, as a page shows them: a directory, or a file with its preview."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from trackback.entities import Actor, FileInfo
from trackback.errors import InvalidParameter, NotFound, TrackbackError
from trackback.limits import INT64_MAX, shown
from trackback.server.downloads import download
from trackback.server.ui.files.previews import Kind, Preview, frames, notebooks, pieces, preview
from trackback.services import Services
from trackback.services.artifacts import Listing, OpenFile

ENTRIES = 1000


class FileTree(NamedTuple):
    """``url`` is that of the page it belongs to; ``list`` and ``open`` take paths in it."""

    url: str
    list: Callable[[str], Awaitable[Listing]]
    open: Callable[[str], Awaitable[OpenFile]]

    def page_url(self, path: str, **state: object) -> str:
        """The page that shows a path."""
        query = {"path": path, **state} if path or state else {}
        return f"{self.url}/artifacts?{urlencode(query)}" if query else f"{self.url}/artifacts"

    def download_url(self, path: str) -> str:
        return f"{self.url}/download?{urlencode({'path': path})}"

    def frame_url(self, path: str, **output: int) -> str:
        return f"{self.url}/frame?{urlencode({'path': path, **output})}"


class Browsed(NamedTuple):
    """``directory`` is the one that is listed: of the file at ``path``, or ``path`` itself.

    ``problem`` says what could not be shown, with the ``status`` that the page is to have.
    """

    tree: FileTree
    path: str
    directory: str
    files: list[FileInfo]
    left_out: int
    file: OpenFile | None
    preview: Preview | None
    problem: str
    status: int

    @property
    def trail(self) -> list[tuple[str, str]]:
        """The names of the directories above what is listed, and of that, with their paths."""
        names = self.directory.split("/") if self.directory else []
        return [(name, "/".join(names[: place + 1])) for place, name in enumerate(names)]


def of_run(services: Services, actor: Actor, run_id: str) -> FileTree:
    async def list_directory(path: str) -> Listing:
        return await services.artifacts.list_run(actor, run_id, path)

    async def open_file(path: str) -> OpenFile:
        return await services.artifacts.open_of_run(actor, run_id, path)

    return FileTree(f"/runs/{run_id}", list_directory, open_file)


def of_model(services: Services, actor: Actor, model_id: str) -> FileTree:
    async def list_directory(path: str) -> Listing:
        return await services.artifacts.list_model(actor, model_id, path)

    async def open_file(path: str) -> OpenFile:
        return await services.artifacts.open_of_model(actor, model_id, path)

    return FileTree(f"/models/{model_id}", list_directory, open_file)


def of_version(services: Services, actor: Actor, name: str, version: str) -> FileTree:
    async def list_directory(path: str) -> Listing:
        return await services.artifacts.list_version(actor, name, version, path)

    async def open_file(path: str) -> OpenFile:
        return await services.artifacts.open_of_version(actor, name, version, path)

    return FileTree(f"/registry/{quote(name, safe='')}/{version}", list_directory, open_file)


async def browse(tree: FileTree, request: Request) -> Browsed:
    """What the request's ``path`` leads to; ``at`` and ``row`` say which piece of a file, ``as`` that it is text."""
    query = request.query_params
    path = query.get("path", "").rstrip("/")
    file, shows, problem, status = None, None, "", 200
    try:
        file = await tree.open(path) if path else None
    except NotFound as error:
        problem, status = error.message, error.status
    except InvalidParameter:
        pass  # a directory, or no path at all, which the listing says
    try:
        if file:
            as_text = query.get("as") == "text"
            shows = await preview(file, place=_number(query, "at"), row=_number(query, "row"), as_text=as_text)
        directory = path.rpartition("/")[0] if file or problem else path
        files = (await tree.list(directory)).files
    except TrackbackError as error:
        return Browsed(tree, path, "", [], 0, file, shows, error.message, error.status)
    ordered = sorted(files, key=lambda each: (not each.is_dir, each.path))
    return Browsed(tree, path, directory, ordered[:ENTRIES], len(files[ENTRIES:]), file, shows, problem, status)


def answer(response: Response, found: Browsed) -> Response:
    """The page with the status and the policy that what it shows needs."""
    response.status_code = found.status
    return allow_previews(response, found.preview)


def allow_previews(response: Response, shows: Preview | None) -> Response:
    """Loosen a page's policy by what its preview needs: a frame for HTML, images that are in a notebook."""
    if shows and shows.kind in (Kind.HTML, Kind.NOTEBOOK):
        policy = response.headers["content-security-policy"].replace("img-src 'self'", "img-src 'self' data:")
        response.headers["content-security-policy"] = f"{policy}; frame-src 'self'"
    return response


async def send(tree: FileTree, request: Request) -> Response:
    """The file, to be saved."""
    return download(await tree.open(_path(request)), request)


async def frame(tree: FileTree, request: Request) -> Response:
    """HTML for a frame: the file, or an output of the notebook that it is."""
    file = await tree.open(_path(request))
    if "cell" not in request.query_params:
        return frames.framed_file(file, request)
    if file.size > notebooks.NOTEBOOK_BYTES:
        raise InvalidParameter("The notebook is too long to be shown. Download it.")
    content = await pieces.read(file, 0, file.size)
    query = request.query_params
    html = notebooks.html_output(content, _number(query, "cell"), _number(query, "output"))
    if html is None:
        raise NotFound(f"There is no such output in {shown(file.path)}.")
    return frames.framed(html)


def _path(request: Request) -> str:
    if path := request.query_params.get("path", ""):
        return path
    raise InvalidParameter("Missing value for required parameter 'path'. It names the file.")


def _number(query: QueryParams, name: str) -> int:
    text = query.get(name) or "0"
    if text.isascii() and text.isdigit() and len(text) < 19 and int(text) <= INT64_MAX:
        return int(text)
    raise InvalidParameter(f"Invalid value {shown(text)} for parameter '{name}': it is a whole number.")
