"""Layers follow from what is in them, and from nothing else."""

import gzip
import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from trackback.delivery.images.blobs import Blobs
from trackback.delivery.images.layers import Entry, files_below, layer_of_root, layer_of_tar, write_layer
from trackback.errors import DataLoss


def tree(folder: Path) -> Path:
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "text").write_text("text")
    program = folder / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    (folder / "link").symlink_to("below/text")
    return folder


def test_the_same_files_give_the_same_layer_whatever_their_times_owners_and_order(tmp_path: Path) -> None:
    one, other = tree(tmp_path / "one"), tree(tmp_path / "other")
    os.utime(other / "program", (1, 1))
    (other / "below" / "text").chmod(0o600)
    if os.geteuid() == 0:
        os.chown(other / "program", 1000, 1000)

    first = write_layer(Blobs(tmp_path / "a"), files_below(one, "opt/model"))
    second = write_layer(Blobs(tmp_path / "b"), reversed(list(files_below(other, "opt/model"))))

    assert first == second


def test_a_layer_has_its_folders_modes_and_links_and_belongs_to_root(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    layer = write_layer(blobs, files_below(tree(tmp_path / "tree"), "opt/model"))

    with tarfile.open(blobs.path(layer.digest)) as tar:
        found = {each.name: (each.type, oct(each.mode), each.linkname) for each in tar}
        assert {(each.uid, each.gid, each.mtime) for each in tar.getmembers()} == {(0, 0, 0)}
    assert found == {
        "opt": (tarfile.DIRTYPE, "0o755", ""),
        "opt/model": (tarfile.DIRTYPE, "0o755", ""),
        "opt/model/below": (tarfile.DIRTYPE, "0o755", ""),
        "opt/model/below/text": (tarfile.REGTYPE, "0o644", ""),
        "opt/model/link": (tarfile.SYMTYPE, "0o777", "below/text"),
        "opt/model/program": (tarfile.REGTYPE, "0o755", ""),
    }


def test_a_layer_is_known_by_the_digests_of_its_bytes_packed_and_unpacked(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    layer = write_layer(blobs, [Entry("etc/name", b"content")])
    packed = blobs.path(layer.digest).read_bytes()

    assert layer.digest == f"sha256:{hashlib.sha256(packed).hexdigest()}"
    assert layer.diff_id == f"sha256:{hashlib.sha256(gzip.decompress(packed)).hexdigest()}"
    assert (layer.size, layer.unpacked) == (len(packed), len(b"content"))


def test_a_tar_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "base.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(tree(tmp_path / "tree"), "usr")
    with path.open("rb") as file:
        layer = layer_of_tar(Blobs(tmp_path / "blobs"), file)

    assert layer.diff_id == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_the_layer_of_a_file_system_keeps_modes_and_no_times(tmp_path: Path) -> None:
    root = tree(tmp_path / "root")
    blobs = Blobs(tmp_path / "blobs")
    first = layer_of_root(blobs, root)
    os.utime(root / "program", (5, 5))

    assert layer_of_root(blobs, root) == first
    with tarfile.open(blobs.path(first.digest)) as tar:
        assert oct(tar.getmember("program").mode) == "0o700"


def test_a_blob_that_arrives_damaged_is_not_kept(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with pytest.raises(DataLoss, match="damaged"), blobs.create(f"sha256:{'0' * 64}") as blob:
        blob.write(b"other")

    assert list((tmp_path / "blobs" / "sha256").iterdir()) == []
