"""Fills a database that no server has started on with 10,000 promotions: ``python -m tests.gocd.long_log URI``."""

import sys

import anyio

from benchmarks import promoted
from trackback.server.settings import Settings
from trackback.services.experiments import Experiments
from trackback.storage import open_storage

PROMOTIONS = 10_000


async def _ensure_default(uri: str) -> None:
    storage = open_storage(uri)
    try:
        await Experiments(storage, Settings().default_artifact_root).ensure_default()
    finally:
        await storage.close()


if __name__ == "__main__":
    anyio.run(_ensure_default, sys.argv[1])
    promoted.load(sys.argv[1], PROMOTIONS)
