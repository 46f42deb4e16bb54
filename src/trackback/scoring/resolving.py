"""From what `-m` names to a model on this machine that does not change any more."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from trackback.client.api import Client
from trackback.client.models import fetch_model
from trackback.client.places import locate
from trackback.client.progress import Progress
from trackback.flavors import read_mlmodel
from trackback.scoring.served import ResolvedModel
from trackback.tracking.trusted import promoted


class Resolver:
    """Finds what a URI stands for at the time it is asked, and sees to it that its files are here.

    ``uri``: of a model on the server, as models:/churn@production; or a folder, or a link to one. ``trusted``: the
    digests of pickles that may be loaded, beside those that were promoted on a server with accounts; None for all of
    them. ``meter``: opened for the time of a download, which it is told of. ``name``: what the model is
    called, if not by the URI that it was found to be.
    """

    def __init__(
        self,
        client: Client,
        uri: str,
        trusted: Sequence[str] | None = (),
        meter: Callable[[], AbstractContextManager[Progress | None]] = nullcontext,
        name: str = "",
    ) -> None:
        self._client = client
        self._uri = uri
        self._trusted = None if trusted is None else tuple(trusted)
        self._meter = meter
        self._name = name
        self._found = ""
        self._last: ResolvedModel | None = None

    def __call__(self) -> ResolvedModel:
        """The same as before, without a look at any file, if the URI still stands for it.

        Raises NotFound or InvalidParameter if it names no model, and what ``fetch_model`` raises.
        """
        place = locate(self._client, self._uri)
        uri = place.uri if place.local_path is None else str(place.local_path.resolve())
        if self._last is None or self._found != uri:
            with self._meter() as progress:
                local = fetch_model(self._client, uri, progress=progress)
            path = Path(local.path).absolute()
            read_mlmodel(path)
            trusted = self._trusted
            if trusted is not None and place.local_path is None:
                trusted = (*trusted, *promoted(self._client, local).digests)
            self._last = ResolvedModel(self._name or uri, local.digest, str(path), trusted)
            self._found = uri
        return self._last
