"""The layers of an image become one file system, as containers see it."""

import io
import tarfile
from pathlib import Path
from random import Random

import pytest

from trackback.delivery.ami import host
from trackback.delivery.ami.contents import Container
from trackback.delivery.ami.root import MOUNT_POINTS, write_root
from trackback.delivery.subject import Subject
from trackback.errors import InvalidParameter

CONTAINER = Container(
    name="churn",
    digest="sha256:1",
    architecture="amd64",
    layers=(),
    environment={"ODD": '50% of "$HOME"'},
    command=("/usr/bin/python3", "-m", "trackback", "models", "serve", "--model-uri", "/opt/model", "--trust", "ab"),
    user="65532:65532",
)
SUBJECT = Subject("models:/churn/7", "d" * 64, "churn", "7")


def layer(path: Path, *entries: tuple[str, bytes | None]) -> Path:
    """A tar: names that end with / are folders; None is a link to /."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name.rstrip("/"))
            if name.endswith("/"):
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/"
            info.size = len(content or b"")
            tar.addfile(info, io.BytesIO(content or b""))
    return path


def merged(folder: Path, *layers: Path) -> tuple[int, dict[str, tarfile.TarInfo]]:
    """How many bytes the files of layers have together, and what there is of them."""
    with (folder / "root.tar").open("wb") as file:
        size = write_root(layers, file)
    with tarfile.open(folder / "root.tar") as root:
        return size, {each.name: each for each in root}


def test_later_layers_replace_and_remove_what_earlier_ones_have(tmp_path: Path) -> None:
    below = layer(
        tmp_path / "0",
        ("./", b""),
        ("./.profile", b"1"),
        ("./etc/", b""),
        ("./etc/a", b"1"),
        ("./etc/b", b"1"),
        ("./var/", b""),
        ("./var/x/", b""),
        ("./var/x/y", b"1"),
        ("./opt/", b""),
        ("./opt/old", b"1"),
        ("./lib/", b""),
        ("./lib/z", b"1"),
    )
    above = layer(
        tmp_path / "1",
        ("etc/a", b"22"),
        ("etc/.wh.b", b""),
        ("var/.wh.x", b""),
        ("opt/", b""),
        ("opt/.wh..wh..opq", b""),
        ("opt/new", b"2"),
        ("lib", None),
    )
    size, found = merged(tmp_path, below, above)
    assert size == len(b"1" + b"22" + b"2")
    assert sorted(found.keys() - MOUNT_POINTS.keys()) == [".profile", "etc", "etc/a", "lib", "opt", "opt/new", "var"]
    assert found["etc/a"].size == 2
    assert found["lib"].issym()


def test_what_an_engine_mounts_something_on_is_there_though_no_layer_has_it(tmp_path: Path) -> None:
    below = layer(tmp_path / "0", ("tmp/", b""), ("etc/resolv.conf", b"nameserver 192.0.2.1"))
    _, found = merged(tmp_path, below)
    assert found.keys() == MOUNT_POINTS.keys()
    assert (found["etc/resolv.conf"].size, found["proc"].isdir(), oct(found["var/tmp"].mode)) == (0, True, "0o1777")


def test_a_second_name_of_a_file_that_was_replaced_keeps_the_file(tmp_path: Path) -> None:
    below, above = tmp_path / "0", layer(tmp_path / "1", ("bin/perl", b"new"))
    with tarfile.open(below, "w:gz") as tar:
        for name, leads_to in (("bin/perl", ""), ("bin/perl5", "bin/perl"), ("a", ""), ("b", "a")):
            info = tarfile.TarInfo(f"./{name}")
            info.type, info.linkname = (tarfile.LNKTYPE, f"./{leads_to}") if leads_to else (tarfile.REGTYPE, "")
            info.size = 0 if leads_to else 3
            tar.addfile(info, io.BytesIO(b"old"))
    merged(tmp_path, below, above)
    with tarfile.open(tmp_path / "root.tar") as root:
        contents = {name: root.extractfile(name) for name in ("bin/perl", "bin/perl5", "b")}
        assert {name: file.read() for name, file in contents.items() if file} == {
            "bin/perl": b"new",
            "bin/perl5": b"old",
            "b": b"old",
        }
        assert root.getmember("b").islnk()


def test_a_layer_that_was_cut_is_told(tmp_path: Path) -> None:
    whole = layer(tmp_path / "0", ("a", Random(0).randbytes(100_000)))
    whole.write_bytes(whole.read_bytes()[:50_000])
    with pytest.raises(InvalidParameter, match="The layer 0 of the image"):
        merged(tmp_path, whole)


def test_the_unit_runs_the_container_python_with_what_its_image_says() -> None:
    text = host.unit(CONTAINER, SUBJECT)
    assert 'Environment="ODD=50%% of \\"$$HOME\\""' in text or 'Environment="ODD=50%% of \\"$HOME\\""' in text
    (run,) = (line for line in text.splitlines() if line.startswith("ExecStart="))
    assert run == (
        'ExecStart="/usr/bin/python3" "-m" "trackback.delivery.batch.instance" "--model" "/opt/model" '
        f'"--version" "models:/churn/7" "--digest" "{"d" * 64}" "--trust" "ab"'
    )
    assert "FailureAction=poweroff" in text


def test_the_machine_has_what_it_needs_to_start(tmp_path: Path) -> None:
    host.write_overlay(tmp_path / "overlay.tar")
    with tarfile.open(tmp_path / "overlay.tar") as tar:
        assert "etc/fstab" in tar.getnames()
        enabled = tar.getmember(f"etc/systemd/system/multi-user.target.wants/{host.UNIT}")
        assert enabled.linkname == host.UNIT_PATH
