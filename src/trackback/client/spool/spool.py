"""A spool as a run uses it: written by its threads, sent by a thread of its own."""

from pathlib import Path
from typing import Self

from trackback.client.spool.delivery import Delivery
from trackback.client.spool.folder import Folder, Head, places
from trackback.client.spool.reader import Reader
from trackback.client.spool.records import Action, Upload
from trackback.client.spool.sender import Sender
from trackback.client.spool.writer import Writer
from trackback.client.transport import Transport
from trackback.errors import StorageFull, TrackbackError, Unavailable


class Spool:
    """What one process logs to one run. ``transport`` None: nothing is sent, all is kept for ``sync``."""

    def __init__(self, folder: Folder, transport: Transport | None) -> None:
        self.folder = folder
        self._writer = Writer(folder.path)
        self._reader = Reader(folder.path, self._writer)
        self.has_ended = False
        self._delivery = Delivery(folder, self._reader, transport) if transport else None
        self._sender = Sender(self._delivery, self._writer) if self._delivery else None
        if self._sender:
            self._sender.start()

    @classmethod
    def begin(cls, head: Head, transport: Transport | None) -> Self:
        """A new spool at the first of the ``places`` where there is room.

        StorageFull: there is no room anywhere.
        """
        failures = []
        for place in places():
            try:
                return cls(Folder.create(place, head), transport)
            except OSError as error:
                failures.append(f"{place}: {error.strerror}")
        raise StorageFull(
            f"There is no room for what run {head.run_id} logs ({'; '.join(failures)}). "
            "TRACKBACK_SPOOL_DIR names another folder."
        )

    @property
    def head(self) -> Head:
        return self.folder.head

    @property
    def failure(self) -> TrackbackError | None:
        """Why nothing can be sent at this time; None if it can."""
        if self._sender is None:
            return Unavailable("TRACKBACK_OFFLINE is set, so nothing is sent before `trackback sync` is called.")
        return self._sender.failure

    def log_point(self, key: str, value: float, timestamp_ms: int, step: int) -> None:
        """See ``Writer.log_point``."""
        self._writer.log_point(key, value, timestamp_ms, step)
        if self._sender:
            self._sender.written()

    def log(self, action: Action) -> None:
        """See ``Writer.log``."""
        self._writer.log(action)
        if self._sender:
            self._sender.written()

    def upload(self, path: str, content: bytes | Path) -> None:
        """Have bytes, or a file as it is now, uploaded in their turn. StorageFull: there is no room to keep them."""
        try:
            name = self.folder.keep_file(content)
        except OSError as error:
            raise StorageFull(f"{path} could not be kept until it is uploaded: {error}") from error
        self.log(Upload(path, name))

    def flush(self, timeout_s: float) -> None:
        """See ``Sender.flush``."""
        if self._sender is None:
            assert self.failure
            raise self.failure
        self._sender.flush(timeout_s)

    def wait(self, timeout_s: float) -> bool:
        """See ``Sender.wait``."""
        return self._sender is not None and self._sender.wait(timeout_s)

    def end(self) -> None:
        """Nothing more will be logged; what is left is sent in the background."""
        self.has_ended = True
        if self._sender:
            self._sender.end()

    @property
    def is_sending(self) -> bool:
        return self._sender is not None and self._sender.is_alive

    def close(self, timeout_s: float) -> int:
        """After ``end``: wait for the rest to be sent, or for that time; how many records are left for ``sync``."""
        if self._sender and self._sender.wait(timeout_s):
            self._sender.join(0.2)
        if self.is_sending:
            return self._left()
        left = self._reader.count()
        self._reader.close()
        self._writer.close()
        if left or self.folder.has_refused or self._sender is None:
            self.folder.release()
        else:
            self.folder.delete()
        return left

    def abandon(self) -> None:
        """In a forked process: leave it to the one that it is copied from."""
        self.folder.release()

    def _left(self) -> int:
        """Counted in the files, beside the sender."""
        reader = Reader(self.folder.path)
        try:
            return reader.count()
        finally:
            reader.close()
