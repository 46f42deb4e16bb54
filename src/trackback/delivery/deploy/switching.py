"""From one release of a slot to another, without a request that fails; and back, if the new one is not well.

The journal, ``live.json``, is the moment at which it is done. Whoever is killed before leaves the old release live: the
new one's turn is only lent (``scoring/standby.py``), and the next run puts it away. Whoever is killed after leaves the
new one live, and a journal that says that the server was not told: the next run tells it.
"""

import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from signal import Signals
from typing import TYPE_CHECKING

from trackback.delivery.deploy.managers import Manager
from trackback.delivery.deploy.slots import Live, Release, Slot
from trackback.delivery.deploy.smoke import Example, Server
from trackback.errors import CheckFailed, TrackbackError
from trackback.scoring.turns import LEASE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

_TURN_S = 15.0
_PRIVATE = "http://localhost"
_PAUSE_S = 0.25


@dataclass(frozen=True)
class Patience:
    """Seconds: for the new server to be well, for it to be watched after its turn began, for the old one's clients to
    leave before it ends.
    """

    start_s: float = 120.0
    watch_s: float = 5.0
    drain_s: float = 5.0


class Switch:
    """Moves a slot."""

    def __init__(
        self, slot: Slot, manager: Manager, url: str, patience: Patience, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self._slot = slot
        self._manager = manager
        self._url = url
        self._patience = patience
        self._say = say

    def tidy(self) -> Live | None:
        """Put away what a run that was killed has left, and see that what is live by the journal runs."""
        live = self._slot.live()
        if live is not None:
            self._slot.marker(live.release.id).touch()
            self._turn(live.release.id, True)
        self._put_away({*self._slot.releases(), *self._manager.running()} - {live.release.id if live else ""})
        return live

    def is_well(self, live: Live) -> bool:
        """Whether what is live by the journal serves, or comes to: it may have been started just now."""
        patience_s = self._patience.start_s if self._manager.alive(live.release.id) else 0
        with Server(_PRIVATE, self._slot.socket(live.release.id)) as server:
            said = server.wait(lambda said: True, time.monotonic() + patience_s)
        return said is not None and said.get("digest") == live.release.digest

    def move(self, release: Release, example: Example, report: dict[str, str | int | bool | None]) -> Live:
        """Have a release live in place of the one that is.

        CheckFailed: it is not well; what was live still is.
        """
        before = self._slot.live()
        self._slot.keep(release)
        with self._undone_if_it_fails(release, before):
            self._say(f"starting {release.id} for {release.model}")
            self._manager.start(release)
            with Server(_PRIVATE, self._slot.socket(release.id)) as new:
                self._wait_until_well(release, new)
                self._check(release, new, example, "when it was tried")
                self._say("it is well; it takes over")
                self._hand_over(release, before)
            self._watch(release, before, example)
            return self._commit(release, before, report)

    def drain(self, before: Live | None) -> None:
        """End the release that was live, when those who are at it have had time to leave."""
        if before is None:
            return
        time.sleep(self._patience.drain_s)
        self._manager.stop(before.release.id)
        self._slot.forget(before.release.id)
        live = self._slot.live()
        self._slot.prune_models({live.release.digest} if live else set())

    def _wait_until_well(self, release: Release, server: Server) -> None:
        deadline = time.monotonic() + self._patience.start_s
        while True:
            if server.wait(lambda said: True, time.monotonic()) is not None:
                return
            if not self._manager.alive(release.id):
                raise self._unwell(release, "ended before it was well")
            if time.monotonic() > deadline:
                raise self._unwell(release, f"was not well within {self._patience.start_s:g} s")
            time.sleep(_PAUSE_S)

    def _hand_over(self, release: Release, before: Live | None) -> None:
        if not self._turn(release.id, True):
            raise self._unwell(release, "did not take its turn")
        if before is not None:
            self._turn(before.release.id, False)

    def _turn(self, release_id: str, wanted: bool) -> bool:
        """Have a server take requests, or take none; whether it does as wanted.

        One that does not answer yet is sent nothing: a signal would end it, and it begins as its file says.
        """
        with Server(_PRIVATE, self._slot.socket(release_id)) as server:
            said = server.health()
            if said is None or said.get("accepting") is wanted:
                return said is not None
            self._manager.signal(release_id, Signals.SIGUSR1 if wanted else Signals.SIGUSR2)
            return server.wait(lambda said: said.get("accepting") is wanted, time.monotonic() + _TURN_S) is not None

    def _watch(self, release: Release, before: Live | None, example: Example) -> None:
        """What clients see of it, for a while."""
        now = time.monotonic()
        deadline, renewal = now + self._patience.watch_s, now + LEASE_S / 3
        with Server(self._url) as front:
            while True:
                self._check(release, front, example, f"at {self._url}")
                if time.monotonic() >= deadline:
                    return
                if time.monotonic() >= renewal:
                    self._renew(release, before)
                    renewal += LEASE_S / 3
                time.sleep(_PAUSE_S)

    def _renew(self, release: Release, before: Live | None) -> None:
        """Lend the turn anew, before it goes back by itself."""
        self._manager.signal(release.id, Signals.SIGUSR1)
        if before is not None and self._is_up(before.release.id):
            self._manager.signal(before.release.id, Signals.SIGUSR2)

    def _is_up(self, release_id: str) -> bool:
        with Server(_PRIVATE, self._slot.socket(release_id)) as server:
            return server.health() is not None

    def _check(self, release: Release, server: Server, example: Example, where: str) -> None:
        try:
            server.check(release.digest, example)
        except CheckFailed as error:
            raise self._unwell(release, f"was not well {where}: {error.message}") from error

    def _commit(self, release: Release, before: Live | None, report: dict[str, str | int | bool | None]) -> Live:
        live = Live(release, str(report["locator"]), time.time_ns() // 1_000_000, report)
        self._slot.marker(release.id).touch()
        self._slot.keep_live(live)
        if before is not None:
            self._slot.marker(before.release.id).unlink(missing_ok=True)
        self._manager.settle(release.id)
        return live

    @contextmanager
    def _undone_if_it_fails(self, release: Release, before: Live | None) -> "Iterator[None]":
        try:
            yield
        except BaseException:
            if (live := self._slot.live()) is None or live.release.id != release.id:  # else it was done
                self._go_back(release, before)
            raise

    def _go_back(self, release: Release, before: Live | None) -> None:
        if before is not None:
            self._say(f"going back to {before.release.id} for {before.release.model}")
            self._slot.marker(before.release.id).touch()
            with suppress(TrackbackError):
                self._turn(before.release.id, True)
        with suppress(TrackbackError):
            self._put_away({release.id})
            if before is None:
                self._manager.remove()  # nobody is to wait at a socket that nobody takes from

    def _put_away(self, release_ids: set[str]) -> None:
        """End servers. One whose turn it was is left by its clients before."""
        for each in release_ids:
            self._slot.marker(each).unlink(missing_ok=True)
        served = [each for each in release_ids if self._had_its_turn(each)]
        if served:
            time.sleep(self._patience.drain_s)
        for each in release_ids:
            self._manager.stop(each)
            self._slot.forget(each)

    def _had_its_turn(self, release_id: str) -> bool:
        """Whether a server took requests until now."""
        with Server(_PRIVATE, self._slot.socket(release_id)) as server:
            said = server.health()
        if said is None or not said.get("accepting"):
            return False
        self._turn(release_id, False)
        return True

    def _unwell(self, release: Release, how: str) -> CheckFailed:
        live = self._slot.live()
        still = f"{live.release.model} is still live" if live else "nothing is live"
        told = self._manager.log_tail(release.id).strip()
        return CheckFailed(
            f"The server of {release.model} {how}, so {still} in {self._slot.name}."
            + (f" The end of what it said:\n{told}" if told else "")
        )
