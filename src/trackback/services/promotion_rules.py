"""Environments, and the rules by which a tag on a run promotes it: what the server is told when it starts."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from trackback import limits
from trackback.entities import Stage
from trackback.errors import ConfigurationError, InvalidParameter
from trackback.limits import shown

ENVIRONMENT_LENGTH = 64

STAGES = {"staging": Stage.STAGING, "production": Stage.PRODUCTION}
"""The environments that MLflow's stages are."""

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_RULE = re.compile(r"(?:(?P<experiment>\d+):)?(?P<key>[^=]+)=(?P<value>.*?)(?:->(?P<environment>[^>]*))?")


class PromotionRule(NamedTuple):
    """A run of ``experiment`` (None: of any) is promoted to ``environment`` while its tag ``key`` is ``value``."""

    experiment: int | None
    key: str
    value: str
    environment: str


class Environments:
    """The names of the environments, in the order that models go through them, and the rules for tags.

    Raises ConfigurationError for names or rules that are not valid. A rule reads ``KEY=VALUE``, or
    ``EXPERIMENT_ID:KEY=VALUE->ENVIRONMENT``; without an environment it is the first.
    """

    def __init__(self, names: Sequence[str], rules: Sequence[str]) -> None:
        if not names:
            raise ConfigurationError("There must be at least one environment.")
        for name in names:
            if not _NAME.fullmatch(name) or len(name) > ENVIRONMENT_LENGTH or name == "latest":
                raise ConfigurationError(
                    f"Invalid environment {shown(name)}: a name begins with a letter from a to z, has no others than "
                    f"a-z, 0-9, _ and -, at most {ENVIRONMENT_LENGTH} characters, and is not 'latest'."
                )
            if names.count(name) > 1:
                raise ConfigurationError(f"The environment {shown(name)} is given twice.")
        self.names = tuple(names)
        self.rules = tuple(self._rule(text) for text in rules)

    def check(self, name: str) -> str:
        """``name``, if it is that of an environment; InvalidParameter otherwise."""
        if name not in self.names:
            limits.check_text(name, "environment")
            raise InvalidParameter(
                f"There is no environment {shown(name)}. This server has {', '.join(self.names)}, in this order."
            )
        return name

    def stage_of(self, held: Sequence[str]) -> Stage | None:
        """The stage of a version that holds these environments: that of the last one; None if none is a stage."""
        stages = [STAGES[name] for name in self.names if name in held and name in STAGES]
        return stages[-1] if stages else None

    def of_stage(self, stage: Stage) -> str | None:
        """The environment that a stage is, if this server has it."""
        return next((name for name in self.names if STAGES.get(name) is stage), None)

    def after(self, name: str | None) -> tuple[str, ...]:
        """The environments that come after one; all of them after None."""
        return self.names if name is None else self.names[self.names.index(name) + 1 :]

    def _rule(self, text: str) -> PromotionRule:
        if (match := _RULE.fullmatch(text)) is None:
            raise ConfigurationError(
                f"Invalid promotion rule {shown(text)}: write KEY=VALUE, or EXPERIMENT_ID:KEY=VALUE->ENVIRONMENT."
            )
        environment = self.names[0] if match["environment"] is None else match["environment"].strip()
        if environment not in self.names:
            raise ConfigurationError(
                f"The promotion rule {shown(text)} leads to {shown(environment)}, which is no environment: this server "
                f"has {', '.join(self.names)}."
            )
        experiment = int(match["experiment"]) if match["experiment"] else None
        return PromotionRule(experiment, match["key"].strip(), match["value"].strip(), environment)
