"""What is logged reaches the server once, in order, and whatever happens to server and process meanwhile."""

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.faults.disk import small_disk
from tests.servers.trackback import TrackbackServer
from trackback.client.retries import Retries
from trackback.client.spool.delivery import Delivery
from trackback.client.spool.folder import FORMAT, Folder, Head, folders_in
from trackback.client.spool.opening import API, RunAnswer
from trackback.client.spool.reader import Reader
from trackback.client.spool.records import DeleteTag, LogInputs, LogParam, SetTag, UpdateRun
from trackback.client.spool.spool import Spool
from trackback.client.spool.sync import Synced, sync
from trackback.client.transport import Transport
from trackback.entities import Dataset, DatasetInput, Metric, Param, Run, RunStatus, Tag
from trackback.errors import InvalidParameter, Unavailable

RUN_ID = "0123456789abcdef" * 2


class History(msgspec.Struct):
    metrics: list[Metric] = []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TrackbackServer]:
    with TrackbackServer(f"sqlite:///{tmp_path}/trackback.db", tmp_path / "artifacts", tmp_path) as server:
        yield server


@pytest.fixture
def sending(server: TrackbackServer) -> Iterator[Transport]:
    with Transport(server.url, retries=Retries(deadline_s=0)) as transport:
        yield transport


@pytest.fixture
def spool(sending: Transport) -> Iterator[Spool]:
    spool = begin(sending)
    yield spool
    spool.end()
    spool.close(20)


def begin(transport: Transport | None, uri: str = "") -> Spool:
    return Spool.begin(Head(FORMAT, transport.uri if transport else uri, RUN_ID, 1, run_name="first"), transport)


def run_of(spool: Spool, transport: Transport) -> Run:
    query = {"run_id": spool.head.server_run_id}
    return transport.call("GET", f"{API}runs/get", query, RunAnswer).run


def history(spool: Spool, transport: Transport, key: str) -> list[Metric]:
    query = {"run_id": spool.head.server_run_id, "metric_key": key}
    return transport.call("GET", f"{API.rstrip('/')}/metrics/get-history", query, History).metrics


def sync_all(server: TrackbackServer) -> list[Synced]:
    return list(sync(lambda uri: Transport(server.url, retries=Retries(deadline_s=0))))


def test_everything_that_can_be_logged_arrives(spool: Spool, sending: Transport) -> None:
    spool.log(LogParam(Param("alpha", "0.5")))
    spool.log_point("loss", 0.5, 1, 1)
    spool.log_point("loss", math.nan, 2, 2)
    spool.log(SetTag(Tag("team", "a")))
    spool.log(SetTag(Tag("team", "b")))
    spool.log(SetTag(Tag("gone", "x")))
    spool.log(DeleteTag("gone"))
    spool.log(LogInputs((DatasetInput(Dataset("train", "d1", "local", "{}")),)))
    spool.upload("notes/a.txt", b"hello")
    spool.log(UpdateRun(RunStatus.FINISHED, 99))
    spool.flush(20)
    run = run_of(spool, sending)
    tags = {tag.key: tag.value for tag in run.data.tags}
    assert run.data.params == (Param("alpha", "0.5"),)
    assert (tags["team"], "gone" in tags) == ("b", False)
    assert (run.info.status, run.info.end_time) == (RunStatus.FINISHED, 99)
    assert run.inputs.dataset_inputs[0].dataset.name == "train"
    assert [each.step for each in history(spool, sending, "loss")] == [1, 2]
    path = f"{spool.head.artifact_uri.removeprefix('mlflow-artifacts:/')}/notes/a.txt"
    assert sending.download(path, spool.folder.path.parent / "a.txt")
    assert (spool.folder.path.parent / "a.txt").read_bytes() == b"hello"


def test_a_param_that_changes_is_told_at_the_flush_and_the_rest_arrives(spool: Spool, sending: Transport) -> None:
    spool.log(LogParam(Param("alpha", "1")))
    spool.flush(20)
    for step in range(10):
        spool.log_point("loss", step, 1, step)
    spool.log(LogParam(Param("alpha", "2")))
    spool.log(LogParam(Param("beta", "3")))
    with pytest.raises(InvalidParameter, match="'alpha'"):
        spool.flush(20)
    spool.flush(20)
    assert run_of(spool, sending).data.params == (Param("alpha", "1"), Param("beta", "3"))
    assert len(history(spool, sending, "loss")) == 10
    assert "alpha" in (spool.folder.path / "refused.jsonl").read_text()


