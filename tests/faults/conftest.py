import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scratch import DISK


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest) -> Iterator[Path]:
    """On disk, as in use: how long a commit takes decides what a kill comes between. Kept if the test fails."""
    folder = Path(tempfile.mkdtemp(prefix="trackback-faults-", dir=DISK))
    failed_before = request.session.testsfailed
    yield folder
    if request.session.testsfailed == failed_before:
        shutil.rmtree(folder)
