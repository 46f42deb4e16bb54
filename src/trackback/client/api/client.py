"""The client: one method for each of a server's endpoints, under the names of MLflow's client where it has one."""

from trackback.client.api.accounts import Accounts
from trackback.client.api.delivery import Delivery
from trackback.client.api.experiments import Experiments
from trackback.client.api.files import Files
from trackback.client.api.housekeeping import Housekeeping
from trackback.client.api.lineage import Lineage
from trackback.client.api.policies import Policies
from trackback.client.api.promotions import Promotions
from trackback.client.api.run_log import RunLog
from trackback.client.api.webhooks import Webhooks
from trackback.client.closing import Closing
from trackback.client.transport import Transport


class Client(
    Experiments,
    RunLog,
    Files,  # with artifacts, runs, logged models, registered models and their versions
    Webhooks,
    Promotions,
    Policies,
    Delivery,
    Lineage,
    Accounts,
    Housekeeping,
    Closing,
):
    """Calls of a tracking server: trackback's, or MLflow's for what its protocol has.

    Each method returns what the server has kept or knows by then, as entities. Beside the errors that a method names,
    each may raise: Unavailable, if no server answers; Unauthenticated and PermissionDenied, where the server has
    accounts; InvalidParameter, for values that are not valid; UnknownEndpoint, if the server is MLflow's and the method
    trackback's. Threads may share a client.

    uri: the server, else that of ``TRACKBACK_TRACKING_URI`` or ``MLFLOW_TRACKING_URI``, or http://127.0.0.1:5000.
    token: who asks; else ``TRACKBACK_TOKEN``, or ``MLFLOW_TRACKING_USERNAME`` and ``_PASSWORD``.
    transport: to be used in place of one made of these; the client closes it, too.

    InvalidParameter: the URI is not that of a server.
    """

    def __init__(self, uri: str | None = None, *, token: str | None = None, transport: Transport | None = None) -> None:
        super().__init__(transport or Transport(uri, token=token))

    @property
    def tracking_uri(self) -> str:
        """The server's URI, without credentials."""
        return self._transport.uri

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"Client({self.tracking_uri!r})"
