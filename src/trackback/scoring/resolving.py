"""From what `-m` names to a model on this machine that does not change any more."""

from collections.abc import Callable, Sequence
from pathlib import Path

from trackback.errors import NotFound
from trackback.flavors import read_mlmodel
from trackback.limits import shown
from trackback.scoring.served import ResolvedModel

Resolve = Callable[[], ResolvedModel]


def resolver(uri: str, *, trusted: Sequence[str] | None = ()) -> Resolve:
    """A function that finds the version which ``uri`` stands for at that time, and sees to it that it is here.

    ``uri``: a folder with a model, or a link to one. ``trusted``: the digests of pickles that may be loaded; None for
    all of them.
    """

    def resolve() -> ResolvedModel:
        directory = Path(uri).resolve()
        if not directory.is_dir():
            raise NotFound(f"There is no model at {shown(uri)}: no such folder.")
        read_mlmodel(directory)
        return ResolvedModel(str(directory), None, str(directory), None if trusted is None else tuple(trusted))

    return resolve
