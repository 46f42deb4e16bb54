"""Two texts side by side."""

import json

from hypothesis import given, strategies as st

from trackback.services.code_comparison import MOST_LINES, LineKind, read_text, side_by_side

LINES = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=30)


@given(LINES, LINES)
def test_each_side_reads_as_its_text_but_for_lines_that_are_skipped(left: list[str], right: list[str]) -> None:
    lines = side_by_side(left, right)
    skipped = sum(line.skipped for line in lines)
    for text, sides in ((left, [line.left for line in lines]), (right, [line.right for line in lines])):
        shown = [side for side in sides if side.number]
        assert len(shown) + skipped == len(text)
        assert all(side.text == text[(side.number or 0) - 1] for side in shown)


@given(LINES)
def test_equal_texts_have_no_line_that_differs(text: list[str]) -> None:
    assert {line.kind for line in side_by_side(text, text)} <= {LineKind.EQUAL, LineKind.SKIPPED}


def test_of_long_equal_stretches_the_lines_next_to_a_change_are_kept() -> None:
    left = [str(n) for n in range(40)]
    right = [*left[:20], "new", *left[20:]]
    lines = side_by_side(left, right)
    kinds = [line.kind for line in lines]
    assert kinds == [LineKind.SKIPPED, *[LineKind.EQUAL] * 3, LineKind.ADDED, *[LineKind.EQUAL] * 3, LineKind.SKIPPED]
    assert (lines[0].skipped, lines[-1].skipped) == (17, 17)


def test_a_notebook_is_compared_by_the_sources_of_its_cells() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"], "metadata": {}},
        {"cell_type": "code", "source": "x = 1\nprint(x)", "outputs": [{"text": "1"}]},
    ]
    text = read_text("a.ipynb", json.dumps({"cells": cells}).encode())
    assert list(text.lines) == ["# %% markdown", "# Title", "text", "# %% code", "x = 1", "print(x)"]


def test_what_can_not_be_compared_says_why() -> None:
    assert read_text("a.py", b"\xff").problem == "a.py is no text in UTF-8."
    assert read_text("a.ipynb", b"[]").problem == "a.ipynb is no notebook."
    assert f"no more than {MOST_LINES}" in read_text("a.py", b"x\n" * (MOST_LINES + 1)).problem
