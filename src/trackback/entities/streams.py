"""Streams: whose promotions, policies, grants or deployments something is.

``models/3`` is the registered model of that id and ``experiments/12`` the experiment, whatever they are called by now.
"""

from enum import StrEnum
from typing import NamedTuple

ALL_MODELS = "*"
"""In the place of a stream, of a policy for all registered models."""


class StreamKind(StrEnum):
    MODEL = "models"
    EXPERIMENT = "experiments"


class Stream(NamedTuple):
    kind: StreamKind
    number: int

    @property
    def uri(self) -> str:
        """How people name an experiment; a model is named by its name."""
        return f"{self.kind}:/{self.number}"


def model_stream(model: int) -> str:
    return f"{StreamKind.MODEL}/{model}"


def experiment_stream(experiment: int) -> str:
    return f"{StreamKind.EXPERIMENT}/{experiment}"


def parse_stream(text: str) -> Stream:
    """What ``model_stream`` or ``experiment_stream`` has made. ValueError for anything else."""
    kind, _, number = text.partition("/")
    return Stream(StreamKind(kind), int(number))
