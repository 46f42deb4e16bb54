"""The description of our own API: every call is in it, and it refers to nothing that is not there."""

import json
import re
from typing import Any

import msgspec

from trackback.server.api import ROUTES
from trackback.server.api.openapi import describe


def document() -> Any:
    return json.loads(msgspec.json.encode(describe(ROUTES)))


def test_every_call_is_described() -> None:
    described = {(method.upper(), path) for path, calls in document()["paths"].items() for method in calls}
    assert described == {(route.method, re.sub(r":path\}", "}", route.path)) for route in ROUTES}


def test_every_parameter_of_a_path_is_described() -> None:
    for path, calls in document()["paths"].items():
        for call in calls.values():
            named = {each["name"] for each in call["parameters"] if each["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))


def test_every_schema_that_is_referred_to_is_there() -> None:
    whole = document()
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(whole)))
    assert referred
    assert referred <= set(whole["components"]["schemas"])


def test_names_of_operations_are_unique() -> None:
    names = [call["operationId"] for calls in document()["paths"].values() for call in calls.values()]
    assert len(names) == len(set(names))


def test_a_call_says_what_it_needs() -> None:
    promote = document()["paths"]["/api/v1/promotions"]["post"]
    assert promote["x-permission"] == "promote"
    schema = promote["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["subject", "environment"]
