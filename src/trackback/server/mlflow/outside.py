"""The parts of MLflow that trackback does not serve, so that its clients are told which part it is, and not just 404.

They get ENDPOINT_NOT_FOUND like any unknown path: on that, MLflow's clients fall back to something else or give up.
"""

import re

_TRACES = "traces (GenAI)"
_GATEWAY = "the AI gateway"
_ACCOUNTS = "the accounts of its basic-auth app (trackback has its own: see /api/v1/users)"

# By what follows /api/2.0/mlflow/, /api/3.0/mlflow/, or the same under /ajax-api.
_PARTS = {
    "assistant": "the assistant (GenAI)",
    "datasets": "evaluation data sets (GenAI)",
    "demo": "the demo (GenAI)",
    "gateway": _GATEWAY,
    "gateway-proxy": _GATEWAY,
    "genai": "evaluation (GenAI)",
    "get-online-trace-details": _TRACES,
    "get-trace-artifact": _TRACES,
    "issues": "issues (GenAI)",
    "jobs": "jobs",
    "label-schemas": "label schemas (GenAI)",
    "mcp-servers": "MCP servers (GenAI)",
    "prompt-optimization": "prompt optimization (GenAI)",
    "review-queues": "review queues (GenAI)",
    "roles": _ACCOUNTS,
    "scorer": "scorers (GenAI)",
    "scorers": "scorers (GenAI)",
    "server-info": "server-info",
    "skills": "skills (GenAI)",
    "traces": _TRACES,
    "ui-telemetry": "telemetry of the UI",
    "unified-traces": _TRACES,
    "users": _ACCOUNTS,
    "workspaces": "workspaces",
}
_BEGINNINGS = {
    "/ajax-api/2.0/mlflow/runs/create-promptlab-run": "the prompt lab (GenAI)",
    "/ajax-api/3.0/jobs": "jobs",
    "/gateway/": _GATEWAY,
    "/graphql": "GraphQL",
    "/signup": _ACCOUNTS,
    "/v1/traces": _TRACES,
}
_API = re.compile(r"/(?:ajax-)?api/[23]\.0/mlflow/([^/]*)")


def part_of(path: str) -> str | None:
    """The part of MLflow that ``path`` belongs to and that is not served here."""
    if (match := _API.match(path)) and match[1] in _PARTS:
        return _PARTS[match[1]]
    return next((part for beginning, part in _BEGINNINGS.items() if path.startswith(beginning)), None)


def explain(path: str) -> str:
    """What to add to "not found" for ``path``; empty if there is nothing to say."""
    part = part_of(path)
    return "" if part is None else f"trackback leaves this part of MLflow out: {part}."
