"""What a process keeps for tracking: which server, which experiment, and what is yet to be sent."""

import atexit
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, Self

from trackback.client.address import find_address
from trackback.client.retries import Retries
from trackback.client.spool.folder import Head, run_id_of
from trackback.client.spool.spool import Spool
from trackback.client.spool.sync import sync
from trackback.client.transport import Transport
from trackback.entities import RunStatus
from trackback.errors import TrackbackError, Unavailable
from trackback.limits import shown

FLUSH_S = 60.0
EXIT_WAIT_S = 10.0
DEFERRING_S = 10.0
MOST_TOLD = 10
"""Of how many runs it is said at the end what is left of each."""
START_RETRIES = Retries(deadline_s=2.0)
"""For calls that a program need not wait for: what can't be said now is kept."""

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")

_log = logging.getLogger(__name__)


def is_set(name: str) -> bool:
    """Whether a variable of the environment says yes."""
    return os.environ.get(name, "").strip().lower() in _TRUE


def is_cleared(name: str) -> bool:
    """Whether a variable of the environment says no."""
    return os.environ.get(name, "").strip().lower() in _FALSE


def seconds_in(name: str, otherwise: float) -> float:
    """The seconds that a variable of the environment says; ``otherwise`` where it says none."""
    said = os.environ.get(name, "").strip()
    try:
        return max(float(said), 0.0) if said else otherwise
    except ValueError:
        _log.warning("%s=%s is no number of seconds; it is taken for %g", name, shown(said), otherwise)
        return otherwise


class Left(NamedTuple):
    """What of a run is kept here, and not sent: so many records, and why."""

    run_id: str
    uri: str
    records: int
    why: str

    @classmethod
    def of(cls, spool: Spool, records: int) -> Self:
        why = f" ({spool.failure.message.rstrip('.')})" if spool.failure else ""
        return cls(spool.head.server_run_id or spool.head.run_id, spool.head.uri, records, why)


