"""Sends what processes that have ended left in their spools."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from trackback.client.spool.delivery import Delivery
from trackback.client.spool.folder import Folder, folders_in, places, run_id_of
from trackback.client.spool.reader import Reader
from trackback.client.transport import Transport
from trackback.errors import DataLoss, TrackbackError


class Synced(NamedTuple):
    """What became of one spool.

    uri: the server that it was sent to.
    run_id: the run's at the server; its own, as long as the server does not know it.
    sent: how many records were sent.
    left: how many were not, because of ``failure``.
    refused: what the server refused for good. The folder, where it is kept, stays.
    """

    folder: Path
    uri: str
    run_id: str
    sent: int
    left: int
    refused: tuple[TrackbackError, ...] = ()
    failure: TrackbackError | None = None


def sync(transport_to: Callable[[str], Transport], run_ids: Collection[str] | None = None) -> Iterator[Synced]:
    """Send every spool whose process has ended, the oldest first; what is sent is deleted.

    transport_to: makes the transport to the server of a URI.
    run_ids: of the only runs to look at, as they were called where they were begun; None for all.
    """
    for path in (path for place in places() for path in folders_in(place)):
        if run_ids is not None and run_id_of(path) not in run_ids:
            continue
        try:
            folder = Folder.claim(path)
            if folder is not None:
                yield _sync(folder, Reader(folder.path), transport_to)
        except DataLoss as error:
            yield Synced(path, "", "", 0, 0, failure=error)
        except OSError as error:
            yield Synced(path, "", "", 0, 0, failure=DataLoss(f"The spool {path} can't be read: {error}."))


def _sync(folder: Folder, reader: Reader, transport_to: Callable[[str], Transport]) -> Synced:
    head = folder.head
    uri, sent, refused, failure = head.uri, 0, list[TrackbackError](), None
    head.unended = head.unended or not (head.server_run_id or head.forked)
    try:
        with transport_to(head.uri) as transport:
            uri = transport.uri
            delivery = Delivery(folder, reader, transport)
            refused = delivery.refused
            while count := delivery.send():
                sent += count
            if head.unended and not delivery.has_ended:
                delivery.fail_run()
    except TrackbackError as error:
        failure = error
    left = reader.count()
    reader.close()
    if failure or folder.has_refused:
        folder.release()
    else:
        folder.delete()
    return Synced(folder.path, uri, head.server_run_id or head.run_id, sent, left, tuple(refused), failure)
