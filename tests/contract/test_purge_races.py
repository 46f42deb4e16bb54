"""Purges beside reports of deployments, by two servers where the database allows it: only one of them can be first."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from tests.contract.registered import DIGEST, register_model, register_version
from trackback.entities import ANYONE, DeploymentKind
from trackback.errors import InvalidState, NotFound
from trackback.services import deployments as deployment_rules
from trackback.services.deployment_reports import DeploymentReport
from trackback.services.deployments import Deployments
from trackback.services.locators import Place
from trackback.services.promotion_rules import Environments
from trackback.services.purges import Purges
from trackback.storage import Storage, open_storage, purges

IMAGE = Place(DeploymentKind.IMAGE, f"registry.example/churn@sha256:{'1' * 64}")
PAUSE_S = 0.5
SOON_S = 20


@pytest.fixture
async def other(storage: Storage, migrated_uri: str) -> AsyncIterator[Storage]:
    """That of a second server; on SQLite there is only one."""
    if migrated_uri.startswith("sqlite"):
        yield storage
        return
    other = open_storage(migrated_uri)
    yield other
    await other.close()


class Pause:
    """Before a function is called: others may come between."""

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self._begun = threading.Event()

    def __call__(self, *arguments: object) -> object:
        self._begun.set()
        time.sleep(PAUSE_S)
        return self._function(*arguments)

    async def begun(self) -> None:
        assert await asyncio.to_thread(self._begun.wait, SOON_S)


async def registered(storage: Storage, named_by: str) -> DeploymentReport:
    """A report of a version, or of files that two versions have."""
    model = await register_model(storage, "churn")
    await register_version(storage, model)
    if named_by == "version":
        return DeploymentReport(IMAGE, "production", "models:/churn/1")
    await register_version(storage, model)
    return DeploymentReport(IMAGE, "production", digest=DIGEST)


def deploy(storage: Storage, report: DeploymentReport) -> asyncio.Task[object]:
    return asyncio.create_task(Deployments(storage, Environments(("production",), ())).report(ANYONE, report))


def purge(storage: Storage) -> asyncio.Task[object]:
    return asyncio.create_task(Purges(storage).purge(ANYONE, "churn", "1", reason="a person asked for it"))


@pytest.mark.parametrize("named_by", ["version", "digest"])
async def test_what_is_being_deployed_is_not_purged(
    storage: Storage, other: Storage, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await registered(storage, named_by)
    pause = Pause(deployment_rules._replaced)
    monkeypatch.setattr(deployment_rules, "_replaced", pause)
    deployed = deploy(storage, report)
    await pause.begun()
    purged = purge(other)
    await deployed
    with pytest.raises(InvalidState, match="deployment 1 is of it"):
        await purged


async def test_a_version_that_is_being_purged_is_not_deployed(
    storage: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await registered(storage, "version")
    pause = Pause(purges.add)
    monkeypatch.setattr(purges, "add", pause)
    purged = purge(storage)
    await pause.begun()
    deployed = deploy(other, report)
    await purged
    with pytest.raises(NotFound):
        await deployed
