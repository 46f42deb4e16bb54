"""Files that are loaded without asking, although they may run code: those that this user has logged, and those that
somebody with an account on the server has promoted.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from trackback.client.user_folders import state_folder
from trackback.entities import ANYONE, Promotion, PromotionKind
from trackback.errors import InvalidState, NotFound, PermissionDenied, Unauthenticated, UnknownEndpoint
from trackback.flavors import Trust, read_mlmodel

if TYPE_CHECKING:
    from trackback.client.api import Client
    from trackback.client.models import LocalModel

_MOST = 100_000


def remember(digests: Iterable[str]) -> None:
    """Trust files with these SHA-256 from now on. A disk that is full only means to be asked later."""
    path = _path()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("a") as file:
            file.write("".join(f"{digest}\n" for digest in digests))


def trusted() -> Trust:
    """What was remembered."""
    try:
        return Trust.of(_path().read_text().split()[-_MOST:])
    except OSError:
        return Trust()


def promoted(client: "Client", model: "LocalModel") -> Trust:
    """The files of a model, if just these were promoted, at any time, on a server that has accounts: it knows by whom,
    and that they may. Nothing, if they were not, or if anybody could have done it.
    """
    try:
        client.get_myself()
        is_promoted = any(_vouches(entry, model.digest) for entry in _promotions(client, model))
    except (InvalidState, Unauthenticated, UnknownEndpoint):  # there are no accounts
        return Trust()
    except (NotFound, PermissionDenied):  # its runs and streams are not to be seen
        return Trust()
    from trackback.client.cache import sha256_of  # noqa: PLC0415 - with it comes all that asks a server

    files = (file for file in model.path.rglob("*") if file.is_file())
    return Trust.of(map(sha256_of, files)) if is_promoted else Trust()


def _promotions(client: "Client", model: "LocalModel") -> Iterable[Promotion]:
    """Those of its registered model, or else of the experiment of the run that it came from."""
    if model.version is not None:
        return client.walk_promotions(stream=f"models:/{model.version.name}")
    run_id = read_mlmodel(model.path).run_id
    if not run_id:
        return ()
    return client.walk_promotions(stream=f"experiments:/{client.get_run(run_id).info.experiment_id}")


def _vouches(entry: Promotion, digest: str) -> bool:
    """Whether it let files in, these, by somebody who has an account."""
    came_in = entry.kind in (PromotionKind.PROMOTED, PromotionKind.ROLLED_BACK)
    known = entry.actor not in (ANYONE.name, "")
    return came_in and known and digest in {entry.digest, *(each.digest for each in entry.snapshots)}


def _path() -> Path:
    return state_folder() / "logged-files"
