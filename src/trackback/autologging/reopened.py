"""Runs that have ended and get something still: a metric of their model, which is computed later."""

import os
import threading
from collections import OrderedDict

from trackback.tracking.run import ActiveRun

MOST = 4
"""How many are open at a time: each has a spool and a thread."""


class ReopenedRuns:
    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def of(self, run: ActiveRun) -> ActiveRun:
        """The run itself as long as it goes on; once it has ended, another that logs to it."""
        if not run.has_ended:
            return run
        with self._lock:
            if run.run_id not in self._runs:
                self._runs[run.run_id] = run.reopened()
            self._runs.move_to_end(run.run_id)
            while len(self._runs) > MOST:
                self._runs.popitem(last=False)[1].leave()
            return self._runs[run.run_id]

    def __len__(self) -> int:
        return len(self._runs)

    def _forget(self) -> None:
        """Those of the process that this one is forked from are not its own."""
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, ActiveRun] = OrderedDict()


reopened_runs = ReopenedRuns()
