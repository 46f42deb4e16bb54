"""The locks say exactly what make installs, and nothing about where from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
SOURCES = sorted((ROOT / "locks").glob("*.in"))


def pins(lock: Path) -> dict[str, str]:
    """Each package that a lock names, with its version."""
    lines = [line for line in lock.read_text().splitlines() if line and not line.lstrip().startswith("#")]
    pinned = [re.fullmatch(r"([A-Za-z0-9._-]+)==([^ ]+)( ; .+)?", line) for line in lines]
    assert all(pinned), f"{lock.name} has lines that pin nothing"
    return {canonicalize_name(match[1]): match[2] for match in pinned if match}


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    groups = (project["project"]["dependencies"], *extras, project["dependency-groups"]["dev"])
    return [Requirement(text) for text in sorted({text for group in groups for text in group})]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_versions_and_names_no_host(lock: Path) -> None:
    assert pins(lock)
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("requirement", declared(), ids=str)
def test_what_the_project_declares_is_pinned_to_a_version_that_it_takes(requirement: Requirement) -> None:
    assert pins(ROOT / "locks" / "project.txt")[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_each_environments_source_is_in_its_lock(source: Path) -> None:
    pinned = pins(source.with_suffix(".txt"))
    for requirement in map(Requirement, source.read_text().split()):
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier
