"""Notebooks: their cells in order, with the output that is in them. Nothing in them is run, or taken for our markup."""

import base64
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from markupsafe import Markup

from trackback.server.ui.files.previews.texts import lines_of

NOTEBOOK_BYTES = 8 << 20
CELLS = 500
OUTPUTS = 50
OUTPUT_LENGTH = 50_000
IMAGE_LENGTH = 4 << 20
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")


class Output(NamedTuple):
    """``kind`` is text, error, image or html; an image's ``text`` is a data URI, and html is fetched by its place."""

    kind: str
    text: str
    place: int


class Cell(NamedTuple):
    """``kind`` is code, markdown or raw; ``lines`` are those of the source, ``prose`` that of markdown.

    ``execution`` is its number in the order that cells were run in, if it was.
    """

    kind: str
    number: int
    execution: str
    lines: list[Markup]
    prose: Markup | None
    outputs: list[Output]


class Notebook(NamedTuple):
    cells: list[Cell]
    left_out: int
    language: str


def read_notebook(content: bytes) -> Notebook | None:
    """None for what is no notebook of a format that has cells (4)."""
    notebook = _decoded(content)
    if notebook is None:
        return None
    metadata = _mapping(notebook.get("metadata"))
    language = str(_mapping(metadata.get("language_info")).get("name", "python"))[:40]
    cells = [each for each in notebook["cells"] if isinstance(each, dict)]
    shown = [_cell(cell, number, language) for number, cell in enumerate(cells[:CELLS])]
    return Notebook(shown, len(cells) - len(shown), language)


def html_output(content: bytes, cell: int, output: int) -> str | None:
    """The HTML of an output, by the places that ``read_notebook`` gives."""
    notebook = _decoded(content)
    cells = [each for each in notebook["cells"] if isinstance(each, dict)] if notebook else []
    if not 0 <= cell < len(cells):
        return None
    outputs = _outputs_of(cells[cell])
    if not 0 <= output < len(outputs):
        return None
    html = _mapping(outputs[output].get("data")).get("text/html")
    return None if html is None else _joined(html)


def _decoded(content: bytes) -> dict[str, Any] | None:
    try:
        notebook = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        return None
    return notebook if isinstance(notebook, dict) and isinstance(notebook.get("cells"), list) else None


def _cell(cell: dict[str, Any], number: int, language: str) -> Cell:
    kind = cell.get("cell_type")
    source = _joined(cell.get("source", ""))
    if kind == "markdown":
        return Cell("markdown", number, "", [], _prose(source), [])
    count = cell.get("execution_count")
    lines, _ = lines_of(source, language if kind == "code" else "")
    outputs = [found for place, each in enumerate(_outputs_of(cell)) if (found := _output(each, place))]
    return Cell("code" if kind == "code" else "raw", number, str(count) if count else "", lines, None, outputs)


def _prose(source: str) -> Markup:
    """Markdown as HTML: tags in it are text, and so are links to what a browser would run. Images are left out."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only previews need it

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    return Markup(markdown.render(source[:OUTPUT_LENGTH]))


def _outputs_of(cell: dict[str, Any]) -> list[dict[str, Any]]:
    outputs = cell.get("outputs")
    return [each for each in outputs if isinstance(each, dict)][:OUTPUTS] if isinstance(outputs, list) else []


def _output(output: dict[str, Any], place: int) -> Output | None:
    match output.get("output_type"):
        case "stream":
            return _text("text", output.get("text", ""), place)
        case "error":
            trace = output.get("traceback")
            text = "\n".join(map(str, trace)) if isinstance(trace, list) and trace else str(output.get("evalue", ""))
            return _text("error", text, place)
    data = _mapping(output.get("data"))
    for found in _images(data):
        return Output("image", found, place)
    if "text/html" in data:
        return Output("html", "", place)
    plain = data.get("text/plain", data.get("text/markdown"))
    return None if plain is None else _text("text", plain, place)


def _images(data: dict[str, Any]) -> Iterator[str]:
    for kind in _IMAGES:
        if kind not in data:
            continue
        text = _joined(data[kind])
        if len(text) > IMAGE_LENGTH:
            continue
        if kind == "image/svg+xml":
            yield f"data:{kind};base64,{base64.b64encode(text.encode(errors='replace')).decode()}"
        elif _BASE64.fullmatch(text):
            yield f"data:{kind};base64,{''.join(text.split())}"


def _text(kind: str, value: Any, place: int) -> Output:
    text = _ANSI.sub("", _joined(value))
    return Output(kind, text if len(text) <= OUTPUT_LENGTH else f"{text[:OUTPUT_LENGTH]}…", place)


def _joined(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
