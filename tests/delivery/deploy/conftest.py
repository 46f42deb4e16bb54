from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.deploy import systemd
from tests.delivery.deploy.slots import OwnSlot
from tests.delivery.registered import Registered
from tests.needs import need


@pytest.fixture(params=["process", "systemd"])
def slot(request: pytest.FixtureRequest) -> OwnSlot:
    """Run by each manager that there is for a machine; nothing of it is left after the test."""
    own: OwnSlot = request.getfixturevalue(f"{request.param}_slot")
    return own


@pytest.fixture
def process_slot(registered: Registered) -> Iterator[OwnSlot]:
    own = OwnSlot(registered, ["--to", "process"])
    yield own
    own.remove()


@pytest.fixture
def user_systemd(short_path: Path) -> Iterator[systemd.UserSystemd]:
    reason = systemd.missing()
    need(reason is None, str(reason))
    with systemd.UserSystemd(short_path / "sd") as running:
        yield running


@pytest.fixture
def systemd_slot(
    registered: Registered, user_systemd: systemd.UserSystemd, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OwnSlot]:
    for name, value in user_systemd.environment.items():
        monkeypatch.setenv(name, value)
    own = OwnSlot(registered, ["--to", "systemd", "--user"])
    yield own
    own.remove()
