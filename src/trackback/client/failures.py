"""One attempt that failed: what the caller will be told, and whether another attempt may do better."""

from dataclasses import dataclass

from trackback.errors import TrackbackError


@dataclass(eq=False)
class Failure(Exception):
    """Never leaves the client package: ``Retries`` repeats the attempt or raises ``error`` in its place.

    passing: whether the cause may be gone in a while.
    unheard: whether the server is known to have done nothing, so that anything may be repeated.
    retry_after_s: what the server asked to wait for, in seconds.
    """

    error: TrackbackError
    passing: bool = False
    unheard: bool = False
    retry_after_s: float = 0.0
