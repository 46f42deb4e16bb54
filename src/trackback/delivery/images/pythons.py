"""Which Python a base image has, found in the names of its files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trackback.errors import InvalidParameter

_PYTHON = re.compile(r"(?:\./)?((?:usr/local/|usr/|opt/[^/]+/)bin/python(3\.\d+))")
_MUSL = re.compile(r"(?:\./)?(?:usr/)?lib/ld-musl-[\w.-]+")
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class Python:
    """``path`` is the interpreter's in the image, ``version`` as ``3.11``; ``architecture`` is OCI's word for it."""

    path: str
    version: str
    architecture: str
    musl: bool = False

    @property
    def platforms(self) -> tuple[str, ...]:
        """What wheels may be built for, the newest first."""
        machine = _ARCHITECTURES[self.architecture]
        if self.musl:
            return tuple(f"musllinux_1_{minor}_{machine}" for minor in (2, 1))
        newer = tuple(f"manylinux_2_{minor}_{machine}" for minor in range(31, 16, -1))
        older = ("manylinux2014", "manylinux2010", "manylinux1") if machine == "x86_64" else ("manylinux2014",)
        return (*newer, *(f"{each}_{machine}" for each in older))


def find_python(names: Iterable[str], architecture: str, wanted: str, base: str) -> Python:
    """The interpreter of version ``wanted`` among the names of all files of a base.

    InvalidParameter: there is none, or the machine is one that packages are not built for.
    """
    found: dict[str, str] = {}
    musl = False
    for name in names:
        if match := _PYTHON.fullmatch(name):
            path, version = match.groups()
            found[version] = min(found.get(version, path), path, key=_rank)
        musl = musl or _MUSL.fullmatch(name) is not None
    if architecture not in _ARCHITECTURES:
        raise InvalidParameter(
            f"The base {base} is for {architecture}; images are made for {' and '.join(_ARCHITECTURES)} only."
        )
    if wanted not in found:
        there = f"it has Python {', '.join(sorted(found))}" if found else "it has no Python"
        raise InvalidParameter(
            f"The model was made with Python {wanted}, and the base {base} can't run that: {there}. Choose a base with "
            f"Python {wanted}, such as docker.io/library/python:{wanted}-slim, or make one: `trackback deliver base`."
        )
    return Python(f"/{found[wanted]}", wanted, architecture, musl)


def _rank(path: str) -> int:
    """The order of folders in the PATH of images."""
    return 0 if path.startswith("usr/local/") else 1 if path.startswith("usr/") else 2
