"""The page on policies says what is so: the first policy, the fields, and the calls with their fields."""

import msgspec

from tests.docs.markdown import ROOT, blocks, quoted, tables
from trackback.cli.policy_file import FIRST_POLICY
from trackback.entities.policy_documents import Metadata, PolicyDocument, RequiredApprovals, RequiredVerdict
from trackback.server.api import approvals, policies, verdicts
from trackback.server.mlflow.endpoints import Rpc

PAGE = ROOT / "docs" / "reference" / "policies.md"


def test_the_first_policy_is_shown_as_it_is_written() -> None:
    (block,) = blocks(PAGE, "yaml")
    assert block.text == FIRST_POLICY


def test_every_field_of_a_policy_is_explained() -> None:
    fields, metadata = tables(PAGE, "## What a policy can ask for")
    parts = {"verdicts[].": RequiredVerdict, "approvals.": RequiredApprovals}
    nested = {prefix + name for prefix, part in parts.items() for name in part.__struct_fields__}
    expected = nested - {"verdicts[].name"} | set(PolicyDocument.__struct_fields__) - {"approvals"}
    assert {quoted(row[0])[0] for row in fields} == expected
    assert [quoted(row[0])[0] for row in metadata] == list(Metadata)


def test_every_call_is_there_with_its_fields() -> None:
    (rows,) = tables(PAGE, "## Calls")
    calls = {}
    for route in (*policies.ROUTES, *verdicts.ROUTES, *approvals.ROUTES):
        assert isinstance(route.endpoint, Rpc)
        fields = msgspec.structs.fields(route.endpoint.request)
        calls[f"{route.method} {route.path}"] = [(field.name, field.required) for field in fields]
    shown = {
        quoted(call)[0]: [(quoted(field)[0], field.endswith(r"\*")) for field in fields.split(", ")]
        for call, fields, _ in rows
    }
    assert shown == calls
