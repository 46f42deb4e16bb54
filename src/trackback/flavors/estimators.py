"""What scikit-learn's estimators are called, for skops, which trusts just these of its types.

skops asks for them when it is imported, and scikit-learn imports all that it has to answer: a second and a half of each
process that loads a model. So the answer is written down: beside scikit-learn in images, and among the user's own files
elsewhere, where the first process that asks leaves it. Others are told what is written, and what a model is not of is
not imported.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trackback.client.user_folders import state_folder

FILE_NAME = "trackback_estimators.json"

LISTING = """
import json
import sklearn
from sklearn.utils import all_estimators
names = sorted({f"{each.__module__}.{each.__name__}" for _, each in all_estimators()})
print(json.dumps({"version": sklearn.__version__, "names": names}, indent=0))
"""
"""A program that prints what the file is to have."""


@contextmanager
def told_by_file() -> Iterator[None]:
    """Within the ``with``, scikit-learn's answer is that of a file, if there is one of its version: types that have
    these names, and nothing else.
    """
    import sklearn.utils

    packages, version = Path(sklearn.__file__).parent.parent, sklearn.__version__
    ours = _ours(packages, version)
    names = _written(packages / FILE_NAME, version) or _written(ours, version)
    asked = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = _noting(asked, ours, version) if names is None else _telling(names)
    try:
        yield
    finally:
        sklearn.utils.all_estimators = asked


def _ours(packages: Path, version: str) -> Path:
    """Of one installation; nobody else can write it, which matters for names that are trusted."""
    installation = hashlib.sha256(os.fsencode(packages)).hexdigest()[:16]
    return state_folder() / "estimators" / f"{version}-{installation}.json"


def _telling(names: list[str]) -> Callable[..., Any]:
    answer = [(name, type(name, (), {"__module__": module})) for module, _, name in (n.rpartition(".") for n in names)]
    return lambda *_, **__: answer


def _noting(asked: Callable[..., Any], file: Path, version: str) -> Callable[..., Any]:
    def answer(*args: Any, **options: Any) -> Any:
        found = asked(*args, **options)
        _note(file, version, sorted({f"{each.__module__}.{each.__name__}" for _, each in found}))
        return found

    return answer


def _note(file: Path, version: str, names: list[str]) -> None:
    """Where nothing can be written, the next process asks again."""
    fresh = file.with_name(f".{file.name}-{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.write_text(json.dumps({"version": version, "names": names}, indent=0))
        fresh.replace(file)


def _written(file: Path, version: str) -> list[str] | None:
    try:
        said: Any = json.loads(file.read_bytes())
        return list(map(str, said["names"])) if said["version"] == version else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