def test_a_server_that_is_away_delays_and_loses_nothing(
    server: TrackbackServer, spool: Spool, sending: Transport
) -> None:
    spool.log_point("loss", 0, 1, 0)
    spool.flush(20)
    server.kill()
    for step in range(1, 5000):
        spool.log_point("loss", step, 1, step)
    with pytest.raises(Unavailable, match="has not taken all that was logged within 1 s"):
        spool.flush(1)
    server.start()
    spool.flush(40)
    assert [each.step for each in history(spool, sending, "loss")] == list(range(5000))


def test_points_are_in_order_among_what_else_is_logged(spool: Spool, sending: Transport) -> None:
    for part in range(4):
        for step in range(part * 150, (part + 1) * 150):
            spool.log_point("loss" if step % 3 else "accuracy", step / 8, step, step)
        spool.log(SetTag(Tag("part", str(part))))
    spool.flush(20)
    run = run_of(spool, sending)
    assert {tag.key: tag.value for tag in run.data.tags}["part"] == "3"
    assert {metric.key: metric.step for metric in run.data.metrics} == {"loss": 599, "accuracy": 597}
    points = sorted(
        [*history(spool, sending, "loss"), *history(spool, sending, "accuracy")], key=lambda each: each.step
    )
    assert [(each.step, each.value, each.timestamp) for each in points] == [(n, n / 8, n) for n in range(600)]


def test_of_many_points_one_that_is_refused_takes_no_other_with_it(spool: Spool, sending: Transport) -> None:
    for step in range(2500):
        spool.log_point("loss", step, -1 if step == 1234 else 1, step)
    with pytest.raises(InvalidParameter, match="timestamp"):
        spool.flush(20)
    assert [each.step for each in history(spool, sending, "loss")] == [*range(1234), *range(1235, 2500)]


def test_a_deleted_run_keeps_its_spool_until_it_is_restored(spool: Spool, sending: Transport) -> None:
    spool.flush(20)
    spool.log_point("loss", 1, 1, 1)
    spool.flush(20)
    run_id = {"run_id": spool.head.server_run_id}
    sending.call("POST", f"{API}runs/delete", run_id, History)
    spool.log_point("loss", 2, 1, 2)
    with pytest.raises(Unavailable, match="is deleted"):
        spool.flush(2)
    sending.call("POST", f"{API}runs/restore", run_id, History)
    spool.flush(40)
    assert [each.step for each in history(spool, sending, "loss")] == [1, 2]


def test_what_is_all_sent_leaves_nothing_behind(spool_root: Path, sending: Transport) -> None:
    spool = begin(sending)
    spool.log_point("loss", 1, 1, 1)
    spool.end()
    assert spool.close(20) == 0
    assert list(folders_in(spool_root)) == []


