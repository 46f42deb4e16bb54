"""The thread that sends a spool while its run goes on."""

import logging
import threading
import time

from trackback.client.spool.delivery import Delivery
from trackback.client.spool.writer import Place, Writer
from trackback.errors import TrackbackError, Unavailable, UnknownEndpoint

LINGER_S = 0.1
"""How long a batch that is not full waits for more."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
GIVE_UP_S = 60.0
"""How long a server that takes nothing is asked, once the run has ended; ``sync`` sends what is left."""
BEAT_S = 10.0
LOST_AFTER_S = 60.0
"""When a run that is not heard of counts as lost."""

_log = logging.getLogger(__name__)


class Sender:
    """Sends until the run has ended and nothing is left. A server that is away only delays it."""

    def __init__(self, delivery: Delivery, writer: Writer) -> None:
        self._delivery = delivery
        self._writer = writer
        self._changed = threading.Condition()
        self._idle = False
        self._hurried = 0
        self._ending = False
        self._beating = True
        self._beat_due = 0.0
        self._failing_since: float | None = None
        self._failure: TrackbackError | None = None
        self._thread = threading.Thread(target=self._run, name="trackback-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def failure(self) -> TrackbackError | None:
        """Why the server has not taken what was sent last; None if it has."""
        return self._failure

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def written(self) -> None:
        """Something was written. It is called for every point, and costs next to nothing while the thread is busy."""
        if self._idle:
            with self._changed:
                self._idle = False
                self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will be written: the thread ends when all is sent, or when the server is away for long."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> None:
        """Wait until all that was written before is sent.

        Unavailable: the time was up; what was written stays, and is sent later. The server's refusal, if it has
        refused something since the last flush: InvalidParameter, for one.
        """
        if not self.wait(timeout_s):
            why = f": {self._failure.message}" if self._failure else "."
            raise Unavailable(f"The server has not taken all that was logged within {timeout_s:g} s{why}")
        refused, self._delivery.refused = self._delivery.refused, []
        if refused:
            for other in refused[1:]:
                refused[0].add_note(f"Refused, too: {other.message}")
            raise refused[0]

    def wait(self, timeout_s: float) -> bool:
        """Wait until all that was written before is sent, or for that time; whether it was."""
        target = self._writer.end
        with self._changed:
            self._hurried += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._is_sent(target) or not self._thread.is_alive(), timeout_s)
            finally:
                self._hurried -= 1
            return self._is_sent(target)

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end, or for that time."""
        self._thread.join(timeout_s)

    def _is_sent(self, place: Place) -> bool:
        return self._delivery.reader.place >= place

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        try:
            while True:
                try:
                    self._beat()
                    sent = self._delivery.send()
                except TrackbackError as error:
                    if not self._fail(error, wait_s):
                        return
                    wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                    continue
                wait_s = FIRST_WAIT_S
                self._succeed()
                if not sent and self._ending:
                    return
                if sent < self._delivery.most:
                    self._rest(sent)
        except Exception:  # noqa: BLE001 - training goes on, and the spool is kept
            _log.exception("The sender of run %s has failed; `trackback sync` may send the rest", self._run_id)
        finally:
            with self._changed:
                self._changed.notify_all()

    def _beat(self) -> None:
        """Say that the process is alive, if it is time to."""
        now = time.monotonic()
        if self._beating and now >= self._beat_due and not self._ending:
            self._delivery.open_run()
            try:
                self._delivery.beat(LOST_AFTER_S)
            except UnknownEndpoint:
                self._beating = False
            self._beat_due = now + BEAT_S

    def _fail(self, error: TrackbackError, wait_s: float) -> bool:
        """Wait before the next attempt; False if there shall be none."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            _log.warning("Run %s goes on, and what it logs is kept here: %s", self._run_id, error.message)
        with self._changed:
            self._failure = error
            if self._ending and now - self._failing_since > GIVE_UP_S:
                return False
            hurried, ending = self._hurried, self._ending
            self._changed.wait_for(lambda: self._hurried > hurried or self._ending != ending, wait_s)
        return True

    def _succeed(self) -> None:
        if self._failing_since is not None:
            _log.warning("The server takes what run %s logs again", self._run_id)
            self._failing_since = None
        with self._changed:
            self._failure = None
            self._changed.notify_all()

    def _rest(self, sent: int) -> None:
        """Wait for a batch to fill, if something came just now; else for anything to come."""
        with self._changed:
            if sent:
                self._changed.wait_for(lambda: self._hurried or self._ending, LINGER_S)
                return
            self._idle = True
            if self._is_sent(self._writer.end):  # else something was written before it knew that the thread is idle
                self._changed.wait_for(lambda: not self._idle or self._ending, self._time_to_beat())
            self._idle = False

    def _time_to_beat(self) -> float | None:
        return max(self._beat_due - time.monotonic(), 0.0) if self._beating else None

    @property
    def _run_id(self) -> str:
        head = self._delivery.folder.head
        return head.server_run_id or head.run_id
