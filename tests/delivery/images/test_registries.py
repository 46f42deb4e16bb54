"""A small image to and from a real registry: its bytes stay, and those who may not are told so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import need
from tests.servers import registry
from tests.servers.program import free_port
from tests.servers.registry import LOGIN, ImageRegistry, TokenServer
from trackback.delivery.images.blobs import Blobs
from trackback.delivery.images.layers import Entry, write_layer
from trackback.delivery.images.layouts import CONFIG_TYPE, MANIFEST_TYPE, Descriptor, encode
from trackback.delivery.images.references import Reference, parse_reference
from trackback.delivery.images.registries import Registry
from trackback.errors import NotFound, PermissionDenied, Unavailable

pytestmark = pytest.mark.delivery


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    reason = registry.missing()
    need(reason is None, str(reason))
    return tmp_path / "registry"


@pytest.fixture
def with_tokens(folder: Path) -> Iterator[ImageRegistry]:
    with TokenServer(folder / "tokens") as tokens, ImageRegistry(folder, tokens=tokens) as running:
        yield running


class Small:
    """An image of one file."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs
        layer = write_layer(blobs, [Entry("etc/name", b"churn")])
        config = encode(
            {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]}}
        )
        self.parts = [
            Descriptor(layer.media_type, layer.digest, layer.size),
            Descriptor(CONFIG_TYPE, blobs.put(config), len(config)),
        ]
        said = {"config": self.parts[1].document, "layers": [self.parts[0].document]}
        self.content = encode({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, **said})
        self.manifest = Descriptor(MANIFEST_TYPE, blobs.put(self.content), len(self.content))

    def push(self, to: Reference) -> None:
        with Registry(to) as pushed:
            for part in self.parts:
                pushed.push_blob(part, self.blobs.path(part.digest))
            pushed.push_manifest(self.manifest, self.content, to.asked_for)


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(Blobs(tmp_path / "here"))


def test_what_is_pushed_is_pulled_by_the_same_digests(folder: Path, small: Small, tmp_path: Path) -> None:
    with ImageRegistry(folder) as running:
        name = parse_reference(f"{running.host}/team/churn:7")
        small.push(name)
        there = Blobs(tmp_path / "there")
        with Registry(name) as pulled:
            for asked in ("7", small.manifest.digest):
                assert pulled.pull_manifest(asked) == (small.manifest, small.content)
            for part in small.parts:
                pulled.pull_blob(part, there)
            with pytest.raises(NotFound, match="There is no image"):
                pulled.pull_manifest("8")

    assert [there.read(part.digest) for part in small.parts] == [small.blobs.read(part.digest) for part in small.parts]


def test_a_registry_with_tokens_gives_them_to_who_may(
    with_tokens: ImageRegistry, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = parse_reference(f"{with_tokens.host}/team/churn:7")
    with pytest.raises(PermissionDenied, match="401"):
        small.push(name)

    monkeypatch.setenv("TRACKBACK_REGISTRY_USERNAME", LOGIN[0])
    monkeypatch.setenv("TRACKBACK_REGISTRY_PASSWORD", LOGIN[1])
    small.push(name)
    with Registry(name) as pulled:
        assert pulled.pull_manifest("7") == (small.manifest, small.content)


@pytest.mark.parametrize("login", [(LOGIN[0], "wrong"), ("nobody", LOGIN[1])])
def test_who_shows_another_password_is_refused_and_nothing_is_there(
    folder: Path, small: Small, login: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKBACK_REGISTRY_USERNAME", login[0])
    monkeypatch.setenv("TRACKBACK_REGISTRY_PASSWORD", login[1])
    with ImageRegistry(folder, guarded=True) as running:
        name = parse_reference(f"{running.host}/team/churn:7")
        with pytest.raises(PermissionDenied, match=r"401.*Log in"):
            small.push(name)
        monkeypatch.setenv("TRACKBACK_REGISTRY_USERNAME", LOGIN[0])
        monkeypatch.setenv("TRACKBACK_REGISTRY_PASSWORD", LOGIN[1])
        with Registry(name) as asked, pytest.raises(NotFound):
            asked.pull_manifest("7")


def test_a_registry_that_is_away_is_asked_several_times(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("trackback.delivery.images.registries.time.sleep", pauses.append)

    with pytest.raises(Unavailable, match="can't be reached"):
        small.push(parse_reference(f"127.0.0.1:{free_port()}/churn:7"))
    assert len(pauses) == 3
