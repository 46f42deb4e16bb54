"""What runs the servers of a slot: a holder of its own, or systemd."""

from signal import Signals
from typing import Protocol

from trackback.delivery.deploy.slots import Release


class Manager(Protocol):
    """Starts and ends servers that share one listening socket, and starts them again when they end by themselves.

    Errors of all methods: Unavailable: it can't be reached, or does not do it. MissingTool: it is not installed.
    """

    def prepare(self) -> None:
        """Have the listening socket there.

        InvalidParameter: it is at another address. ConfigurationError: it can't be.
        """

    def start(self, release: Release) -> None:
        """Start a server, which waits for its turn."""

    def alive(self, release_id: str) -> bool:
        """Whether its process is there."""

    def signal(self, release_id: str, number: Signals) -> None:
        """Send its process a signal; one that is gone gets none."""

    def stop(self, release_id: str) -> None:
        """End it, once it has answered what it has, and wait for that. One that is gone is well, too."""

    def running(self) -> set[str]:
        """The releases of the slot whose servers are there."""

    def settle(self, release_id: str) -> None:
        """Have this one started whenever the machine is."""

    def remove(self) -> None:
        """End all, and give the socket up."""

    def log_tail(self, release_id: str) -> str:
        """The end of what it said."""
