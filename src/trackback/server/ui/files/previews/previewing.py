"""Which preview a file gets: by its name, if its bytes agree."""

from enum import StrEnum
from typing import NamedTuple

from trackback.server.ui.files.previews import csv_tables, notebooks, parquet_tables, pieces, texts, trees
from trackback.server.ui.files.previews.csv_tables import NoTable
from trackback.services.artifacts import OpenFile

HEAD_BYTES = 4096
IMAGE_BYTES = 32 << 20

_MAGIC = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpg": b"\xff\xd8\xff",
    "jpeg": b"\xff\xd8\xff",
    "gif": b"GIF8",
    "bmp": b"BM",
    "webp": b"RIFF",
}
_HTML = ("html", "htm", "xhtml")
_DELIMITED = ("csv", "tsv")


class Kind(StrEnum):
    TEXT = "text"
    TREE = "tree"
    IMAGE = "image"
    HTML = "html"
    TABLE = "table"
    NOTEBOOK = "notebook"
    NONE = "none"


class Preview(NamedTuple):
    """What is shown of a file: ``content`` is of its kind. ``note`` says why it is not what its name promises."""

    kind: Kind
    content: texts.Text | trees.Node | csv_tables.TablePage | notebooks.Notebook | None = None
    note: str = ""


async def preview(file: OpenFile, *, place: int = 0, row: int = 1, as_text: bool = False) -> Preview:
    """The preview of a file, or of the piece of it that begins at a byte ``place``, or a ``row``."""
    name = file.path.rpartition("/")[2]
    ending = name.rpartition(".")[2].lower()
    head = await pieces.read(file, 0, HEAD_BYTES)
    if not head:
        return Preview(Kind.NONE, note="The file is empty.")
    note = ""
    if not as_text:
        try:
            if found := await _special(file, ending, head, place, row):
                return found
        except NoTable as reason:
            note = str(reason)
    if texts.is_text(head):
        start = min(place, file.size)
        piece = await pieces.read(file, start, start + texts.PIECE_BYTES)
        return Preview(Kind.TEXT, texts.show(piece, start, file.size, name), note)
    return Preview(Kind.NONE, note=note)


async def _special(file: OpenFile, ending: str, head: bytes, place: int, row: int) -> Preview | None:
    """What is more than text. None for what is no such thing, whatever its name says."""
    if ending in _MAGIC or ending == "svg":
        return _image(file, ending, head)
    if ending == "parquet" and head.startswith(parquet_tables.MAGIC):
        return Preview(Kind.TABLE, await parquet_tables.read(file, max(row, 1)))
    if not texts.is_text(head):
        return None
    if ending in _HTML:
        return Preview(Kind.HTML)
    if ending in _DELIMITED:
        return Preview(Kind.TABLE, await _delimited(file, place, row))
    if ending == "json" and file.size <= trees.JSON_BYTES:
        root = trees.tree(await pieces.read(file, 0, file.size))
        return Preview(Kind.TREE, root) if root else None
    if ending == "ipynb" and file.size <= notebooks.NOTEBOOK_BYTES:
        notebook = notebooks.read_notebook(await pieces.read(file, 0, file.size))
        return Preview(Kind.NOTEBOOK, notebook) if notebook else None
    return None


def _image(file: OpenFile, ending: str, head: bytes) -> Preview | None:
    good = b"<svg" in head if ending == "svg" else head.startswith(_MAGIC[ending])
    if good and file.size > IMAGE_BYTES:
        return Preview(Kind.NONE, note="The image is too large to be shown.")
    return Preview(Kind.IMAGE) if good else None


async def _delimited(file: OpenFile, place: int, row: int) -> csv_tables.TablePage:
    beginning = await pieces.read(file, 0, csv_tables.HEADER_BYTES)
    columns, first, delimiter = csv_tables.header_of(beginning)
    start = max(place, first)
    piece = await pieces.read(file, start, start + csv_tables.PIECE_BYTES)
    return csv_tables.page(columns, delimiter, piece, start, file.size, row if place > first else 1)
