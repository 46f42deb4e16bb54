"""What a flavor is: how models of one library are recognised, saved, loaded and asked for predictions."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from trackback.errors import InvalidParameter
from trackback.flavors.examples import InputExample
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
    # Whether models predict only once they are loaded, so that the signature is inferred with one that is.
    predicts_when_loaded: ClassVar[bool] = False

    def recognises(self, model: object) -> bool:
        """Whether ``model``, of a class of one of ``packages``, is one that this flavor can save."""
        return True

    @abstractmethod
    def save(
        self, model: Any, directory: Path, options: Mapping[str, Any], example: InputExample | None = None
    ) -> Saved:
        """Write the model's own files into ``directory``. InvalidParameter if it can't be, or for unknown options.

        ``example``: data as the model takes it, for libraries that need some to save a model.
        """

    @abstractmethod
    def load(self, directory: Path, settings: Mapping[str, Any], trust: Trust) -> Any:
        """The model, ready to predict. InvalidModel if its files are damaged, UntrustedModel if it may not be loaded.

        ``settings``: the flavor's own in the MLmodel file, over those of MLflow's uniform ``predict``.
        """

    def params(self, model: Any) -> Mapping[str, object]:
        """What the library itself knows of how ``model`` is made: hyperparameters, by their names there."""
        return {}

    def native(self, loaded: Any) -> Any:
        """The library's own object in what ``load`` gave, where that is not the same."""
        return loaded

    @abstractmethod
    def predict(self, model: Any, data: Any, params: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        """Predictions for ``data``, which has the form that the model's signature asks for.

        ``model``: what ``load`` gave, or a native one that is being saved.
        """


def take_options(flavor: str, options: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """``options`` over ``defaults``. InvalidParameter if one is not known."""
    unknown = sorted(set(options) - set(defaults))
    if unknown:
        known = ", ".join(sorted(defaults)) or "none"
        raise InvalidParameter(f"the flavor {flavor} has no option {', '.join(unknown)}; it knows: {known}")
    return {**defaults, **options}
