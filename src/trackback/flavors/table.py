"""The flavors there are: ours, one line each, and those that other packages register.

A package of somebody else's has an entry point in the group ``trackback.flavors``, named like its flavor, that leads
to an instance of Flavor.
"""

from functools import cache
from importlib import import_module, metadata

from trackback.errors import ConfigurationError, InvalidParameter
from trackback.flavors.interface import Flavor

ENTRY_POINTS = "trackback.flavors"

OURS = {
    "python": "trackback.flavors.python:PythonFlavor",
    "fasttext": "trackback.flavors.fasttext:FastTextFlavor",
    "keras": "trackback.flavors.keras:KerasFlavor",
    "lightgbm": "trackback.flavors.lightgbm:LightGBMFlavor",
    "onnx": "trackback.flavors.onnx:OnnxFlavor",
    "pytorch": "trackback.flavors.pytorch:PyTorchFlavor",
    "sklearn": "trackback.flavors.sklearn:SklearnFlavor",
    "spark": "trackback.flavors.spark:SparkFlavor",
    "xgboost": "trackback.flavors.xgboost:XGBoostFlavor",
}


@cache
def flavors() -> dict[str, Flavor]:
    """All flavors by name. ConfigurationError if another package's can't be loaded, or takes a name that is taken."""
    found: dict[str, Flavor] = {}
    for name, where in OURS.items():
        module, _, attribute = where.partition(":")
        found[name] = getattr(import_module(module), attribute)()
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        if entry.name in found:
            raise ConfigurationError(f"{entry.value} registers a flavor {entry.name}, which there is already")
        found[entry.name] = _registered(entry)
    return found


def _registered(entry: metadata.EntryPoint) -> Flavor:
    try:
        flavor = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the flavor {entry.name}, at {entry.value}, can't be loaded: {error}") from error
    if not isinstance(flavor, Flavor):
        raise ConfigurationError(f"{entry.value}, registered as flavor {entry.name}, is no trackback.flavors.Flavor")
    return flavor


def flavor_named(name: str) -> Flavor:
    """InvalidParameter if there is none."""
    try:
        return flavors()[name]
    except KeyError:
        raise InvalidParameter(f"there is no flavor {name!r}; there are: {', '.join(sorted(flavors()))}") from None


def recognise(model: object) -> str:
    """The name of the flavor for a model: that of the first of its classes, from itself to its bases, whose package
    some flavor has; else python, for whatever is called or has ``predict``. InvalidParameter if it is no model.
    """
    if flavors()["python"].recognises(model):
        return "python"
    for kind in type(model).__mro__:
        package = kind.__module__.partition(".")[0]
        for name, flavor in flavors().items():
            if package in flavor.packages and flavor.recognises(model):
                return name
    if isinstance(model, type):
        raise InvalidParameter(
            f"{model.__qualname__} is a class: pass an instance of it, as {model.__name__}() makes one"
        )
    if callable(model) or callable(getattr(model, "predict", None)):
        return "python"
    raise InvalidParameter(
        f"a {type(model).__module__}.{type(model).__qualname__} is no model that is known here: it is neither of a "
        f"library with a flavor ({', '.join(sorted(flavors()))}), nor a function, nor has it a method predict"
    )
