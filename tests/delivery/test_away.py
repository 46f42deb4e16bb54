"""A server that goes away in the middle of a stage: what is said then, and what is on the record once it is back."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.delivery.deploy.slots import OwnSlot
from tests.delivery.registered import Ended, Registered
from tests.environments import ROOT
from tests.servers.trackback import TrackbackServer

BEREFT = ROOT / "tests" / "delivery" / "scripts" / "bereft.py"
RECORD = "trackback.delivery.record:Record"


@pytest.fixture
def server(migrated_sqlite_uri: str, tmp_path: Path) -> Iterator[TrackbackServer]:
    with TrackbackServer(migrated_sqlite_uri, tmp_path / "artifacts", tmp_path) as running:
        yield running


@pytest.fixture
def registered(server: TrackbackServer, short_path: Path) -> Iterator[Registered]:
    found = Registered(server.url, short_path)
    with found.client:
        yield found


@pytest.fixture
def stage(registered: Registered, tmp_path: Path) -> list[object]:
    """What a stage that measures is told beside its own; a version is in staging, another before it."""
    registered.promoted("yes")
    registered.promoted("yes", lambda model: (model / "notes.txt").write_text("the same, but for this"))
    data = tmp_path / "test.parquet"
    pd.DataFrame({"word": ["a", "b"] * 20, "y": ["yes"] * 40}).to_parquet(data)
    return [2, "--data", data, "--target", "y", "--report", tmp_path / "reports"]


def without_server(server: TrackbackServer, registered: Registered, where: str, when: str, *arguments: object) -> Ended:
    """A stage whose server is gone when it comes there; then the server is back."""
    ended = registered.deliver(*arguments, command=[sys.executable, str(BEREFT), str(server.pid), where, when])
    server.kill()  # it is, but nobody has waited for it
    server.start()
    return ended


@pytest.mark.parametrize(
    ("words", "verdict", "where", "said"),
    [
        (["validate"], "validation", f"{RECORD}.verdict", "models:/churn/2 passed 'validation'"),
        pytest.param(
            *(["validate"], "validation", f"{RECORD}.end", "The stage validate of models:/churn/2 has passed"),
            marks=pytest.mark.delivery,
        ),
        pytest.param(
            *(["delta", "--against", "models:/churn/1"], "delta"),
            *(f"{RECORD}.verdict", "models:/churn/2 passed 'delta'"),
            marks=pytest.mark.delivery,
        ),
    ],
    ids=["before a verdict", "after a verdict", "before a delta's"],
)
def test_what_is_found_is_said_and_told_once_by_the_next_run(
    server: TrackbackServer,
    registered: Registered,
    stage: list[object],
    words: list[str],
    verdict: str,
    where: str,
    said: str,
) -> None:
    name, *options = words
    ended = without_server(server, registered, where, "before", name, *stage, *options)
    assert (ended.code, ended.document["error"]["code"]) == (3, "TEMPORARILY_UNAVAILABLE"), ended
    message = ended.document["error"]["message"]
    assert message.startswith(f"{said}, and the server could not be told: No server answers at {server.url}")
    assert "Run the stage again to tell it: nothing is told twice." in message
    (build,) = registered.client.list_builds(promotion=2)
    assert build.result == "running"

    again = registered.deliver(name, *stage, *options)
    assert again.code == 0, again
    assert [each.passed for each in registered.client.list_verdicts("models:/churn/2", verdict)] == [True]
    (build,) = registered.client.list_builds(promotion=2)
    assert build.result == "passed"


@pytest.mark.delivery
def test_one_that_is_gone_before_anything_is_done_has_no_verdict_and_the_next_run_is_the_same_attempt(
    server: TrackbackServer, registered: Registered, stage: list[object]
) -> None:
    fetch = "trackback.delivery.subject:Subject.fetch"
    ended = without_server(server, registered, fetch, "before", "validate", *stage)
    assert (ended.code, "No server answers" in ended.said) == (3, True), ended
    assert "The server was not told that the stage validate has ended. Run it again" in ended.said
    assert not registered.client.list_verdicts("models:/churn/2", "validation")

    assert registered.deliver("validate", *stage).code == 0
    (build,) = registered.client.list_builds(promotion=2)
    assert build.result == "passed"


@pytest.mark.delivery
@pytest.mark.timeout(600)
def test_a_model_that_is_live_without_the_servers_knowledge_is_told_by_the_next_run(
    server: TrackbackServer, registered: Registered
) -> None:
    slot = OwnSlot(registered, ["--to", "process"])
    first, second = registered.promoted("first"), registered.promoted("second")
    try:
        assert slot.deploy(first.seq).code == 0
        where = "trackback.delivery.deploy.switching:Switch.move"
        command = [sys.executable, str(BEREFT), str(server.pid), where, "after", "deploy"]
        ended = slot.deploy(second.seq, command=command)
        server.kill()
        server.start()
        assert ended.code == 3, ended
        assert f"models:/churn/2 is live at {slot.url}, and the server could not be told" in ended.said
        assert (slot.answer(), slot.live) == ("second", [first.version])

        again = slot.deploy(second.seq)
        assert (again.code, again.document["moved"]) == (0, False), again
        assert slot.live == [second.version]
        assert len(registered.deployments(environment="staging")) == 2
    finally:
        slot.remove()
