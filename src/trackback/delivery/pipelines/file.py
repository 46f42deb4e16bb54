"""The file that says which stages there are; CI's own files refer to it, so that they are said once."""

import hashlib
import re
from pathlib import Path
from typing import Annotated

import msgspec

from trackback.delivery.documents import Document

FILE = "deliver.yaml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people write: a field that is not known is a mistake."""


class StageSpec(_Written, frozen=True):
    """``run`` is a command of the shell. ``env``: variables beside those there are. ``minutes``: what it may take."""

    name: str
    run: Annotated[str, msgspec.Meta(min_length=1)]
    env: dict[str, str] = {}
    minutes: Annotated[float, msgspec.Meta(gt=0)] | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"'{self.name}' is no name of a stage: it has letters, digits, '-' and '_'")

    @property
    def digest(self) -> str:
        """What is another once the stage is."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()


class PipelineFile(_Written, frozen=True):
    """``stages`` run in this order. ``model``: what is delivered where nothing has triggered it."""

    pipeline: str
    stages: Annotated[tuple[StageSpec, ...], msgspec.Meta(min_length=1)]
    model: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.pipeline):
            raise ValueError(f"'{self.pipeline}' is no name of a pipeline: it has letters, digits, '-' and '_'")
        names = [stage.name for stage in self.stages]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"Two stages are called '{twice}'")


def read_pipeline(path: Path) -> PipelineFile:
    """InvalidParameter says what is wrong with the file, and in which line."""
    document = Document(path)
    return document.convert({} if document.value is None else document.value, PipelineFile)
