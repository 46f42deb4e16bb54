"""The client by the name, and with the manners, that MLflow's has in scripts."""

from typing import TypeVar

import msgspec

from trackback.client.api import Client
from trackback.client.api.calls import Fields
from trackback.client.transport import Transport
from trackback.tracking.fluent import session

T = TypeVar("T", bound=msgspec.Struct)


class MlflowClient(Client):
    """A ``Client`` of the server that ``set_tracking_uri`` names, which is told first what this process has logged.

    tracking_uri: another server. registry_uri: is not used; a server keeps both.

    InvalidParameter: the URI is not that of a server. Unavailable: TRACKBACK_OFFLINE is set.
    """

    def __init__(self, tracking_uri: str | None = None, registry_uri: str | None = None) -> None:
        super().__init__(transport=Transport(tracking_uri) if tracking_uri else session.transport())

    def _whole(self, kind: type[T], method: str, path: str, fields: Fields, *, idempotent: bool = True) -> T:
        session.flush()
        return super()._whole(kind, method, path, fields, idempotent=idempotent)
