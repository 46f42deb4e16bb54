"""What an image has to have installed: what the model says, and what the scoring server needs beside it."""

import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from trackback.errors import InvalidModel

FILE_NAME = "requirements.txt"
_EXTRAS = ("", "scoring")
_PYTHON = re.compile(r"(3\.\d+)(?:\.\d+)?")


def python_of(model: Path, default: str) -> str:
    """The Python that a model was made with, as ``3.11``; ``default`` if its files don't say."""
    try:
        said = yaml.safe_load((model / "python_env.yaml").read_text(encoding="utf-8"))["python"]
    except FileNotFoundError:
        return default
    except (OSError, yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InvalidModel(f"The model's python_env.yaml does not say which Python it needs: {error}.") from error
    match = _PYTHON.fullmatch(str(said))
    if match is None:
        raise InvalidModel(
            f"The model's python_env.yaml says that it needs Python {said!r}, which is no version of it."
        )
    return match[1]


def named_in(lines: Iterable[str]) -> set[str]:
    """The packages that lines of a requirements file name."""
    names: set[str] = set()
    for line in lines:
        try:
            names.add(canonicalize_name(Requirement(line.partition("#")[0].strip()).name))
        except InvalidRequirement:
            continue  # an option, or an empty line
    return names


def server_requirements() -> list[str]:
    """What trackback needs for serving, as its own metadata has it."""
    return [str(each) for each in _needed("trackback", _EXTRAS)]


def server_constraints(but: Iterable[str]) -> list[str]:
    """The versions of all that serving needs which are installed here, without the packages that are told anyway."""
    left_out = {canonicalize_name(each) for each in but} | {"trackback"}
    waiting: list[tuple[str, tuple[str, ...]]] = [("trackback", _EXTRAS)]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    pinned: dict[str, str] = {}
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if name not in left_out:
            pinned[name] = version.partition("+")[0]
        waiting += [(canonicalize_name(each.name), ("", *sorted(each.extras))) for each in _needed(name, extras)]
    return [f"{name}=={pinned[name]}" for name in sorted(pinned)]


def _needed(name: str, extras: Iterable[str]) -> Iterator[Requirement]:
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            requirement.marker = None
            yield requirement
