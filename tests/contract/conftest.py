from collections.abc import AsyncIterator

import pytest

from trackback.storage import Storage, open_storage


@pytest.fixture
async def storage(migrated_uri: str) -> AsyncIterator[Storage]:
    """An empty storage on each database: every test of this folder runs on all of them."""
    storage = open_storage(migrated_uri)
    yield storage
    await storage.close()
