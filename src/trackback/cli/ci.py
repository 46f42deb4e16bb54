"""What CI says of itself in the environment of a job."""

import os
import re

# Which systems say by which variables that they run us.
_SYSTEMS = {"GO_PIPELINE_NAME": "gocd", "GITHUB_ACTIONS": "github", "GITLAB_CI": "gitlab"}
_OF_PACKAGE = re.compile(r"GO_PACKAGE_.+_PROMOTION")


def system() -> str:
    """The name of the system that runs us; empty if that is not known."""
    return next((name for variable, name in _SYSTEMS.items() if os.environ.get(variable)), "")


def promotion() -> int | None:
    """The promotion that GoCD's pipeline has as a material, if it has one: GoCD puts no variable into another."""
    found = {value for name, value in os.environ.items() if _OF_PACKAGE.fullmatch(name)}
    number = found.pop() if len(found) == 1 else ""
    return int(number) if number.isascii() and number.isdigit() and int(number) else None
