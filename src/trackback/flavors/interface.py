"""What a flavor is: how models of one library are recognised, saved, loaded and asked for predictions."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from trackback.errors import InvalidParameter, MissingLibrary
from trackback.flavors.trust import Trust


@dataclass(frozen=True)
class Saved:
    """What a flavor has written into a model's directory.

    ``settings``: the flavor's entry in the MLmodel file. ``python_function``: that of MLflow's uniform ``predict``, or
    None where MLflow can give none. ``modules``: names of what the model imports when it is loaded, at the top level.
    """

    settings: dict[str, Any]
    python_function: dict[str, Any] | None
    modules: frozenset[str] = field(default=frozenset())


class Flavor(ABC):
    """Models of one library. A subclass imports its library inside its methods only, since they are many and heavy.

    ``name`` is the flavor's key in MLmodel files, as MLflow spells it. ``packages`` are the top-level packages whose
    classes it recognises. ``distribution`` is what to install, as pip names it.
    """

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    distribution: ClassVar[str]

    def recognises(self, model: object) -> bool:
        """Whether ``model``, of a class of one of ``packages``, is one that this flavor can save."""
        return True

    @abstractmethod
    def save(self, model: Any, directory: Path, options: Mapping[str, Any]) -> Saved:
        """Write the model's own files into ``directory``. InvalidParameter if it can't be, or for unknown options."""

    @abstractmethod
    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """The native model. InvalidModel if its files are damaged, UntrustedModel if it may not be loaded."""

    @abstractmethod
    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        """Predictions of a native model for ``data``, which has the form that its signature asks for."""


def take_options(flavor: str, options: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """``options`` over ``defaults``. InvalidParameter if one is not known."""
    unknown = sorted(set(options) - set(defaults))
    if unknown:
        known = ", ".join(sorted(defaults)) or "none"
        raise InvalidParameter(f"the flavor {flavor} has no option {', '.join(unknown)}; it knows: {known}")
    return {**defaults, **options}


def missing(distribution: str, error: ImportError) -> MissingLibrary:
    """The error for a library that is not there."""
    return MissingLibrary(
        f"this model needs {distribution}, which can't be imported ({error}): pip install {distribution}"
    )
