"""The integrations there are: ours, one line each, and those that other packages register.

A package of somebody else's has an entry point in the group ``trackback.autologging``, named like its integration, that
leads to a class that derives from Integration.
"""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from trackback.autologging.interface import Integration
from trackback.errors import ConfigurationError, InvalidParameter

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "trackback.autologging"

OURS = {
    "keras": "trackback.autologging.keras:KerasIntegration",
    "lightgbm": "trackback.autologging.lightgbm:LightGBMIntegration",
    "sklearn": "trackback.autologging.sklearn:SklearnIntegration",
    "spark": "trackback.autologging.spark:SparkIntegration",
    "xgboost": "trackback.autologging.xgboost:XGBoostIntegration",
}


@cache
def integrations() -> dict[str, Integration]:
    """All of them by name. ConfigurationError if another package's can't be loaded, or takes a name that is taken."""
    from importlib import metadata  # noqa: PLC0415 - 10 ms, which only who logs so has to spend

    found: dict[str, Integration] = {}
    for name, where in OURS.items():
        module, _, attribute = where.partition(":")
        found[name] = getattr(import_module(module), attribute)()
    for entry in metadata.entry_points(group=ENTRY_POINTS):
        if entry.name in found:
            raise ConfigurationError(f"{entry.value} registers an integration {entry.name}, which there is already")
        found[entry.name] = _registered(entry)
    return found


def integration_named(name: str) -> Integration:
    """InvalidParameter if there is none."""
    try:
        return integrations()[name]
    except KeyError:
        known = ", ".join(sorted(integrations()))
        raise InvalidParameter(f"nothing logs what {name!r} trains by itself; there are: {known}") from None


def _registered(entry: "EntryPoint") -> Integration:
    try:
        kind = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the integration {entry.name}, at {entry.value}, can't be loaded: {error}") from error
    if not (isinstance(kind, type) and issubclass(kind, Integration)):
        raise ConfigurationError(
            f"{entry.value}, registered as integration {entry.name}, is no subclass of "
            "trackback.autologging.Integration"
        )
    return kind()
