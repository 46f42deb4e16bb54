"""The pages about the delivery record say what is so: routes, kinds, and the format of the provenance record."""

import json
import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks, quoted, tables
from trackback.entities import BuildResult, DeploymentKind
from trackback.server.api import builds, deployments, lineage
from trackback.server.routing import Route
from trackback.services.provenance_documents import document_schema, read_document

DELIVERY = ROOT / "docs" / "reference" / "delivery.md"
LINEAGE = ROOT / "docs" / "reference" / "lineage.md"
SCHEMA = ROOT / "docs" / "reference" / "provenance.schema.json"
CALL = re.compile(r"(?:GET|POST|PATCH|DELETE) /\S+")


def test_the_published_schema_is_that_of_the_document() -> None:
    """If the format has changed: write ``document_schema()`` there, as JSON, indented by 2."""
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(document_schema()))


def test_the_example_of_a_document_has_no_faults() -> None:
    (example,) = blocks(LINEAGE, "json")
    record, faults = read_document(example.text.encode())
    assert faults == ()
    assert record.code
    assert record.datasets


@pytest.mark.parametrize(
    ("page", "headings", "routes"),
    [
        (DELIVERY, ["## Builds", "## Deployments"], [*builds.ROUTES, *deployments.ROUTES]),
        (LINEAGE, ["## Impact"], lineage.ROUTES),
    ],
    ids=["delivery", "lineage"],
)
def test_each_route_is_in_its_table(page: Path, headings: list[str], routes: list[Route]) -> None:
    rows = [row for heading in headings for table in tables(page, heading) for row in table]
    named = {call for row in rows for call in quoted(row[0]) if CALL.fullmatch(call)}
    served = {f"{route.method} {route.path}".replace(":path}", "}") for route in routes}
    assert named == served


def test_each_kind_of_deployment_and_each_result_of_a_build_is_named() -> None:
    kinds = [quoted(row[0])[0] for table in tables(DELIVERY, "## Deployments") for row in table if len(row) == 3]
    assert set(DeploymentKind) <= set(kinds)
    assert all(f"`{result}`" in DELIVERY.read_text() for result in BuildResult)
