"""Calls that train: which of them are logged, and to which run.

A call that trains often makes others that do: a pipeline fits its steps, a search many candidates. The outermost is
the one that the program made, so it alone is logged: to the run that is active, or else to one that begins and ends
with it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from trackback.autologging.calls import Call
from trackback.autologging.failures import Failures
from trackback.autologging.interface import Integration
from trackback.autologging.patches import Replacement
from trackback.autologging.run_logger import RunLogger
from trackback.autologging.scopes import Scope, entered, quiet, scope
from trackback.entities import RunStatus
from trackback.tracking.fluent import active_run, start_run
from trackback.tracking.run import ActiveRun

AUTOLOGGING_TAG = "mlflow.autologging"


class Training(ABC):
    """One call that trains. A subclass logs what is known before and after it; ``begin`` may change the call.

    ``part`` keeps what fails in its block from training, and the rest from failing with it.
    """

    def __init__(self, integration: Integration, run: ActiveRun, call: Call) -> None:
        self.integration = integration
        self.call = call
        self.failures = Failures(integration.name, integration.settings.silent)
        self.log = RunLogger(run, integration.settings, self.failures)
        self.part = self.failures.kept_from_training

    @abstractmethod
    def begin(self) -> None:
        """Before the call."""

    @abstractmethod
    def end(self, result: Any) -> None:
        """After it, with what it has returned."""


Kind = Callable[[Integration, ActiveRun, Call], Training]


def logged_by(integration: Integration, kind: Kind, *, name: str = "", joined_by: str = "") -> Replacement:
    """What a function that trains is replaced with, so that its calls are logged.

    kind: makes what logs a call. name: what calls are known as to those that let them join. joined_by: the name of
    those within a call of this one that are logged as well.
    """

    def replacement(original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return train(integration, kind, Scope(name=name, joined_by=joined_by), original, args, kwargs)

    return replacement


def train(
    integration: Integration,
    kind: Kind,
    inner: Scope,
    original: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """Make a call that trains; its result, or its exception. It is logged if it is not part of another that is."""
    outer = scope()
    if not integration.is_on or not (outer is None or outer.admits(inner)):
        return original(*args, **kwargs)
    failures = Failures(integration.name, integration.settings.silent)
    run, is_ours = (outer.run, False) if outer else _run_for(integration, failures)
    if run is None:
        return original(*args, **kwargs)
    here = inner.within(run, outer)
    status = RunStatus.FAILED
    try:
        with entered(here):
            training = _begun(
                lambda: kind(integration, run, Call(original, args, kwargs, is_part=bool(outer))), here, failures
            )
            if training is None:
                result = original(*args, **kwargs)
            else:
                result = original(*training.call.args, **training.call.kwargs)
            status = RunStatus.FINISHED
            _ended(training, result)
            return result
    finally:
        if is_ours:
            with failures.kept_from_training("the end of the run"):
                run.end(status)


def _run_for(integration: Integration, failures: Failures) -> tuple[ActiveRun | None, bool]:
    """The run to log to, and whether it begins here; no run if none can begin, or the active one is not to be used."""
    settings = integration.settings
    with failures.kept_from_training("the run"):
        if active := active_run():
            return (None if settings.exclusive else active), False
        return start_run(tags={**library_tag(integration), **settings.extra_tags}), True
    return None, False


def library_tag(integration: Integration) -> dict[str, str]:
    """Which library logs to a run that begins here."""
    return {AUTOLOGGING_TAG: integration.tag or integration.name}


def _begun(make: Callable[[], Training], here: Scope, failures: Failures) -> Training | None:
    made: list[Training] = []
    with failures.kept_from_training("what is known before training"), quiet():
        made.append(make())
        made[0].log.last_points = here.last_points
        made[0].begin()
    return made[0] if made else None


def _ended(training: Training | None, result: Any) -> None:
    if training is not None:
        with training.part("what is known after training"), quiet():
            training.end(result)
