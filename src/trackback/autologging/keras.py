"""Keras 3: ``fit`` of any model, on any backend."""

import copy
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from trackback.autologging.calls import Call
from trackback.autologging.examples import Example
from trackback.autologging.interface import Integration
from trackback.autologging.patches import Patches
from trackback.autologging.run_logger import EVALUATION, TRAINING
from trackback.autologging.settings import Settings
from trackback.autologging.trainings import Training, logged_by
from trackback.errors import InvalidParameter
from trackback.tracking.run import ActiveRun

# Arguments of fit that are no params.
UNLOGGED = frozenset({"self", "x", "y", "callbacks", "validation_data", "verbose"})


@dataclass(frozen=True, kw_only=True)
class KerasSettings(Settings):
    """log_every_epoch: log metrics at the end of each epoch.
    log_every_n_steps: log them every so many steps instead, for which log_every_epoch has to be False.
    """

    log_every_epoch: bool = True
    log_every_n_steps: int | None = None

    def __post_init__(self) -> None:
        if self.log_every_epoch == (self.log_every_n_steps is not None):
            raise InvalidParameter(
                "metrics are logged either every epoch or every n steps: give log_every_n_steps a number, together "
                "with log_every_epoch=False, or neither"
            )
        if self.log_every_n_steps is not None and self.log_every_n_steps < 1:
            raise InvalidParameter(f"log_every_n_steps is a number from 1, not {self.log_every_n_steps}")


class KerasTraining(Training):
    def __init__(self, integration: Integration, run: ActiveRun, call: Call) -> None:
        super().__init__(integration, run, call)
        self.model = call.args[0]
        self.example = Example(None, self.failures)

    def begin(self) -> None:
        given = self.call.all()
        with self.part("params"):
            params = {name: value for name, value in given.items() if name not in UNLOGGED}
            if params.get("batch_size") is None:
                params["batch_size"] = getattr(given.get("x"), "batch_size", None)  # of a loader
            self.log.params(params)
        data = given.get("x")
        if hasattr(data, "shape"):
            with self.part("training data"):
                self.log.dataset(data, TRAINING, targets=given.get("y"))
            self.example = Example(data, self.failures, lambda model, rows: model.predict(rows, verbose=0))
        if isinstance(held_out := given.get("validation_data"), tuple) and hasattr(held_out[0], "shape"):
            with self.part("validation data"):
                self.log.dataset(held_out[0], EVALUATION, targets=held_out[1] if len(held_out) > 1 else None)
        with self.part("metrics of epochs"):
            self._add_callback(given.get("callbacks"))

    def end(self, result: Any) -> None:
        with self.part("the model"):
            if self.log.settings.log_models:
                self.log.link(self.log.model(self.model, self.example).model_id)

    def _add_callback(self, given: Any) -> None:
        """One more than the program has; its own list stays as it is."""
        callback = _callback(self)
        if hasattr(given, "append") and hasattr(given, "callbacks"):  # a CallbackList, which is made ready already
            callback.set_model(self.model)
            callback.set_params(given.params)
            self.call.put("callbacks", _extended(given, callback))
        else:
            more = list(given) if isinstance(given, list | tuple) else [given] if given is not None else []
            self.call.put("callbacks", [*more, callback])


def _extended(given: Any, callback: Any) -> Any:
    extended = copy.copy(given)
    extended.callbacks = [*given.callbacks, callback]
    return extended


def _callback(training: KerasTraining) -> Any:
    """Defined here, as nothing imports Keras before the program does. Without methods for batches it costs none."""
    from keras.callbacks import Callback  # noqa: PLC0415 - whoever trains with it has it

    every: int | None = getattr(training.integration.settings, "log_every_n_steps", None)

    class EpochCallback(Callback):  # type: ignore[misc]
        epoch = 0

        def on_train_begin(self, logs: Any = None) -> None:
            with training.part("the optimizer"):
                config = self.model.optimizer.get_config()
                training.log.params({f"optimizer_{key}": value for key, value in config.items()})
            with training.part("the summary of the model"):
                lines: list[str] = []
                self.model.summary(print_fn=lambda line, *args, **kwargs: lines.append(line))
                training.log.text("\n".join(lines), "model_summary.txt")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if every is None and logs:
                with training.part("metrics of an epoch"):
                    training.log.metrics(logs, step=epoch)

        def on_test_end(self, logs: Any = None) -> None:
            with training.part("metrics of a validation"):
                training.log.metrics({f"validation_{key}": value for key, value in (logs or {}).items()}, self.epoch)

    class StepCallback(EpochCallback):
        steps = 0
        last = -1

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            super().on_epoch_begin(epoch, logs)
            self.last = -1

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            """``batch`` is the last of those that were run at once."""
            before, self.steps, self.last = self.steps, self.steps + batch - self.last, batch
            if logs and every and self.steps // every > before // every:
                with training.part("metrics of a step"):
                    training.log.metrics(logs, step=self.steps)

    return EpochCallback() if every is None else StepCallback()


class KerasIntegration(Integration):
    name = "keras"
    modules = ("keras",)
    kind_of_settings = KerasSettings

    def patch(self, module: ModuleType, patches: Patches) -> None:
        if module.__name__ == "keras":
            patches.method(module.Model, "fit", logged_by(self, KerasTraining), inherited=True)
