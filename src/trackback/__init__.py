"""trackback: a model repository. What Maven and Ivy are for jars, for trained models.

To programs that train it offers what ``trackback.sdk`` lists. That is imported when the first of its names is used: the
server and the command line, which are in this package too, need none of it.
"""

import os.path
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trackback.sdk import *  # noqa: F403

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    is_special = name.startswith("__") and name != "__all__"
    if is_special or _is_module(name) or not hasattr(sdk := import_module("trackback.sdk"), name):
        raise AttributeError(f"module 'trackback' has no attribute {name!r}")
    return getattr(sdk, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module("trackback.sdk").__all__})


def _is_module(name: str) -> bool:
    """Whether a name is that of a part of the package, which Python asks for before it imports one."""
    path = os.path.join(os.path.dirname(__file__), name)  # noqa: PTH118, PTH120 - pathlib would be slower to import
    return os.path.isdir(path) or os.path.isfile(f"{path}.py")  # noqa: PTH112, PTH113
