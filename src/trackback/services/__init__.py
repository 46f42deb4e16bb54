"""The rules of trackback, each written once. The composition root builds the services; endpoints are handed them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Services:
    """All services of one server."""
