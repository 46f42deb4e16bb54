"""Programs that track: what they log arrives, however they end."""

import signal
import time
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.servers.trackback import TrackbackServer
from tests.tracking.programs import all_runs, begin, get_run, run, steps, sync
from trackback.client.api import Client
from trackback.client.transport import Transport
from trackback.entities import RunStatus
from trackback.provenance.datasets import fetch, root_of_run
from trackback.tracking.reading import find_or_make


def test_a_program_that_ends_has_sent_everything(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path
) -> None:
    out, err = run(
        """
with tb.start_run(run_name="whole", tags={"team": "a"}, description="what it is") as active:
    tb.log_params({"alpha": 0.5, "layers": [1, 2]})
    for step in range(2500):
        tb.log_metrics({"loss": 1 / (step + 1), "acc": step}, step=step)
    tb.set_tag("done", True)
print(active.run_id)
""",
        tracking_server.url,
        spool_root,
    )
    found = get_run(transport, out.strip())
    tags = {tag.key: tag.value for tag in found.data.tags}
    assert (found.info.run_name, found.info.status) == ("whole", RunStatus.FINISHED)
    assert {param.key: param.value for param in found.data.params} == {"alpha": "0.5", "layers": "[1, 2]"}
    assert (tags["team"], tags["done"], tags["mlflow.note.content"]) == ("a", "True", "what it is")
    assert steps(transport, out.strip()) == list(range(2500))
    assert (err, list(spool_root.iterdir())) == ("", [])


def test_a_run_that_was_not_ended_ends_with_its_program(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path
) -> None:
    out, _ = run("print(tb.start_run().run_id)\ntb.log_metric('loss', 1)", tracking_server.url, spool_root)
    assert get_run(transport, out.strip()).info.status is RunStatus.FINISHED


@pytest.mark.parametrize("body", ["raise KeyError(1)", "with tb.start_run(nested=True): raise KeyError(1)"])
def test_a_program_that_ends_with_an_exception_has_failed_runs(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path, body: str
) -> None:
    program = begin(f"print(tb.start_run().run_id, flush=True)\n{body}", tracking_server.url, spool_root)
    out, _ = program.communicate(timeout=60)
    assert program.returncode == 1
    assert get_run(transport, out.strip()).info.status is RunStatus.FAILED


def test_what_was_logged_before_a_kill_is_there_once(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path
) -> None:
    program = begin(
        """
print(tb.start_run().run_id, flush=True)
for step in range(10**9):
    tb.log_metric("loss", step, step=step)
    if step % 1000 == 0:
        print(step, flush=True)
""",
        tracking_server.url,
        spool_root,
    )
    assert program.stdout
    run_id = program.stdout.readline().strip()
    while int(program.stdout.readline()) < 60_000:
        pass
    program.send_signal(signal.SIGKILL)
    rest, _ = program.communicate(timeout=60)
    logged = int(rest.splitlines()[-1]) if rest else 60_000
    synced = sync(tracking_server.url, spool_root)
    assert synced.returncode == 0, synced.stderr
    found = steps(transport, run_id)
    assert found == list(range(len(found)))
    assert len(found) > logged


def test_without_a_server_a_program_runs_on_and_sync_sends_the_rest_once(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path
) -> None:
    body = """
with tb.start_run(run_name="away"):
    tb.log_param("alpha", 1)
    for step in range(3000):
        tb.log_metric("loss", step, step=step)
    with tb.start_run(run_name="within", nested=True):
        tb.log_metric("loss", 1)
"""
    _, err = run(body, "http://127.0.0.1:1", spool_root, TRACKBACK_EXIT_WAIT_S="0.1")
    assert "are not sent to http://127.0.0.1:1 yet" in err
    assert "trackback sync" in err
    before = len(all_runs(transport))
    command = sync(tracking_server.url, spool_root)
    assert command.returncode == 1
    assert "No server answers at http://127.0.0.1:1" in command.stdout
    assert len(all_runs(transport)) == before


