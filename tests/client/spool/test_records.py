"""What is written to a spool is read again, whole and in order, or not at all."""

import itertools
import math
from pathlib import Path

import pytest

from tests.faults.disk import small_disk
from trackback.client.spool.reader import Reader
from trackback.client.spool.records import Action, Block, LogMetric, LogParam, SetTag, Upload
from trackback.client.spool.segments import segments_in
from trackback.client.spool.writer import Writer
from trackback.entities import Metric, Param, Tag
from trackback.errors import DataLoss, InvalidParameter, StorageFull

SMALL = 4096


def read_all(reader: Reader, most: int = 1000) -> list[Metric | Action]:
    found: list[Metric | Action] = []
    while (taken := reader.take(most)).items:
        each_of = [each.metrics() if isinstance(each, Block) else [each] for each in taken.logged]
        assert sum(map(len, each_of)) == taken.items <= most
        found += itertools.chain(*each_of)
        reader.advance(taken.end)
    return found


def fill(writer: Writer) -> int:
    """Log points until there is no room; how many there was room for."""
    for written in itertools.count():
        try:
            writer.log_point("loss", written, 1, written)
        except StorageFull:
            return written
    raise AssertionError


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_all_kinds_come_back_in_their_order(spool_root: Path, most: int) -> None:
    writer = Writer(spool_root)
    writer.log_point("loss", 0.5, 1_700_000_000_000, 1)
    writer.log(LogParam(Param("größe", "ä" * 5)))
    writer.log_point("acc", -1e300, 0, -(2**63))
    writer.log_point("loss", 0.25, 2**63 - 1, 2)
    writer.log(Upload("a/b", "f"))
    reader = Reader(spool_root, writer)
    assert read_all(reader, most) == [
        Metric("loss", 0.5, 1_700_000_000_000, 1),
        LogParam(Param("größe", "ä" * 5)),
        Metric("acc", -1e300, 0, -(2**63)),
        Metric("loss", 0.25, 2**63 - 1, 2),
        Upload("a/b", "f"),
    ]
    assert reader.place == writer.end


def test_values_that_are_no_numbers_in_json_come_back_too(spool_root: Path) -> None:
    writer = Writer(spool_root)
    for value in (math.nan, math.inf, -math.inf):
        writer.log_point("x", value, 1, 0)
    first, *rest = [each.value for each in read_all(Reader(spool_root, writer)) if isinstance(each, Metric)]
    assert math.isnan(first)
    assert rest == [math.inf, -math.inf]


def test_many_segments_are_read_through_and_deleted_when_sent(spool_root: Path) -> None:
    writer = Writer(spool_root, SMALL)
    for step in range(1000):
        writer.log_point(f"metric {step % 7}", step, 1, step)
    assert len(segments_in(spool_root)) > 5
    reader = Reader(spool_root, writer)
    found = read_all(reader, 64)
    assert [(each.key, each.step) for each in found if isinstance(each, Metric)] == [
        (f"metric {step % 7}", step) for step in range(1000)
    ]
    assert len(segments_in(spool_root)) == 1


def test_a_record_larger_than_a_segment_gets_one_of_its_size(spool_root: Path) -> None:
    writer = Writer(spool_root, SMALL)
    writer.log_point("x", 1, 1, 1)
    writer.log(SetTag(Tag("long", "v" * 3 * SMALL)))
    writer.log_point("x", 2, 1, 2)
    found = read_all(Reader(spool_root, writer))
    assert [type(each).__name__ for each in found] == ["Metric", "SetTag", "Metric"]


def test_what_was_not_sent_is_read_by_another_process_from_where_it_was(spool_root: Path) -> None:
    writer = Writer(spool_root, SMALL)
    for step in range(300):
        writer.log_point("loss" if step % 2 else "acc", step, 1, step)
    first = Reader(spool_root, writer)
    sent = 0
    while sent < 200:
        taken = first.take(7)
        first.advance(taken.end)
        sent += taken.items
    first.close()
    writer.close()
    later = Reader(spool_root)
    assert later.count() == 300 - sent
    found = read_all(later, 7)
    assert [each.step for each in found if isinstance(each, Metric)] == list(range(sent, 300))
    assert {each.key for each in found if isinstance(each, Metric)} == {"loss", "acc"}


def test_reading_ends_before_a_record_that_was_cut_anywhere(spool_root: Path) -> None:
    writer = Writer(spool_root, SMALL)
    writer.log_point("loss", 1, 1, 1)
    before = writer.end.offset
    writer.log(SetTag(Tag("a", "b")))
    middle = writer.end.offset
    writer.log_point("loss", 2, 2, 2)
    end = writer.end.offset
    writer.close()
    (file,) = segments_in(spool_root)
    whole = file.read_bytes()
    for cut in range(before, end):
        file.write_bytes(whole[:cut] + bytes(len(whole) - cut))
        assert len(read_all(Reader(spool_root))) == (1 if cut < middle else 2), cut
        (spool_root / "sent").unlink()


