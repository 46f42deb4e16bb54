"""Text by the piece, as lines of HTML: code in colours by Pygments, anything else escaped."""

from typing import NamedTuple

from markupsafe import Markup, escape

PIECE_BYTES = 128 << 10
HIGHLIGHTED_BYTES = 100 << 10
LINES = 2000
LONGEST_LINE = 4000
"""Characters of a line that are shown; a file with longer ones is not highlighted, as that may take any time."""

_LEXERS = {
    **dict.fromkeys(("py", "pyi"), "python"),
    **dict.fromkeys(("json", "jsonl", "ndjson"), "json"),
    **dict.fromkeys(("yaml", "yml"), "yaml"),
    **dict.fromkeys(("sh", "bash"), "bash"),
    **dict.fromkeys(("diff", "patch"), "diff"),
    **dict.fromkeys(("md", "markdown"), "markdown"),
    **dict.fromkeys(("ini", "cfg", "conf", "properties"), "ini"),
    **dict.fromkeys(("js", "mjs"), "javascript"),
    **dict.fromkeys(("c", "h"), "c"),
    **dict.fromkeys(("htm", "html", "xhtml"), "html"),
    **dict.fromkeys(("xml", "svg"), "xml"),
    **{name: name for name in ("toml", "sql", "r", "scala", "java", "kotlin", "go", "rust", "css", "cpp", "ts")},
    "mlmodel": "yaml",
    "mlproject": "yaml",
    "dockerfile": "docker",
}
"""By the ending of a name, or all of it, in lower case."""


class Text(NamedTuple):
    """A piece of a text: its lines, where it starts and stops in the file, which is of ``size`` bytes.

    ``language`` is what it is coloured as, if it is.
    """

    lines: list[Markup]
    start: int
    stop: int
    size: int
    language: str


def language_of(name: str) -> str:
    """What a file of this name may be written in; empty if nothing that is known here."""
    return _LEXERS.get(name.rpartition(".")[2].lower(), "")


def is_text(piece: bytes) -> bool:
    """Whether bytes from a file's beginning are text: UTF-8, perhaps cut at the end, without control characters."""
    try:
        text = piece.decode()
    except UnicodeDecodeError as error:
        if error.start < len(piece) - 3 or error.reason != "unexpected end of data":
            return False
        text = piece[: error.start].decode()
    return not any(character < " " and character not in "\t\n\r\f\b\x1b" for character in text)


def cut(piece: bytes, start: int, size: int) -> tuple[bytes, int]:
    """The first ``LINES`` of a piece that begins at ``start`` of a file of ``size`` bytes, and where they stop.

    The line that the piece ends in the middle of is not among them, unless it is the only one.
    """
    if start + len(piece) < size and (end := piece.rfind(b"\n") + 1):
        piece = piece[:end]
    if piece.count(b"\n") > LINES:
        piece = b"\n".join(piece.split(b"\n", LINES)[:LINES]) + b"\n"
    return piece, start + len(piece)


def show(piece: bytes, start: int, size: int, name: str) -> Text:
    """The lines of a piece that begins at ``start``; only a file's beginning is highlighted, as lexers need that."""
    piece, stop = cut(piece, start, size)
    text = piece.decode(errors="replace")
    lines, language = lines_of(text, language_of(name) if not start and len(piece) <= HIGHLIGHTED_BYTES else "")
    return Text(lines, start, stop, size, language)


def lines_of(text: str, language: str = "") -> tuple[list[Markup], str]:
    """The lines as HTML, and the language that they are coloured as, if they are."""
    text = text.replace("\r\n", "\n").removesuffix("\n")
    lines = text.split("\n")
    if not language or any(len(line) > LONGEST_LINE for line in lines):
        return [escape(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…") for line in lines], ""
    return highlighted(text, language), language


def highlighted(text: str, language: str) -> list[Markup]:
    """Lines of HTML in which Pygments has marked tokens by short classes."""
    from pygments import highlight  # noqa: PLC0415 - only previews need it
    from pygments.formatters.html import HtmlFormatter  # noqa: PLC0415
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415
    from pygments.util import ClassNotFound  # noqa: PLC0415

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return [escape(line) for line in text.split("\n")]
    marked = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return [Markup(line) for line in marked.removesuffix("\n").split("\n")]  # each line's marks end with it