def test_offline_nothing_is_asked_and_sync_sends_everything_once(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path
) -> None:
    body = """
with tb.start_run(run_name="away") as outer:
    tb.log_param("alpha", 1)
    for step in range(3000):
        tb.log_metric("loss", step, step=step)
    with tb.start_run(run_name="within", nested=True) as inner:
        tb.log_metric("loss", 1)
print(outer.run_id)
"""
    run(body, tracking_server.url, spool_root, TRACKBACK_OFFLINE="1")
    before = len(all_runs(transport))
    assert sync(tracking_server.url, spool_root).returncode == 0
    assert sync(tracking_server.url, spool_root).stdout == "Nothing is left to be sent.\n"
    runs = {each.info.run_name: each for each in all_runs(transport)}
    assert len(runs["away"].data.params) == 1
    assert len(all_runs(transport)) == before + 2
    assert steps(transport, runs["away"].info.run_id) == list(range(3000))
    assert runs["within"].info.status is RunStatus.FINISHED


def test_threads_and_forked_processes_log_to_one_run(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path
) -> None:
    out, err = run(
        """
import multiprocessing
run = tb.start_run()
print(run.run_id, flush=True)
def log(worker):
    for step in range(500):
        run.log_metric("loss", step, step=worker * 500 + step)
threads = [threading.Thread(target=log, args=(each,)) for each in range(4)]
context = multiprocessing.get_context("fork")
processes = [context.Process(target=log, args=(4 + each,)) for each in range(3)]
for each in threads + processes: each.start()
child = os.fork()
if child == 0:
    log(7)
    os._exit(0)
os.waitpid(child, 0)
for each in threads + processes: each.join()
log(8)
tb.flush()
""",
        tracking_server.url,
        spool_root,
    )
    assert sorted(steps(transport, out.strip())) == list(range(9 * 500)), err
    assert get_run(transport, out.strip()).info.status is RunStatus.FINISHED
    assert list(spool_root.iterdir()) == []


def test_what_is_logged_after_a_run_has_ended_begins_another(
    tracking_server: TrackbackServer, spool_root: Path
) -> None:
    body = """
with tb.start_run() as first:
    tb.log_metric("loss", 1)
tb.log_metric("loss", 2)
print(tb.active_run().run_id != first.run_id)
"""
    out, _ = run(body, "http://127.0.0.1:1", spool_root, TRACKBACK_OFFLINE="1")
    assert out == "True\n"


def test_the_end_of_a_program_waits_once_for_all_its_runs(spool_root: Path) -> None:
    body = """
for _ in range(6):
    with tb.start_run(): tb.log_metric("loss", 1)
print(time.time(), flush=True)
"""
    quiet = {"TRACKBACK_CAPTURE": "0", "TRACKBACK_SYSTEM_METRICS": "0"}
    out, err = run(body, "http://127.0.0.1:1", spool_root, TRACKBACK_EXIT_WAIT_S="2", **quiet)
    assert time.time() - float(out) < 8
    assert err.count("`trackback sync` sends them") == 6


def test_values_that_are_none_are_refused_at_once_and_leave_the_spool_whole(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path
) -> None:
    body = r"""
from trackback.errors import InvalidParameter
import numpy
def refused(call, *args, **kwargs):
    try: call(*args, **kwargs)
    except InvalidParameter: return
    raise AssertionError(args)
with tb.start_run(tags={"folder": "caf\udce9", "n": 1}) as active:
    refused(tb.log_metric, 3, 1)
    refused(tb.log_metric, "loss", "high", model_id="m-1")
    refused(tb.log_metric, "loss", 1, step="first", model_id="m-1")
    refused(tb.log_metric, "loss", 1, step=2**70, model_id="m-1")
    refused(tb.set_tag, "a//b", 1)
    refused(tb.end_run, "DONE")
    tb.log_params({"rate": float("nan"), "path": "caf\udce9"})
    tb.log_metric("loss", numpy.float32(1), step=numpy.int64(7))
    tb.flush()
print(active.run_id)
"""
    out, _ = run(body, tracking_server.url, spool_root, TRACKBACK_CAPTURE="0")
    data = get_run(transport, out.strip()).data
    assert {each.key: each.value for each in data.params} == {"rate": "nan", "path": r"caf\udce9"}
    assert {each.key: each.value for each in data.tags}["folder"] == r"caf\udce9"
    assert steps(transport, out.strip()) == [7]


