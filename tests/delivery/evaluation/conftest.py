import sys
from collections.abc import Iterator

import pytest

from tests import model_processes


@pytest.fixture(autouse=True, scope="module")
def _processes_are_forks(request: pytest.FixtureRequest) -> Iterator[None]:
    """But for tests of clean environments, which are made by a Python itself."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.node.name.endswith("test_isolated.py"):
            patch.setattr(sys, "executable", str(model_processes.programs() / "python"))
        yield
