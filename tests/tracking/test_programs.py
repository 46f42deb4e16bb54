"""Programs that track: what they log arrives, however they end."""

import signal
from pathlib import Path

import pytest

from tests.servers.trackback import TrackbackServer
from tests.tracking.programs import all_runs, begin, get_run, run, steps, sync
from trackback.client.transport import Transport
from trackback.entities import RunStatus


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
