"""The pages about GoCD say what is so: routes, fields, variables and flags."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.docs.markdown import ROOT, blocks, quoted, section, tables
from trackback.cli.gocd import gocd
from trackback.entities import WebhookTarget
from trackback.server.gocd import definitions, gocd_routes
from trackback.server.gocd.views import Input
from trackback.services.gocd import promoted, pull_requests
from trackback.services.gocd.packages import FIELDS
from trackback.services.webhook_targets import TARGETS

GUIDE = ROOT / "docs" / "gocd.md"
REFERENCE = ROOT / "docs" / "reference" / "gocd.md"
WEBHOOKS = ROOT / "docs" / "reference" / "webhooks.md"


def first_cells(heading: str) -> list[str]:
    return [name for table in tables(REFERENCE, heading) for row in table for name in quoted(row[0])]


def test_each_route_is_in_the_table_with_the_role_it_needs() -> None:
    (rows,) = tables(REFERENCE, "## The routes")
    roles = {"read": "reader", "write": "writer", "nothing": ""}

    assert {(quoted(call)[0], role) for call, role, _ in rows} == {
        (f"{route.method} {route.path}", roles[route.permission]) for route in gocd_routes("")
    }


def test_each_field_of_repository_and_package_is_named() -> None:
    assert first_cells("## Packages") == [
        *(field.key for field in definitions.REPOSITORY),
        *["MODEL", "EXPERIMENT", "ENVIRONMENT", "PROMOTION_TAG_NAME", "PROMOTION_TAG_VALUE"],
        *["PR_ID_TAG_NAME", "PR_RUNS_WITHIN_DAYS"],
    ]
    assert set(FIELDS) <= set(first_cells("## Packages"))


@pytest.mark.parametrize(
    ("heading", "inputs"), [("## Fetching", definitions.TASK), ("## Publishing", definitions.PUBLISH)]
)
def test_each_field_of_a_form_is_named(heading: str, inputs: tuple[Input, ...]) -> None:
    assert first_cells(heading) == [each.key for each in inputs]


def test_each_variable_that_a_build_finds_is_described() -> None:
    known = first_cells("## What a build finds in its environment")
    sources = [promoted.__file__, pull_requests.__file__]
    written = {key for source in sources for key in re.findall(r'"([A-Z][A-Z_]+)": ?', Path(source).read_text())}
    written |= {"EXPERIMENT", "GIT_COMMIT", f"{pull_requests.RUN_KEY}<id>", f"{pull_requests.URI_KEY}<id>"}

    assert set(known) == written


@pytest.mark.parametrize("name", ["init", "reconcile"])
def test_each_flag_is_named(name: str) -> None:
    context = click.Context(gocd)
    command = gocd.get_command(context, name)
    assert command
    text = section(REFERENCE, "## Commands")

    for option in command.params:
        if isinstance(option, click.Option):
            assert f"`{max(option.opts, key=len)}`" in text, option.opts


def test_the_trigger_s_options_are_in_the_table_of_targets() -> None:
    row = next(row for table in tables(WEBHOOKS, "## What is sent") for row in table if "`gocd`" in row[0])

    assert set(quoted(row[1])) == set(TARGETS[WebhookTarget.GOCD].required)


def test_each_field_of_mlflow_gocd_has_its_new_one() -> None:
    (rows,) = tables(GUIDE, "## Moving from mlflow-gocd")
    old = {name for row in rows for name in quoted(row[0])}

    assert {"MLFLOW_URL", "PR_RUNS_WITHIN_DAYS", "EXPERIMENT_ID", "PROMOTION_TAG_NAME", "PR_ID_TAG_NAME"} <= old
    assert {"Repo", "Package", "ArtifactPattern", "Destination", "DestinationFile"} <= old


def test_pipelines_in_code_name_fields_that_are_there_and_give_those_that_are_needed() -> None:
    written: dict[str, list[dict[str, str]]] = {"plugin": [], "external": [], "fetch": []}
    for block in blocks(GUIDE, "yaml"):
        for kind, said in _mappings(yaml.safe_load(block.text)):
            if kind in written:
                written[kind].append(said.get("options") or said["configuration"]["options"])

    for kind, inputs in (
        ("plugin", definitions.TASK),
        ("external", definitions.PUBLISH),
        ("fetch", definitions.FETCH),
    ):
        (options,) = written[kind]
        assert {each.key for each in inputs if each.required} <= options.keys() <= {each.key for each in inputs}


def _mappings(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping in a document, with the key that it has."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict):
                yield key, inner
            yield from _mappings(inner)
    elif isinstance(value, list):
        for each in value:
            yield from _mappings(each)
