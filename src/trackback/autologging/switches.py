"""Turning integrations on and off."""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import ModuleType
from typing import Any

from trackback.autologging.failures import Failures
from trackback.autologging.imports import ImportWatch
from trackback.autologging.interface import Integration
from trackback.autologging.patches import Patches
from trackback.autologging.settings import Settings
from trackback.autologging.table import integration_named, integrations
from trackback.errors import InvalidParameter

_lock = threading.RLock()
_patches: dict[str, Patches] = {}
_set_by_name: set[str] = set()


def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    extra_tags: Mapping[str, object] | None = None,
    exclude_flavors: Sequence[str] = (),
    **others: Any,
) -> None:
    """Log what scikit-learn, XGBoost, LightGBM, Keras and Spark ML train from now on, without being told to.

    Libraries that are imported later are taken too. Training is never stopped by it: what can't be logged is said once.
    The arguments are MLflow's; ``docs/reference/autolog.md`` tells what is logged.

    disable: log nothing more, and put everything back as it was.
    exclude_flavors: libraries to leave as they are.
    others: settings that only some libraries have, such as ``registered_model_name``, ``max_tuning_runs`` or
        ``log_every_n_steps``.
    disable_for_unsupported_versions: of MLflow's, and of no use here: there is no list of versions.

    What was set for a library by its own function, such as ``trackback.sklearn.autolog``, stays.

    InvalidParameter: no library has a setting of that name, or a value is none for it.
    """
    chosen = {name: each for name, each in integrations().items() if name not in set(exclude_flavors)}
    given = {
        "log_input_examples": log_input_examples,
        "log_model_signatures": log_model_signatures,
        "log_models": log_models,
        "log_datasets": log_datasets,
        "exclusive": exclusive,
        "silent": silent,
        "extra_tags": dict(extra_tags or {}),
        **others,
    }
    known = {name for each in chosen.values() for name in _names(each)}
    _check_names(set(given) - known, known)
    settings = {
        name: each.kind_of_settings(**{key: given[key] for key in given if key in _names(each)})
        for name, each in chosen.items()
    }
    with _lock:
        for name, each in chosen.items():
            if disable:
                _turn_off(each)
            elif name not in _set_by_name:
                _turn_on(each, settings[name])


def autolog_library(name: str, *, disable: bool = False, **given: Any) -> None:
    """Log what one library trains, or stop doing so. InvalidParameter: there is no such library, or no such setting."""
    integration = integration_named(name)
    given.pop("disable_for_unsupported_versions", None)
    _check_names(set(given) - _names(integration), _names(integration))
    given["extra_tags"] = dict(given.get("extra_tags") or {})
    settings = integration.kind_of_settings(**given)
    with _lock:
        if disable:
            _turn_off(integration)
        else:
            _turn_on(integration, settings)
        _set_by_name.add(name)


def _turn_on(integration: Integration, settings: Settings) -> None:
    integration.settings = settings
    if not integration.is_on:
        integration.is_on = True
        _patches[integration.name] = Patches()
        _watch.watch(_libraries())
        for module in list(sys.modules.values()):
            if _concerns(integration, module):
                _patch(integration, module)


def _turn_off(integration: Integration) -> None:
    _set_by_name.discard(integration.name)
    if integration.is_on:
        integration.is_on = False
        _patches.pop(integration.name).undo()
        _watch.watch(_libraries())


def _imported(module: ModuleType) -> None:
    """A module has just been imported."""
    with _lock:
        for integration in integrations().values():
            if integration.is_on and _concerns(integration, module):
                _patch(integration, module)


def _patch(integration: Integration, module: ModuleType) -> None:
    with Failures(integration.name, integration.settings.silent).kept_from_training(f"what {module.__name__} trains"):
        integration.patch(module, _patches[integration.name])


def _concerns(integration: Integration, module: ModuleType) -> bool:
    """Whether it is one that the integration waits for. There may be other things than modules in ``sys.modules``."""
    called = getattr(module, "__name__", "")
    return any(f"{called}.".startswith(f"{name}.") for name in integration.modules)


def _libraries() -> frozenset[str]:
    """The top-level packages that integrations wait for."""
    return frozenset(name.partition(".")[0] for each in integrations().values() if each.is_on for name in each.modules)


def _names(integration: Integration) -> set[str]:
    return {each.name for each in fields(integration.kind_of_settings)}


def _check_names(unknown: set[str], known: set[str]) -> None:
    if unknown:
        raise InvalidParameter(
            f"autolog has no argument {', '.join(sorted(unknown))}; it knows: {', '.join(sorted(known))}"
        )


def _unlock() -> None:
    """A forked process must not wait for a thread that it does not have."""
    global _lock
    _lock = threading.RLock()


_watch = ImportWatch(_imported)
os.register_at_fork(after_in_child=_unlock)
