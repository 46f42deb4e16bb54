"""What becomes of a message to a webhook."""

from typing import NamedTuple


class Answer(NamedTuple):
    """What became of a request. ``status`` is None if there was no answer, ``error`` then says why.

    ``retry_after_s``: how long the receiver asks to be left alone.
    """

    status: int | None = None
    body: str | None = None
    error: str | None = None
    retry_after_s: int = 0

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300
