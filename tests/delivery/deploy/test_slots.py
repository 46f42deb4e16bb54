"""A model that is put in the place of another on this machine: by a holder of our own, and by a real systemd."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.delivery.deploy.slots import OwnSlot, predicting
from tests.delivery.registered import Registered
from tests.environments import ROOT
from tests.needs import need

pytestmark = pytest.mark.delivery

KILLED = ROOT / "tests" / "delivery" / "scripts" / "killed.py"
SWITCH = "trackback.delivery.deploy.switching:Switch"
STAGE = "trackback.delivery.deployment"


def unloadable(model: Path) -> None:
    (model / "model.skops").write_bytes(b"no archive")


def unpredictable(model: Path) -> None:
    """Its input example has not what it needs."""
    (model / "serving_input_example.json").write_text(
        json.dumps({"dataframe_split": {"columns": ["x"], "data": [[1]]}})
    )


@pytest.mark.timeout(600)
def test_a_version_takes_over_from_another_and_no_request_fails(slot: OwnSlot) -> None:
    first, second = slot.registered.promoted("first"), slot.registered.promoted("second")
    begun = slot.deploy(first.seq)
    assert (begun.code, begun.document.get("moved")) == (0, True), begun

    with slot.under_load() as outcomes:
        time.sleep(0.5)
        done = slot.deploy(second.seq)
        time.sleep(0.3)

    assert (done.code, done.document["replaced"]) == (0, f"models:/churn/{first.version}"), done
    assert set(outcomes) == {predicting("first"), predicting("second")}, outcomes
    assert min(outcomes.values()) > 10
    assert slot.answer() == "second"
    before, now = slot.registered.deployments(environment="staging")
    assert (before.version, before.replaced_by, before.ended) == (first.version, now.id, now.started)
    assert (now.version, now.digest, now.ended, now.locator) == (second.version, second.digest, None, slot.url)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("change", "why"),
    [(unloadable, "is no skops file that can be read"), (unpredictable, "word")],
    ids=["loads not", "predicts not"],
)
def test_a_version_that_is_not_well_leaves_the_one_before(slot: OwnSlot, change: object, why: str) -> None:
    first, bad = slot.registered.promoted("first"), slot.registered.promoted("bad", change)  # type: ignore[arg-type]
    assert slot.deploy(first.seq).code == 0

    with slot.under_load() as outcomes:
        done = slot.deploy(bad.seq)

    assert done.code == 1, done
    assert why in done.said or (change is unloadable and "systemd" in slot.flags), "there is no journal of that systemd"
    assert set(outcomes) == {predicting("first")}, outcomes
    assert slot.live == [first.version]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("where", "when"),
    [
        (f"{SWITCH}._hand_over", "before"),
        (f"{SWITCH}._hand_over", "after"),
        (f"{SWITCH}._commit", "after"),
        ("trackback.client.api.delivery:Delivery.report_deployment", "after"),
    ],
    ids=["tried", "handed over", "committed", "told"],
)
def test_a_stage_that_is_killed_leaves_no_untruth_that_its_next_run_does_not_mend(
    process_slot: OwnSlot, where: str, when: str
) -> None:
    slot = process_slot
    first, second = slot.registered.promoted("first"), slot.registered.promoted("second")
    assert slot.deploy(first.seq).code == 0

    with slot.under_load() as outcomes:
        killed = slot.deploy(second.seq, command=[sys.executable, str(KILLED), where, when])
        assert killed.code == -signal.SIGKILL
        assert slot.live == [second.version if "report" in where else first.version]
        again = slot.deploy(second.seq)

    assert again.code == 0, again
    assert again.document["moved"] is (where.startswith(SWITCH) and "_hand_over" in where)
    assert set(outcomes) == {predicting("first"), predicting("second")}, outcomes
    assert slot.answer() == "second"
    assert [each.version for each in slot.registered.deployments(environment="staging")] == [
        first.version,
        second.version,
    ]
    assert slot.live == [second.version]


@pytest.mark.timeout(600)
def test_to_deploy_the_same_again_changes_nothing(process_slot: OwnSlot) -> None:
    promotion = process_slot.registered.promoted("first")
    first, again = process_slot.deploy(promotion.seq), process_slot.deploy(promotion.seq)

    assert (first.code, again.code) == (0, 0)
    assert (first.document["moved"], again.document["moved"]) == (True, False)
    assert first.document["deployment"] == again.document["deployment"]


@pytest.mark.timeout(600)
def test_a_server_that_dies_is_started_again_and_what_came_meanwhile_is_answered(slot: OwnSlot) -> None:
    promotion = slot.registered.promoted("first")
    assert slot.deploy(promotion.seq).code == 0
    (serving,) = servers_of(slot)

    os.kill(serving, signal.SIGKILL)

    assert slot.answer() == "first"
    assert servers_of(slot) != [serving]


@pytest.fixture
def small_disk(short_path: Path) -> Iterator[Path]:
    need(os.geteuid() == 0, "to have a disk of its own takes root")
    folder = short_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.timeout(600)
def test_a_full_disk_ends_with_three_and_what_is_live_stays(registered: Registered, small_disk: Path) -> None:
    slot = OwnSlot(registered, ["--to", "process", "--state", str(small_disk)])
    first, second = registered.promoted("first"), registered.promoted("second")
    try:
        assert slot.deploy(first.seq).code == 0
        with suppress(OSError), (small_disk / "filling").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        done = slot.deploy(second.seq)

        assert done.code == 3, done
        assert "No space left" in done.said
        assert slot.answer() == "first"
        assert slot.live == [first.version]
    finally:
        slot.remove()


@pytest.mark.timeout(600)
def test_what_is_taken_down_is_gone_and_the_record_says_so(slot: OwnSlot) -> None:
    promotion = slot.registered.promoted("first")
    assert slot.deploy(promotion.seq).code == 0
    assert slot.live == [promotion.version]

    assert slot.remove().code == 0

    assert slot.live == []
    with pytest.raises(httpx.ConnectError):
        slot.answer()


def servers_of(slot: OwnSlot) -> list[int]:
    """The processes that have the slot's listening socket, without the one that holds it and those of the model."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"serve" in command and str(slot.registered.folder).encode() in b" ".join(command):
            found.append(int(folder.name))
    return found
