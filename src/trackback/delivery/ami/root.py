"""The file system that the layers of an image make, as containers see it."""

import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from trackback.errors import InvalidParameter

_OPAQUE = ".wh..wh..opq"
_WHITEOUT = ".wh."
RESOLVER = "etc/resolv.conf"
MOUNT_POINTS = {
    "dev": 0o755,
    "proc": 0o755,
    "run": 0o755,
    "sys": 0o755,
    "tmp": 0o1777,
    "var/tmp": 0o1777,
    RESOLVER: 0o644,
}
"""Of a container, with their modes. The resolver's file is always an empty one: that of the machine is put over it."""


def write_root(layers: Sequence[Path], target: IO[bytes]) -> int:
    """Write a tar of the file system that layers make, each on top of those before; how many bytes its files have.

    Layers are read from the uppermost down, each once: what one above has, or has removed, is passed over. What a
    container's engine mounts something on is there in any case, as nobody can make it on a disk that is only read.

    InvalidParameter: a layer is no tar that can be read.
    """
    above = _Above()
    late: list[tarfile.TarInfo] = []
    size = 0
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as root:
        for layer in reversed(layers):
            with _opened(layer) as tar:
                for member in above.seen_of(tar):
                    size += _add(root, tar, member, above, late)
            above.sink()
        for link in late:
            if _of(link.linkname) in above:
                root.addfile(link)
        for path, mode in MOUNT_POINTS.items():
            if path not in above:
                root.addfile(_mount_point(path, mode))
    return size


class _Above:
    """What the layers above one have: the paths of theirs, and those below which nothing is to be seen."""

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._hidden: set[str] = set()
        self._own: dict[str, bool] = {}
        self._removed: set[str] = set()

    def __contains__(self, path: str) -> bool:
        """Whether it is there, in a layer above or in the one that is being read."""
        return path in self._paths or path in self._own

    def has_own(self, path: str) -> bool:
        """Whether it is seen of the layer that is being read."""
        return path in self._own

    def seen_of(self, layer: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        """The members of the next layer that are not hidden; ``name`` is their path."""
        for member in layer:
            path = _of(member.name)
            folder, _, name = path.rpartition("/")
            if name == _OPAQUE:
                self._removed.add(f"{folder}/" if folder else "")
            elif name.startswith(_WHITEOUT):
                gone = name.removeprefix(_WHITEOUT)
                self._removed.add(f"{folder}/{gone}" if folder else gone)
            elif path and path != RESOLVER and path not in self and not self._hides(path):
                self._own[path] = member.isdir()
                member.name = path
                yield member

    def sink(self) -> None:
        """The layer is read: what it has hides what is below it."""
        self._paths |= self._own.keys()
        self._hidden |= self._removed | {path for path, is_folder in self._own.items() if not is_folder}
        self._own, self._removed = {}, set()

    def _hides(self, path: str) -> bool:
        """``folder/`` hides what is in a folder, ``path`` the path itself as well."""
        if path in self._hidden or "" in self._hidden:
            return True
        ends = (place for place, letter in enumerate(path) if letter == "/")
        return any(path[:end] in self._hidden or path[: end + 1] in self._hidden for end in ends)


def _add(
    root: tarfile.TarFile, layer: tarfile.TarFile, member: tarfile.TarInfo, above: _Above, late: list[tarfile.TarInfo]
) -> int:
    """A member; how many bytes it has. A second name of a file that is hidden itself becomes a file."""
    if member.isreg():
        root.addfile(member, layer.extractfile(member))
        return member.size
    if member.islnk():
        member.linkname = _of(member.linkname)
        if not above.has_own(member.linkname):
            return _add_second_name(root, layer, member, late)
    root.addfile(member)
    return 0


def _add_second_name(
    root: tarfile.TarFile, layer: tarfile.TarFile, member: tarfile.TarInfo, late: list[tarfile.TarInfo]
) -> int:
    first = next((each for each in layer.getmembers() if _of(each.name) == member.linkname), None)
    if first is None:  # it is of a layer below, as some tools have it
        late.append(member)
        return 0
    content = layer.extractfile(first)
    member.type, member.linkname, member.size, member.pax_headers = tarfile.REGTYPE, "", first.size, {}
    root.addfile(member, content)
    return member.size


def _mount_point(path: str, mode: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(path)
    made.mode = mode
    if path != RESOLVER:
        made.type = tarfile.DIRTYPE
    return made


def _of(name: str) -> str:
    path = name.removeprefix("./").strip("/")
    return "" if path == "." else path


@contextmanager
def _opened(layer: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(layer, "r:*") as tar:
            yield tar
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise InvalidParameter(f"The layer {layer.name} of the image is no tar that can be read: {error}") from error
