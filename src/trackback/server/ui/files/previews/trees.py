"""JSON as a tree that opens and closes."""

from typing import Any, NamedTuple

import msgspec

JSON_BYTES = 1 << 20
NODES = 5000
CHILDREN = 200
DEPTH = 60
TEXT_LENGTH = 1000


class Node(NamedTuple):
    """A value: ``kind`` is object, array, string, number, true, false or null. ``left_out`` children are not shown."""

    key: str
    kind: str
    text: str
    children: list["Node"]
    left_out: int
    size: int


def tree(content: bytes) -> Node | None:
    """The root; None if it is no JSON."""
    try:
        value = msgspec.json.decode(content)
    except (ValueError, RecursionError):
        return None
    return tree_of(value)


def tree_of(value: Any) -> Node:
    """The tree of any value of JSON: no more than ``NODES`` of it, and no deeper than ``DEPTH``."""
    budget = [NODES]
    return _node("", value, budget, DEPTH)


def _node(key: str, value: Any, budget: list[int], depth: int) -> Node:
    budget[0] -= 1
    if not isinstance(value, dict | list):
        return Node(key, *_leaf(value), [], 0, 0)
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    children: list[Node] = []
    for name, child in pairs:
        if len(children) >= CHILDREN or budget[0] <= 0 or depth <= 0:
            break
        children.append(_node(str(name), child, budget, depth - 1))
    kind = "object" if isinstance(value, dict) else "array"
    return Node(key, kind, "", children, len(value) - len(children), len(value))


def _leaf(value: Any) -> tuple[str, str]:
    match value:
        case None:
            return "null", "null"
        case bool():
            return str(value).lower(), str(value).lower()
        case int() | float():
            return "number", repr(value)
    text = str(value)
    return "string", text if len(text) <= TEXT_LENGTH else f"{text[:TEXT_LENGTH]}…"
