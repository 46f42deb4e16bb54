"""What scikit-learn's estimators are called, for skops, which trusts just these of its types.

skops asks for them when it is imported, and scikit-learn imports all that it has to answer: a second and a half of each
process that loads a model. Where they are written down beside scikit-learn, as in images, skops is told what is
written, and what a model is not of is not imported.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    """Within the ``with``, scikit-learn's answer is the file's, if there is one of its version: types that have these
    names, and nothing else.
    """
    import sklearn.utils

    names = _written(Path(sklearn.__file__).parent.parent / FILE_NAME, sklearn.__version__)
    if names is None:
        yield
        return
    asked = sklearn.utils.all_estimators
    answer = [(name, type(name, (), {"__module__": module})) for module, _, name in (n.rpartition(".") for n in names)]
    sklearn.utils.all_estimators = lambda *_, **__: answer
    try:
        yield
    finally:
        sklearn.utils.all_estimators = asked


def _written(file: Path, version: str) -> list[str] | None:
    try:
        said: Any = json.loads(file.read_bytes())
        return list(map(str, said["names"])) if said["version"] == version else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
