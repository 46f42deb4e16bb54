"""What a server's word is worth: how often it syncs for an acknowledged write, counted with strace."""

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.measures.metrics import encoded_single_metrics
from benchmarks.messages import for_run
from benchmarks.processes import tree
from benchmarks.servers import Server
from benchmarks.tracking import create_experiment, create_run

_CALLS = 50
_SYNCS = re.compile(r"\b(?:fsync|fdatasync|msync|sync_file_range)\(")
_ATTACHED_WITHIN_S = 10


def syncs_per_call(server: Server, directory: Path) -> float | None:
    """Syncs for one acknowledged metric of a lone client; None where strace is missing or may not attach."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    trace = directory / f"{server.name}.strace"
    processes = [str(pid) for root in server.roots() for pid in tree(root)]
    attach = [argument for pid in processes for argument in ("-p", pid)]
    command = [strace, "-f", "-e", "trace=fsync,fdatasync,msync,sync_file_range", "-o", str(trace), *attach]
    with server.connect() as connection:
        run = create_run(connection, create_experiment(connection))
        tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            if not _attached(tracer):
                return None
            for request in encoded_single_metrics(_CALLS):
                connection.expect(for_run(request, run.run_id))
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
    return len(_SYNCS.findall(trace.read_text())) / _CALLS


def _attached(tracer: "subprocess.Popen[str]") -> bool:
    """Waits until strace says that it holds the first process, and a moment more for the others."""
    assert tracer.stderr is not None
    deadline = time.monotonic() + _ATTACHED_WITHIN_S
    while time.monotonic() < deadline:
        line = tracer.stderr.readline()
        if "attached" in line:
            time.sleep(1)
            return True
        if not line:
            break
    return False
