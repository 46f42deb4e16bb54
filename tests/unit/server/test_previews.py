"""Previews of files: what is shown of each kind, how little of it is read, and what harm a file can't do by lying."""

import io
import json
from collections.abc import AsyncGenerator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trackback.server.ui.files.previews import Kind, Preview, preview
from trackback.server.ui.files.previews.csv_tables import ROWS, TablePage
from trackback.server.ui.files.previews.frames import HEADERS, framed
from trackback.server.ui.files.previews.notebooks import Notebook, html_output
from trackback.server.ui.files.previews.texts import LINES, LONGEST_LINE, PIECE_BYTES, Text
from trackback.server.ui.files.previews.trees import CHILDREN, Node
from trackback.services.artifacts import OpenFile

MARKUP = "<img src=x onerror=alert(1)>"


class Bytes:
    """A file in memory that counts the bytes that are read of it."""

    def __init__(self, name: str, content: bytes) -> None:
        self._content = content
        self.read_bytes = 0
        self.file = OpenFile(name, len(content), 0, None, self._read)

    async def _read(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        async def pieces() -> AsyncGenerator[bytes, None]:
            self.read_bytes += stop - start
            yield self._content[start:stop]

        return pieces()


async def preview_of(name: str, content: bytes | str, **state: Any) -> Preview:
    data = content.encode() if isinstance(content, str) else content
    return await preview(Bytes(name, data).file, **state)


def text_of(shown: Preview) -> Text:
    assert isinstance(shown.content, Text), shown
    return shown.content


def table_of(shown: Preview) -> TablePage:
    assert isinstance(shown.content, TablePage), shown
    return shown.content


async def test_text_is_escaped_and_code_is_marked_and_escaped() -> None:
    plain = text_of(await preview_of("notes.txt", f"a\n{MARKUP}\n"))
    assert [str(line) for line in plain.lines] == ["a", "&lt;img src=x onerror=alert(1)&gt;"]
    code = text_of(await preview_of("x.py", f'def f():\n    """{MARKUP}\n    two"""\n'))
    assert code.language == "python"
    assert len(code.lines) == 3
    assert all(line.count("<span") == line.count("</span>") for line in code.lines)
    assert "<img" not in "".join(code.lines)


async def test_a_long_text_is_shown_by_pieces_that_end_with_a_line_and_together_are_all_of_it() -> None:
    content = b"".join(b"line %d\n" % number for number in range(30_000))
    seen, place = [], 0
    while place < len(content):
        file = Bytes("train.log", content)
        piece = text_of(await preview(file.file, place=place))
        assert piece.start == place < piece.stop
        assert len(piece.lines) <= LINES
        assert file.read_bytes < PIECE_BYTES + 5000
        seen += piece.lines
        place = piece.stop
    assert seen == [f"line {number}" for number in range(30_000)]


async def test_a_line_without_end_is_cut_and_not_highlighted() -> None:
    shown = text_of(await preview_of("x.json", "[" + "1," * 2_000_000))
    assert (len(shown.lines), len(shown.lines[0]), shown.language) == (1, LONGEST_LINE + 1, "")


@pytest.mark.parametrize("name", ["model.pkl", "picture.png", "page.html", "x.csv", "n.ipynb", "x.json"])
async def test_bytes_that_are_no_text_are_shown_as_nothing_whatever_their_name(name: str) -> None:
    assert (await preview_of(name, b"\x80\x04\x95\0\0\0" * 100)).kind is Kind.NONE


async def test_an_image_is_one_only_if_its_bytes_agree() -> None:
    assert (await preview_of("a.png", b"\x89PNG\r\n\x1a\n" + bytes(20))).kind is Kind.IMAGE
    assert (await preview_of("a.svg", "<svg/>")).kind is Kind.IMAGE
    assert (await preview_of("a.png", "<script>alert(1)</script>")).kind is Kind.TEXT


async def test_json_is_a_tree_of_which_long_lists_are_cut() -> None:
    root = (await preview_of("x.json", json.dumps({"a": [1, None], "b": list(range(999)), "c": MARKUP}))).content
    assert isinstance(root, Node)
    assert [(each.key, each.kind, each.size, each.left_out) for each in root.children] == [
        ("a", "array", 2, 0),
        ("b", "array", 999, 999 - CHILDREN),
        ("c", "string", 0, 0),
    ]


@pytest.mark.parametrize("content", ["{", "[" * 100_000, '{"a": NaN}'])
async def test_what_is_no_json_is_shown_as_text(content: str) -> None:
    assert (await preview_of("x.json", content)).kind is Kind.TEXT


async def test_json_within_json_is_shown_no_deeper_than_a_page_can() -> None:
    assert (await preview_of("x.json", "[" * 500 + "]" * 500)).kind is Kind.TREE


async def test_csv_is_shown_by_pages_each_named_by_where_it_begins() -> None:
    rows = [f'{number},"a\n""{number}""",' for number in range(1000)]
    content = ("n,text,empty\r\n" + "\r\n".join(rows) + "\r\n").encode()
    seen: list[list[str]] = []
    place, row = 0, 1
    while True:
        page = table_of(await preview_of("x.csv", content, place=place, row=row))
        assert page.columns == ["n", "text", "empty"]
        assert page.first_row == len(seen) + 1
        seen += page.rows
        if page.next_place is None:
            break
        place, row = page.next_place, page.first_row + len(page.rows)
    assert seen == [[str(number), f'a\n"{number}"', ""] for number in range(1000)]
    assert page.rows_in_all == 1000


async def test_a_page_of_a_large_csv_costs_no_more_than_a_piece_of_it() -> None:
    file = Bytes("x.csv", b"a;b\n" + b"1;2\n" * 3_000_000)
    page = table_of(await preview(file.file, place=8_000_000, row=1_999_999))
    assert (page.rows[0], len(page.rows), page.columns) == (["1", "2"], ROWS, ["a", "b"])
    assert file.read_bytes < 2 * 2**20


async def test_a_csv_whose_quote_never_ends_is_shown_as_text_with_why() -> None:
    shown = await preview_of("x.csv", b'a,b\n"' + b"x,y\n" * 600_000)
    assert shown.kind is Kind.TEXT
    assert "quotation mark" in shown.note or "no CSV" in shown.note


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


async def test_parquet_is_shown_by_pages_across_its_row_groups() -> None:
    table = pa.table(
        {
            "n": range(1000),
            "when": pa.array([2**60 + 1] * 1000, pa.timestamp("ns")),
            "bytes": [b"\xff"] * 1000,
            "nested": [{"a": [1, None]}] * 1000,
            "none": pa.nulls(1000),
        }
    )
    page = table_of(await preview_of("x.parquet", parquet(table, row_group_size=300), row=291))
    assert [row[0] for row in page.rows] == [str(n) for n in range(290, 290 + ROWS)]
    assert page.rows[0][2:] == ["ff", "{'a': [1, None]}", ""]
    assert page.rows[0][1].startswith("2006-")
    assert (page.rows_in_all, page.next_place) == (1000, 291 + ROWS)
    last = table_of(await preview_of("x.parquet", parquet(table), row=951))
    assert (len(last.rows), last.next_place) == (50, None)


async def test_a_large_parquet_is_not_read_as_a_whole() -> None:
    table = pa.table({f"c{i}": pa.array(range(200_000)) for i in range(8)})
    content = parquet(table, row_group_size=20_000, use_dictionary=False, compression="none")
    file = Bytes("x.parquet", content)
    table_of(await preview(file.file, row=100_001))
    assert file.read_bytes < len(content) / 5


async def test_what_lies_about_being_parquet_is_told_and_harms_nobody() -> None:
    good = parquet(pa.table({"a": range(5000)}))
    for bad in (
        b"PAR1" + bytes(8),
        b"PAR1\xff\xff\xff\x7fPAR1",
        good[: len(good) // 2],
        good[:60] + bytes(300) + good[360:],
    ):
        shown = await preview_of("x.parquet", bad)
        assert shown.kind is Kind.NONE
        assert shown.note


def cell(kind: str, source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": kind, "source": source.splitlines(keepends=True), "outputs": list(outputs)}


NOTEBOOK = {
    "nbformat": 4,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        cell("markdown", f"# Title {MARKUP}\n[click](javascript:alert(1)) ![beacon](https://elsewhere.example/x.png)"),
        cell(
            "code",
            "x = 1",
            {"output_type": "stream", "text": ["\x1b[31mred\x1b[0m", MARKUP]},
            {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo=\n", "text/plain": "<Figure>"}},
            {"output_type": "display_data", "data": {"image/png": '"><script>', "text/plain": "shown instead"}},
            {"output_type": "execute_result", "data": {"text/html": ["<b>", "x</b>"], "text/plain": "x"}},
            {"output_type": "error", "traceback": ["\x1b[0;31mValueError\x1b[0m", "no"]},
            {"output_type": "display_data", "data": "odd"},
        ),
        "odd",
        {"cell_type": "raw"},
    ],
}


async def test_a_notebook_is_shown_with_its_output_and_nothing_in_it_is_markup_of_ours() -> None:
    content = json.dumps(NOTEBOOK)
    shown = (await preview_of("x.ipynb", content)).content
    assert isinstance(shown, Notebook)
    prose, code, raw = shown.cells
    assert prose.prose is not None
    assert "<h1>" in prose.prose
    assert all(part not in prose.prose for part in ("<img", 'href="javascript'))
    assert [(each.kind, each.text) for each in code.outputs] == [
        ("text", f"red{MARKUP}"),
        ("image", "data:image/png;base64,iVBORw0KGgo="),
        ("text", "shown instead"),
        ("html", ""),
        ("error", "ValueError\nno"),
    ]
    assert raw.kind == "raw"
    html = next(each for each in code.outputs if each.kind == "html")
    assert html_output(content.encode(), code.number, html.place) == "<b>x</b>"
    assert html_output(content.encode(), 9, 9) is None


@pytest.mark.parametrize("content", ["[]", "{}", '{"cells": 3}', "not json"])
async def test_what_is_no_notebook_is_shown_as_text(content: str) -> None:
    assert (await preview_of("x.ipynb", content)).kind is Kind.TEXT


def test_html_of_others_is_sent_so_that_it_has_no_origin_wherever_it_is_opened() -> None:
    policy = framed("<b>").headers["content-security-policy"]
    assert policy == HEADERS["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'; ")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy
    assert "frame-ancestors 'self'" in policy
