"""CSV is cut between records only, wherever their line ends are."""

import csv
import io
from itertools import pairwise

from hypothesis import given, strategies as st

from trackback.delivery.batch.csv_cuts import record_ends

VALUES = st.text(alphabet='a",\n\r ', max_size=6)


@given(st.lists(st.lists(VALUES, min_size=2, max_size=2), min_size=1, max_size=30), st.integers(1, 40))
def test_the_pieces_between_cuts_have_all_records_once(records: list[list[str]], at_least: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(records)
    content = text.getvalue().encode()
    ends = list(record_ends(io.BytesIO(content), at_least))
    assert all(later - end >= at_least for end, later in zip([0, *ends], ends, strict=False))
    bounds = sorted({0, *ends, len(content)})
    pieces = [content[begin:end].decode() for begin, end in pairwise(bounds)]
    read = [record for piece in pieces for record in csv.reader(io.StringIO(piece, newline=""))]
    assert read == records
