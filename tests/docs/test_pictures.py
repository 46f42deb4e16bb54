"""The pictures of the pages: each is shown, none is missing, and all are small."""

import re
from pathlib import Path

import pytest

from scripts.pictures.camera import MOST_BYTES
from scripts.pictures.shots import SHOTS

DOCS = Path(__file__).parents[2] / "docs"
NAMES = sorted(shot.name for shot in SHOTS)


def shown(page: Path) -> list[str]:
    return re.findall(r"!\[[^]]+\]\((?:ui/)?([\w-]+)\.png\)", page.read_text())


def test_there_is_a_picture_of_each_page_and_no_other() -> None:
    assert sorted(file.stem for file in (DOCS / "ui").glob("*.png")) == NAMES


def test_each_picture_is_in_the_list_of_all_and_shown_once_beside_what_is_said_of_it() -> None:
    pages = [DOCS / "ui.md", *(DOCS / "ui").glob("*.md")]
    in_text = [name for page in pages for name in shown(page)]
    listed = re.findall(r"[^!]\[[^]]+\]\(ui/([\w-]+)\.png\)", (DOCS / "ui.md").read_text())
    assert sorted(listed) == NAMES
    assert sorted(in_text) == sorted(set(NAMES) - {"components", "components-dark"})


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_takes_little_of_the_repository(name: str) -> None:
    assert (DOCS / "ui" / f"{name}.png").stat().st_size <= MOST_BYTES