class Session:
    """Threads share it; a forked process goes on with one of its own."""

    def __init__(self) -> None:
        self.experiment_id = ""
        self.experiment_name = ""
        self.at_exit: list[Callable[[RunStatus], None]] = []
        self.at_fork: list[Callable[[], None]] = []
        self._given_uri: str | None = None
        self._transports: dict[tuple[str, float], Transport] = {}
        self._spools: list[Spool] = []
        self._lock = threading.Lock()
        self._run_ids: set[str] = set()
        self._given_up: dict[str, Left] = {}  # of runs that ended while the server was away for long
        self._watched_process = 0
        self._has_forked = False
        self._deferring = threading.local()

    @property
    def is_offline(self) -> bool:
        """Whether ``TRACKBACK_OFFLINE`` is set: nothing is sent, and nothing asked."""
        return is_set("TRACKBACK_OFFLINE")

    @property
    def uri(self) -> str:
        """The server's, without credentials: what was set, else what the environment says."""
        return find_address(self._given_uri).uri

    def set_uri(self, uri: str | None) -> None:
        find_address(uri)
        self._given_uri = uri

    def transport(self, retries: Retries | None = None) -> Transport:
        """To the server. Unavailable: ``TRACKBACK_OFFLINE`` is set."""
        if self.is_offline:
            raise Unavailable(
                "TRACKBACK_OFFLINE is set, so the server is not asked. To read what was logged, unset it, and send the "
                "rest by `trackback sync`."
            )
        retries = retries or Retries()
        key = (self._given_uri or self.uri, retries.deadline_s)
        with self._lock:
            if key not in self._transports:
                self._transports[key] = Transport(self._given_uri, retries=retries)
            return self._transports[key]

    def begin(self, head: Head) -> Spool:
        """A spool for a run, which is sent unless this process is offline."""
        self._watch()
        self._reap()
        spool = Spool.begin(head, None if self.is_offline else self.transport(Retries(deadline_s=0)))
        with self._lock:
            self._spools.append(spool)
            self._run_ids.add(head.run_id)
        return spool

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Have the server know all that was logged: what every read does first. Errors: those of ``Spool.flush``."""
        for spool in self._reap():
            if getattr(self._deferring, "is_on", False):
                _wait_for(spool)
            else:
                spool.flush(timeout_s)
        self.adopt()

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """Where this thread flushes in the block, refusals are left for the program's own flushes to raise, and the
        server is not waited for if it is known to be away, and for ``DEFERRING_S`` at most if it is not.
        """
        before, self._deferring.is_on = getattr(self._deferring, "is_on", False), True
        try:
            yield
        finally:
            self._deferring.is_on = before

    def close(self) -> None:
        """At the end of the process: end the runs, wait for what is left to be sent, and say what was not."""
        for end in self.at_exit:
            with suppress(TrackbackError):
                end(_status_at_exit())
        deadline = time.monotonic() + seconds_in("TRACKBACK_EXIT_WAIT_S", EXIT_WAIT_S)
        for spool in self._spools:
            spool.end()
        left = [
            Left.of(spool, records)
            for spool in self._spools
            if (records := spool.close(max(deadline - time.monotonic(), 0.0)))
        ]
        self._spools = []
        if not left:
            self.adopt()
        _tell([*self._given_up.values(), *left])
        for transport in self._transports.values():
            transport.close()

    def adopt(self) -> None:
        """Send what runs have left that ended while the server was away, and what forked processes have left of this
        one's runs: some end without a chance to do so themselves.
        """
        run_ids = self._run_ids if self._has_forked else set(self._given_up)
        if run_ids and not self.is_offline:
            for each in sync(lambda uri: Transport(self._given_uri or uri, retries=Retries(deadline_s=0)), run_ids):
                if each.failure is None:
                    self._given_up.pop(run_id_of(each.folder), None)

    def _reap(self) -> list[Spool]:
        """The spools that there is something to wait for; those whose runs have ended, and are sent, are gone."""
        with self._lock:
            kept = []
            for spool in self._spools:
                if spool.has_ended and not spool.is_sending:
                    if records := spool.close(0):
                        self._given_up[spool.head.run_id] = Left.of(spool, records)
                else:
                    kept.append(spool)
            self._spools = kept
            return list(kept)

    def _watch(self) -> None:
        """Be told of the end of this process, and of those forked from it."""
        if self._watched_process == 0:
            atexit.register(self._exit)
            os.register_at_fork(after_in_parent=self._fork, after_in_child=self._forked)
        elif self._watched_process != os.getpid() and (process := sys.modules.get("multiprocessing.util")):
            process.Finalize(None, self.close, exitpriority=0)  # its processes end without atexit
        self._watched_process = os.getpid()

    def _exit(self) -> None:
        if self._watched_process == os.getpid():
            self.close()

    def _fork(self) -> None:
        self._has_forked = True

    def _forked(self) -> None:
        """The sockets, files and threads are the other process's."""
        self._lock = threading.Lock()
        for spool in self._spools:
            spool.abandon()
        self._spools = []
        self._transports = {}
        self._run_ids, self._given_up = set(), {}
        for forked in self.at_fork:
            forked()


def _tell(left: Sequence[Left]) -> None:
    """On standard error: the program is ending, and may have no logging."""
    lines = [
        f"trackback: {each.records} records of run {each.run_id} are not sent to {each.uri} yet{each.why}. "
        "`trackback sync` sends them."
        for each in left[:MOST_TOLD]
    ]
    if more := len(left) - len(lines):
        lines.append(f"trackback: Nor are those of {more} runs more.")
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201


def _wait_for(spool: Spool) -> None:
    """Unavailable: the server has not taken all of it."""
    if spool.failure or not spool.wait(DEFERRING_S):
        why = f": {spool.failure.message}" if spool.failure else "."
        raise Unavailable(f"The server has not taken all that was logged yet{why}")


def _status_at_exit() -> RunStatus:
    """FAILED, if an exception ends the program."""
    return RunStatus.FAILED if getattr(sys, "last_value", None) is not None else RunStatus.FINISHED
