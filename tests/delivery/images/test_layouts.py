"""OCI layouts hold images by tags, and are read as other tools write them."""

import json
from pathlib import Path

import pytest

from trackback.delivery.images.layouts import MANIFEST_TYPE, Descriptor, Layout
from trackback.errors import InvalidParameter, NotFound


def add(layout: Layout, content: bytes, tag: str) -> Descriptor:
    manifest = Descriptor(MANIFEST_TYPE, layout.blobs.put(content), len(content))
    layout.prepare()
    layout.add(manifest, tag)
    return manifest


def test_a_tag_comes_to_mean_the_image_that_was_added_last(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    first, second, other = add(layout, b"1", "7"), add(layout, b"2", "7"), add(layout, b"3", "8")

    assert (layout.find("7"), layout.find("8")) == (second, other)
    assert first.digest not in (tmp_path / "layout" / "index.json").read_text()


def test_without_a_tag_there_has_to_be_one_image_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    only = add(layout, b"1", "7")
    assert layout.find() == only
    add(layout, b"2", "8")

    with pytest.raises(NotFound, match="its tags are: 7, 8"):
        layout.find()


def test_a_folder_with_something_else_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(InvalidParameter, match=r"notes\.txt"):
        Layout(tmp_path).prepare()
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_an_index_follows_from_its_images_in_whatever_order_they_came(tmp_path: Path) -> None:
    one, other = Layout(tmp_path / "one"), Layout(tmp_path / "other")
    for content, tag in ((b"1", "7"), (b"2", "8")):
        add(one, content, tag)
    for content, tag in ((b"2", "8"), (b"1", "7")):
        add(other, content, tag)

    assert (tmp_path / "one" / "index.json").read_bytes() == (tmp_path / "other" / "index.json").read_bytes()
    assert json.loads((tmp_path / "one" / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
