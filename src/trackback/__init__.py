"""trackback: a model repository. What Maven and Ivy are for jars, for trained models.

To programs that train it offers what ``trackback.sdk`` lists, each imported when it is first used: the server and the
command line, which are in this package too, need none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackback.sdk import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    sdk = import_module("trackback.sdk")
    if name == "__all__":
        return sdk.EXPORTED
    if name not in sdk.HOMES:
        raise AttributeError(f"module 'trackback' has no attribute {name!r}")
    home = sdk.HOMES[name]
    found = import_module(f"{home}.{name}") if home == "trackback" else getattr(import_module(home), name)
    globals()[name] = found  # a name is looked up here once
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module("trackback.sdk").HOMES})
