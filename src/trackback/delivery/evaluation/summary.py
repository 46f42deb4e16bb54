"""What of a report goes to the server with the verdict: as much as there is room for."""

from typing import Any

import msgspec

from trackback.limits import VERDICT_REPORT_LENGTH

_ROOM = VERDICT_REPORT_LENGTH - 2048  # for what is added to it
_FIRST_TO_GO = ("examples", "changes", "slices", "left_out", "libraries", "costs", "metrics")
_LONGEST = 500
_MOST_CHECKS = 100


def fitting(document: dict[str, Any]) -> dict[str, Any]:
    """The document, or what is left of it without parts that one can do without; ``omitted`` names these."""
    kept, omitted = dict(document), []
    if len(msgspec.json.encode(kept)) <= _ROOM:
        return kept
    for name in _FIRST_TO_GO:
        if kept.pop(name, None):
            omitted.append(name)
        if len(msgspec.json.encode({**kept, "omitted": omitted})) <= _ROOM:
            return {**kept, "omitted": omitted}
    checks = sorted(kept.get("checks", ()), key=lambda each: bool(each["passed"]))[:_MOST_CHECKS]
    kept["checks"] = [{**each, "check": each["check"][:_LONGEST], "found": each["found"][:_LONGEST]} for each in checks]
    return {**kept, "omitted": [*omitted, "checks"]}
