"""What GoCD's plugin relays, below /gocd/v1/: a route for each request of GoCD's that has a body; and the plugin."""

from pathlib import Path

from trackback.server.gocd import agents, notifications, package_repository, plugin
from trackback.server.routing import Route

RELAYED = [*package_repository.ROUTES, *agents.ROUTES, *notifications.ROUTES]


def gocd_routes(jar: str) -> list[Route]:
    """``jar``: where the plugin is; empty for where a checkout builds it."""
    return [*RELAYED, plugin.route(Path(jar) if jar else None)]