def test_experiments_and_data_are_kept_too_where_there_is_no_server(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path, tmp_path: Path
) -> None:
    body = """
import numpy, trackback
assert trackback.set_experiment("made later") is None
with tb.start_run() as active:
    stored = trackback.log_input(numpy.arange(5), context="training", store=True)
    trackback.log_metric("loss", 1, dataset=stored)
print(stored.sha256)
"""
    # the experiment is not looked up, as there is no server; the data would wait for one for a minute
    offline = {"TRACKBACK_OFFLINE": "1", "TRACKBACK_CAPTURE": "0"}
    out, _ = run(body, tracking_server.url, spool_root, **offline)
    assert sync(tracking_server.url, spool_root).returncode == 0
    with Client(transport=transport) as client:
        made = client.get_experiment_by_name("made later")
        assert made
        (found,) = client.search_runs([made.experiment_id])
        kept = fetch(transport, out.strip(), tmp_path / "data.npy", root_of_run(transport, found.info.run_id))
    assert numpy.load(kept).tolist() == [0, 1, 2, 3, 4]
    assert [each.value for each in found.data.metrics] == [1]


def test_a_program_goes_on_without_an_experiment_that_can_not_be_looked_up(spool_root: Path) -> None:
    body = """
import trackback
assert trackback.set_experiment("made later") is None
with tb.start_run(): tb.log_metric("loss", 1)
"""
    off = {"TRACKBACK_CAPTURE": "0", "TRACKBACK_EXIT_WAIT_S": "0"}
    _, err = run(body, "http://127.0.0.1:1", spool_root, **off)
    assert "The experiment is looked up, or made, when runs of it can be sent" in err
    (head,) = spool_root.glob("*/head.json")
    assert b'"experiment_name":"made later"' in head.read_bytes()


def test_an_experiment_that_another_program_makes_at_the_same_time_is_taken(tracking_server: TrackbackServer) -> None:
    class Overtaken(Client):
        def create_experiment(self, name: str, *args: Any, **kwargs: Any) -> str:
            super().create_experiment(name)
            return super().create_experiment(name)

    with Overtaken(tracking_server.url) as client:
        assert find_or_make(client, "of both").name == "of both"


def test_what_a_run_left_that_ended_while_the_server_was_away_is_sent_when_it_is_back(
    tracking_server: TrackbackServer, transport: Transport, spool_root: Path, tmp_path: Path
) -> None:
    body = f"""
import pathlib
from trackback.client.spool import sender
sender.GIVE_UP_S = 0.1
with tb.start_run(run_name="while away") as away:
    tb.log_metric("loss", 1)
while any(each.name == "trackback-sender" for each in threading.enumerate()): time.sleep(0.05)
pathlib.Path({str(tmp_path)!r}, "given up").touch()
while not pathlib.Path({str(tmp_path)!r}, "back").exists(): time.sleep(0.05)
with tb.start_run(): tb.log_metric("loss", 2)
print(away.run_id)
"""
    tracking_server.kill()
    program = begin(body, tracking_server.url, spool_root, TRACKBACK_CAPTURE="0", TRACKBACK_SYSTEM_METRICS="0")
    while not (tmp_path / "given up").exists():
        assert program.poll() is None
        time.sleep(0.1)
    tracking_server.start()
    (tmp_path / "back").touch()
    out, err = program.communicate(timeout=100)
    assert steps(transport, out.strip()) == [0], err
    assert get_run(transport, out.strip()).info.status is RunStatus.FINISHED
    assert list(spool_root.iterdir()) == []
