import json

import pytest
import yaml

from trackback.server.ui.models.signature_columns import ModelDescription, read_description

INPUTS = [
    {"type": "double", "name": "age", "required": True},
    {"type": "string", "name": "city", "required": False},
    {"type": "array", "name": "tags", "items": {"type": "string"}, "required": True},
    {"type": "object", "name": "home", "properties": {"lat": {"type": "double"}}, "required": True},
]
OUTPUTS = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]


def mlmodel(**parts: object) -> bytes:
    return yaml.safe_dump({"flavors": {"sklearn": {}, "python_function": {}}, **parts}).encode()


def test_a_signature_is_told_a_row_a_column() -> None:
    signature = {"inputs": json.dumps(INPUTS), "outputs": json.dumps(OUTPUTS), "params": None}
    found = read_description(mlmodel(signature=signature))
    assert [(each.name, each.type, each.optional) for each in found.inputs] == [
        ("age", "double", False),
        ("city", "string", True),
        ("tags", "array of string", False),
        ("home", "object {lat: double}", False),
    ]
    assert [(each.name, each.type) for each in found.outputs] == [("0", "float64 (-1, 2)")]
    assert (found.signed, found.params, sorted(found.flavors)) == (True, [], ["python_function", "sklearn"])


def test_without_a_signature_the_libraries_are_told() -> None:
    found = read_description(mlmodel())
    assert (found.signed, sorted(found.flavors)) == (False, ["python_function", "sklearn"])


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[1, 2]", b"a: [", b"signature: {inputs: '{'}", b"signature: 3"]
)
def test_what_is_no_mlmodel_says_nothing(content: bytes) -> None:
    found = read_description(content)
    assert found._replace(signed=False) == ModelDescription(
        inputs=found.inputs, outputs=found.outputs, params=found.params
    )
    assert not [*found.inputs, *found.outputs, *found.params]
