"""What a version's MLmodel says of it: its signature, a row a column, and the libraries that load it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import yaml

from trackback.server.ui.files.previews import pieces
from trackback.services.artifacts import OpenFile

MLMODEL = "MLmodel"
MOST_BYTES = 1 << 20
MOST_COLUMNS = 500

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SignatureColumn(NamedTuple):
    name: str
    type: str
    optional: bool


class ModelDescription(NamedTuple):
    """``signed``: whether there is a signature; of one, ``inputs``, ``outputs`` and ``params`` are the columns."""

    signed: bool = False
    inputs: Sequence[SignatureColumn] = ()
    outputs: Sequence[SignatureColumn] = ()
    params: Sequence[SignatureColumn] = ()
    flavors: Sequence[str] = ()


async def describe(file: OpenFile) -> ModelDescription:
    """What the file says; nothing of one that is too long, or no MLmodel."""
    if file.size > MOST_BYTES:
        return ModelDescription()
    return await asyncio.to_thread(read_description, await pieces.read(file, 0, file.size))


def read_description(content: bytes) -> ModelDescription:
    """Of an MLmodel, which may be anything."""
    try:
        document = yaml.load(content, _LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return ModelDescription()
    if not isinstance(document, dict):
        return ModelDescription()
    signature, flavors = document.get("signature"), document.get("flavors")
    parts = signature if isinstance(signature, dict) else {}
    return ModelDescription(
        bool(parts),
        _columns(parts.get("inputs")),
        _columns(parts.get("outputs")),
        _columns(parts.get("params")),
        [str(name) for name in flavors] if isinstance(flavors, dict) else (),
    )


def _columns(text: object) -> list[SignatureColumn]:
    """A part of a signature is JSON within the YAML."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return []
    rows = found if isinstance(found, list) else []
    return [_column(row, place) for place, row in enumerate(rows[:MOST_COLUMNS]) if isinstance(row, dict)]


def _column(row: dict[str, Any], place: int) -> SignatureColumn:
    optional = row.get("required") is False or "default" in row
    return SignatureColumn(str(row.get("name", place)), _type(row), optional)


def _type(row: dict[str, Any]) -> str:
    """``double``; ``float64 (-1, 28, 28)`` of a tensor; ``array of string``; ``object {a: long}``."""
    if isinstance(tensor := row.get("tensor-spec"), dict):
        shape = ", ".join(map(str, tensor.get("shape", ()))) if isinstance(tensor.get("shape"), list) else "?"
        return f"{tensor.get('dtype', '?')} ({shape})"
    kind = str(row.get("type", row.get("dtype", "")))
    if kind == "array" and isinstance(items := row.get("items"), dict):
        return f"array of {_type(items)}"
    if kind == "object" and isinstance(properties := row.get("properties"), dict):
        inner = ", ".join(f"{name}: {_type(each)}" for name, each in properties.items() if isinstance(each, dict))
        return f"object {{{inner}}}"
    return kind
