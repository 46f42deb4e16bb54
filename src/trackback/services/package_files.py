"""Files that list packages, read: ``requirements.txt``, ``conda.yaml`` and ``python_env.yaml``.

They come from anybody, so what can't be read of one is passed over, and how long it may be is bounded.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from trackback.entities import Package

REQUIREMENTS = "requirements.txt"
CONDA = "conda.yaml"
PYTHON_ENVIRONMENT = "python_env.yaml"
PACKAGE_FILES = frozenset((REQUIREMENTS, CONDA, PYTHON_ENVIRONMENT))
PACKAGE_FILE_BYTES = 1 << 20
PACKAGES = 10_000
PYTHON = "python"

_LENGTH = 250
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONDA_SPEC = re.compile(r"(?:[\w./-]+::)?([\w.-]+)\s*(?:(==?)\s*([\w.!+-]+)(?:=[\w.*]+)?|(.*))")


def read_packages(name: str, content: bytes) -> tuple[Package, ...]:
    """The packages that a file of this name lists, by name; of one that is listed twice, the last."""
    text = content.decode("utf-8", "replace").replace("\x00", "")
    if name == REQUIREMENTS:
        return by_name(_requirements(text.splitlines()))
    try:
        document = yaml.load(text, _LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return ()
    if not isinstance(document, dict):
        return ()
    return by_name(_conda(document) if name == CONDA else _python_environment(document))


def by_name(packages: Iterable[Package]) -> tuple[Package, ...]:
    """The packages, sorted, each with its name as all spellings of it are: ``Scikit_Learn`` is ``scikit-learn``."""
    found = {}
    for package in packages:
        fields = (package.name, package.version or "", package.specifier or "")
        if package.name and all(len(field) <= _LENGTH and "\x00" not in field for field in fields):
            found[canonicalize_name(package.name)] = package
    return tuple(
        Package(name, package.version, package.specifier) for name, package in sorted(found.items())[:PACKAGES]
    )


def read_requirement(text: str) -> Package | None:
    """One line of a requirements file; None if it names no package."""
    line = re.split(r"(?:^|\s)#|\s--", text.strip(), maxsplit=1)[0].strip().rstrip("\\").strip()
    if not line or line.startswith("-"):
        return None
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return None
    if requirement.url:
        return Package(requirement.name, specifier=f"@ {requirement.url}")
    pins = [each.version for each in requirement.specifier if each.operator in ("==", "===")]
    if len(pins) == 1 and len(requirement.specifier) == 1 and not pins[0].endswith("*"):
        return Package(requirement.name, pins[0])
    return Package(requirement.name, specifier=str(requirement.specifier) or None)


def _requirements(lines: Iterable[Any]) -> Iterator[Package]:
    for line in lines:
        if isinstance(line, str) and (package := read_requirement(line)):
            yield package


def _conda(document: dict[Any, Any]) -> Iterator[Package]:
    for entry in _list(document.get("dependencies")):
        if isinstance(entry, dict):
            yield from _requirements(_list(entry.get("pip")))
        elif isinstance(entry, str) and (match := _CONDA_SPEC.fullmatch(entry.strip())):
            name, _, version, rest = match.groups()
            yield Package(name, version, (rest or "").strip() or None)


def _python_environment(document: dict[Any, Any]) -> Iterator[Package]:
    python = document.get("python")
    if isinstance(python, str | float | int):
        yield Package(PYTHON, str(python))
    for field in ("build_dependencies", "dependencies"):
        yield from _requirements(_list(document.get(field)))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
