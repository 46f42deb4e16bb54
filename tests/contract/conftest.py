from collections.abc import AsyncIterator

import pytest

from trackback.storage import Storage, open_storage


@pytest.fixture
async def storage(backend_uri: str) -> AsyncIterator[Storage]:
    """An empty storage on each database: every test of this folder runs on all of them."""
    storage = open_storage(backend_uri)
    yield storage
    await storage.close()