class TestSync:
    def test_sends_what_was_logged_without_a_server_once(self, server: TrackbackServer, sending: Transport) -> None:
        spool = begin(None, server.url)
        spool.log(LogParam(Param("alpha", "0.5")))
        for step in range(3000):
            spool.log_point("loss", step, 1, step)
        spool.upload("a.txt", b"kept")
        spool.log(UpdateRun(RunStatus.FINISHED, 99))
        spool.end()
        assert spool.close(0) == 3003
        (synced,) = sync_all(server)
        assert (synced.sent, synced.left, synced.failure) == (3003, 0, None)
        assert sync_all(server) == []
        run = sending.call("GET", f"{API}runs/get", {"run_id": synced.run_id}, RunAnswer).run
        assert (run.info.run_name, run.info.status) == ("first", RunStatus.FINISHED)

    def test_makes_the_run_once_although_it_was_cut_off_before_it_knew(
        self, server: TrackbackServer, spool_root: Path, sending: Transport
    ) -> None:
        spool = begin(None, server.url)
        spool.log_point("loss", 1, 1, 1)
        spool.close(0)
        copy = {path: path.read_bytes() for path in spool.folder.path.iterdir()}
        (first,) = sync_all(server)
        spool.folder.path.mkdir()
        for path, content in copy.items():
            path.write_bytes(content)
        (second,) = sync_all(server)
        assert second.run_id == first.run_id

    def test_a_run_whose_process_died_has_failed(self, server: TrackbackServer, sending: Transport) -> None:
        begin(None, server.url).close(0)
        spool = begin(None, server.url)
        spool.log_point("loss", 1, 1, 1)
        spool.close(0)
        statuses = {
            sending.call("GET", f"{API}runs/get", {"run_id": each.run_id}, RunAnswer).run.info.status
            for each in sync_all(server)
        }
        assert statuses == {RunStatus.FAILED}

    def test_leaves_alone_what_a_process_still_writes(self, server: TrackbackServer, spool: Spool) -> None:
        spool.log_point("loss", 1, 1, 1)
        assert sync_all(server) == []

    def test_says_why_the_rest_could_not_be_sent_and_keeps_it(self, server: TrackbackServer) -> None:
        spool = begin(None, server.url)
        spool.log_point("loss", 1, 1, 1)
        spool.close(0)
        server.kill()
        (synced,) = sync_all(server)
        assert (synced.sent, synced.left) == (0, 1)
        assert isinstance(synced.failure, Unavailable)
        server.start()
        assert [each.sent for each in sync_all(server)] == [1]

    def test_a_head_that_can_not_be_read_is_told_and_left(self, server: TrackbackServer, spool_root: Path) -> None:
        begin(None, server.url).close(0)
        (path,) = folders_in(spool_root)
        (path / "head.json").write_text("{")
        (synced,) = sync_all(server)
        assert "can't be read" in str(synced.failure)
        assert path.exists()

    def test_one_of_another_version_is_left_and_keeps_no_other(self, server: TrackbackServer, spool_root: Path) -> None:
        later = begin(None, server.url)
        later.folder.head.format = FORMAT + 1
        later.folder.save()
        later.close(0)
        (spool_root / "not-readable").mkdir()
        (spool_root / "not-readable" / "head.json").mkdir()
        whole = begin(None, server.url)
        whole.log_point("loss", 1, 1, 1)
        whole.close(0)
        left, unreadable, synced = sorted(sync_all(server), key=lambda each: each.sent)
        assert "use the one that wrote it" in f"{left.failure} {unreadable.failure}"
        assert (synced.sent, synced.failure) == (1, None)

    def test_one_that_is_damaged_is_told_and_kept(self, server: TrackbackServer) -> None:
        spool = begin(None, server.url)
        for step in range(3):
            spool.log_point("loss", step, 1, step)
        spool.close(0)
        (file,) = spool.folder.path.glob("*.seg")
        content = bytearray(file.read_bytes())
        content[60:64] = bytes(4)  # the mark of the first point
        file.write_bytes(content)
        (synced,) = sync_all(server)
        assert "damaged in segment 1" in str(synced.failure)
        assert spool.folder.path.exists()

    def test_fails_a_run_that_an_earlier_one_has_only_begun(self, server: TrackbackServer, sending: Transport) -> None:
        spool = begin(None, server.url)
        spool.log_point("loss", 1, 1, 1)
        spool.close(0)
        cut = Folder.claim(spool.folder.path)
        assert cut
        cut.head.unended = True
        Delivery(cut, Reader(cut.path), sending).open_run()
        cut.release()
        (second,) = sync_all(server)
        run = sending.call("GET", f"{API}runs/get", {"run_id": second.run_id}, RunAnswer).run
        assert (second.sent, run.info.status) == (1, RunStatus.FAILED)


def test_a_run_that_is_made_while_the_disk_is_full_is_sent(
    server: TrackbackServer, sending: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", megabytes=3) as disk:
        monkeypatch.setenv("TRACKBACK_SPOOL_DIR", str(disk.folder))
        server.kill()
        spool = begin(sending)
        disk.fill()
        spool.log(LogParam(Param("alpha", "1")))
        server.start()
        spool.flush(40)
        assert run_of(spool, sending).data.params == (Param("alpha", "1"),)
        spool.end()
        assert spool.close(20) == 0


def test_a_folder_is_claimed_by_one(spool_root: Path) -> None:
    folder = Folder.create(spool_root, Head(FORMAT, "http://x", RUN_ID, 1))
    assert Folder.claim(folder.path) is None
    folder.release()
    again = Folder.claim(folder.path)
    assert again
    again.delete()
    assert Folder.claim(folder.path) is None
