"""What is to be logged, by MLflow's names."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of one library. A library that has more to choose derives from this.

    log_input_examples: keep the first rows of the training data with the model.
    log_model_signatures: infer the model's signature from them.
    log_models: log the model that was trained.
    log_datasets: log the data that it was trained on, by the digest of its content.
    exclusive: leave a run alone that the program has begun.
    silent: say nothing of what could not be logged.
    registered_model_name: register each model as a new version of this one.
    extra_tags: of runs that are begun here.
    """

    log_input_examples: bool = False
    log_model_signatures: bool = True
    log_models: bool = True
    log_datasets: bool = True
    exclusive: bool = False
    silent: bool = False
    registered_model_name: str | None = None
    extra_tags: Mapping[str, object] = field(default_factory=dict)