def test_damage_is_told_and_what_is_before_it_is_read(spool_root: Path) -> None:
    writer = Writer(spool_root)
    writer.log(SetTag(Tag("a", "b")))
    offset = writer.end.offset
    writer.log(SetTag(Tag("c", "d")))
    writer.close()
    (file,) = segments_in(spool_root)
    content = bytearray(file.read_bytes())
    content[offset + 12 : offset + 16] = b"\xc1\xc1\xc1\xc1"
    file.write_bytes(content)
    reader = Reader(spool_root)
    assert reader.take(1).items == 1
    reader.advance(reader.take(1).end)
    with pytest.raises(DataLoss, match="damaged in segment 1"):
        reader.take(1)


@pytest.mark.parametrize(
    ("value", "timestamp", "step"), [("high", 1, 0), (None, 1, 0), (1.0, 1.5, 0), (1.0, 1, 2**63), ([1], 1, 0)]
)
def test_a_point_that_is_none_is_refused_and_leaves_no_trace(
    spool_root: Path, value: float, timestamp: int, step: int
) -> None:
    writer = Writer(spool_root)
    writer.log_point("loss", 1, 1, 1)
    with pytest.raises(InvalidParameter, match="Invalid point of the metric 'loss'"):
        writer.log_point("loss", value, timestamp, step)
    writer.log_point("loss", 2, 1, 2)
    found = read_all(Reader(spool_root, writer))
    assert [each.step for each in found if isinstance(each, Metric)] == [1, 2]


def test_while_the_disk_is_full_memory_is_used_and_then_no_more_is_taken(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        writer = Writer(disk.folder, SMALL)
        disk.fill()
        written = fill(writer)
        reader = Reader(disk.folder, writer)
        found = read_all(reader)
        assert [each.step for each in found if isinstance(each, Metric)] == list(range(written))
        disk.free()
        writer.log_point("loss", 0, 1, written)
        assert len(read_all(reader)) == 1


def test_a_key_that_is_no_name_is_refused(spool_root: Path) -> None:
    with pytest.raises(InvalidParameter, match="key"):
        Writer(spool_root).log_point("a//b", 1, 1, 1)


def test_a_segment_that_got_no_room_before_its_process_died_is_empty(spool_root: Path) -> None:
    (spool_root / "00000001.seg").touch()
    reader = Reader(spool_root)
    assert (reader.take(10).items, reader.count()) == (0, 0)


@pytest.mark.parametrize("kept", [b"\xff" * 16, b"\x01" * 16, b"short"])
def test_where_the_place_is_not_known_everything_is_sent_again(spool_root: Path, kept: bytes) -> None:
    writer = Writer(spool_root)
    for step in range(3):
        writer.log_point("loss", step, 1, step)
    writer.close()
    (spool_root / "sent").write_bytes(kept)
    assert len(read_all(Reader(spool_root))) == 3


def test_what_is_behind_a_record_that_is_damaged_is_not_taken_for_sent(spool_root: Path) -> None:
    writer = Writer(spool_root)
    writer.log_point("loss", 1, 1, 1)
    mark = writer.end.offset - 4
    for step in (2, 3):
        writer.log_point("loss", step, 1, step)
    writer.close()
    (file,) = segments_in(spool_root)
    with file.open("r+b") as damaged:
        damaged.seek(mark)
        damaged.write(bytes(4))
    reader = Reader(spool_root)
    assert reader.count() == 1
    with pytest.raises(DataLoss, match="there is more behind"):
        reader.take(10)


def test_a_segment_that_was_cut_within_a_record_is_damaged(spool_root: Path) -> None:
    writer = Writer(spool_root)
    writer.log_point("loss", 1, 1, 1)
    end = writer.end.offset
    writer.log_point("loss", 2, 1, 2)
    writer.close()
    (file,) = segments_in(spool_root)
    with file.open("r+b") as cut:
        cut.truncate(end + 10)
    reader = Reader(spool_root)
    reader.advance(reader.take(10).end)
    with pytest.raises(DataLoss, match="damaged in segment 1"):
        reader.take(10)


def test_after_a_segment_that_is_gone_the_next_is_read_from_its_beginning(spool_root: Path) -> None:
    writer = Writer(spool_root, SMALL)
    for step in range(200):
        writer.log_point("loss", step, 1, step)
    first = Reader(spool_root, writer)
    first.advance(first.take(10).end)
    writer.close()
    lost, *_ = segments_in(spool_root)
    lost.unlink()
    found = [each.step for each in read_all(Reader(spool_root)) if isinstance(each, Metric)]
    assert found == list(range(found[0], 200))


@pytest.mark.parametrize(
    "action",
    [
        SetTag(Tag("a", "\ud800")),
        SetTag(Tag("a", 1)),  # type: ignore[arg-type]
        LogMetric(Metric("a", 1.0, 1, "x")),  # type: ignore[arg-type]
        LogMetric(Metric("a", 1.0, 1, 2**70)),
    ],
)
def test_what_would_not_come_back_is_refused_before_it_is_written(spool_root: Path, action: Action) -> None:
    writer = Writer(spool_root)
    with pytest.raises(InvalidParameter, match="can't be logged"):
        writer.log(action)
    writer.log(SetTag(Tag("a", "b")))
    assert read_all(Reader(spool_root, writer)) == [SetTag(Tag("a", "b"))]
