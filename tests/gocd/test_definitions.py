"""What the plugin answers by itself: as GoCD insists on it, and the same in the plugin as here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trackback.server.gocd.definitions import answers, texts
from trackback.services.gocd.packages import FIELDS

RESOURCES = Path(__file__).parents[2] / "integrations" / "gocd" / "src" / "main" / "resources" / "static"


def test_the_plugin_has_the_answers_that_are_defined_here() -> None:
    """If they differ: ``python -m trackback.server.gocd.definitions integrations/gocd/src/main/resources/static``."""
    assert {path.name: path.read_text() for path in RESOURCES.glob("*.json")} == texts()


def test_the_command_writes_them(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "trackback.server.gocd.definitions", tmp_path / "new"], check=True)

    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == texts()


@pytest.mark.parametrize("name", ["repository-configuration", "package-configuration"])
def test_fields_of_packages_have_booleans_and_texts_where_gocd_wants_them(name: str) -> None:
    fields = answers()[f"package-repository.{name}"]
    assert isinstance(fields, dict)
    for field in fields.values():
        assert {key: type(value) for key, value in field.items()} == {
            "display-name": str,
            "display-order": str,
            "required": bool,
            "secure": bool,
            "part-of-identity": bool,
        }


def test_every_field_of_a_package_can_be_filled_in() -> None:
    fields = answers()["package-repository.package-configuration"]

    assert isinstance(fields, dict)
    assert tuple(fields) == FIELDS


def test_a_new_token_is_no_new_material() -> None:
    fields = answers()["package-repository.repository-configuration"]

    assert isinstance(fields, dict)
    assert (fields["TOKEN"]["secure"], fields["TOKEN"]["part-of-identity"]) == (True, False)


def test_a_default_is_a_text_and_each_field_has_its_place_in_the_form() -> None:
    for name in ("task", "notification.go.plugin-settings"):
        configuration = answers()["task.configuration" if name == "task" else f"{name}.get-configuration"]
        view = answers()["task.view" if name == "task" else f"{name}.get-view"]
        assert isinstance(configuration, dict)
        assert isinstance(view, dict)
        for key, field in configuration.items():
            assert isinstance(field["default-value"], str)
            assert f'ng-model="{key}"' in view["template"]
            assert f"GOINPUTNAME[{key}].$error.server" in view["template"]


def test_every_answer_is_json_that_is_not_empty_but_for_the_capabilities() -> None:
    for name, text in texts().items():
        assert json.loads(text) or name == "artifact.get-capabilities.json"
