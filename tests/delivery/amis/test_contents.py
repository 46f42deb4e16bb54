"""The layers of an image become one file system, as containers see it."""

import io
import tarfile
from pathlib import Path

import pytest

from trackback.delivery.ami import host
from trackback.delivery.ami.contents import Container, write_root
from trackback.delivery.subject import Subject

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
    assert write_root([below, above], tmp_path / "root.tar") == len(b"1" + b"22" + b"2")
    with tarfile.open(tmp_path / "root.tar") as root:
        found = {each.name: each for each in root}
    assert sorted(found) == [".profile", "etc", "etc/a", "lib", "opt", "opt/new", "var"]
    assert found["etc/a"].size == 2
    assert found["lib"].issym()


def test_the_unit_runs_the_container_python_with_what_its_image_says() -> None:
    text = host.unit(CONTAINER, SUBJECT)
    assert 'Environment="ODD=50%% of \\"$$HOME\\""' in text or 'Environment="ODD=50%% of \\"$HOME\\""' in text
    (run,) = (line for line in text.splitlines() if line.startswith("ExecStart="))
    assert run == (
        'ExecStart="/usr/bin/python3" "-m" "trackback.delivery.batch.instance" "--model" "/opt/model" '
        f'"--version" "models:/churn/7" "--digest" "{"d" * 64}" "--trust" "ab"'
    )
    assert "FailureAction=poweroff" in text


@pytest.mark.parametrize("name", ["etc/fstab", f"etc/systemd/system/{host.UNIT}"])
def test_the_machine_has_what_it_needs_to_start(name: str, tmp_path: Path) -> None:
    host.write_overlay(tmp_path / "overlay.tar", CONTAINER, SUBJECT, "1234")
    with tarfile.open(tmp_path / "overlay.tar") as tar:
        assert name in tar.getnames()
        enabled = tar.getmember(f"etc/systemd/system/multi-user.target.wants/{host.UNIT}")
        assert enabled.linkname == f"/etc/systemd/system/{host.UNIT}"
