"""GitLab: a promotion triggers a pipeline, and is told to it in variables.

https://docs.gitlab.com/api/pipeline_triggers/#trigger-a-pipeline-with-a-token
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from trackback.services.webhook_targets.interface import Happening, Message, Options, Target, no_url

_VARIABLES = (
    "seq",
    "kind",
    "environment",
    "stream",
    "name",
    "version",
    "run_id",
    "digest",
    "actor",
    "reason",
    "replaced",
)


class GitLab(Target):
    required = ("project",)
    defaults = {"ref": "main", "api": "https://gitlab.com/api/v4"}  # noqa: RUF012 - a ClassVar
    needs_credential = True

    def url(self, given: str, options: Options) -> str:
        no_url(given)
        return f"{options['api'].rstrip('/')}/projects/{quote(options['project'], safe='')}/trigger/pipeline"

    def body(self, happening: Happening, options: Options) -> str:
        told = {"ref": options["ref"], "variables": _variables(happening.data)}
        return msgspec.json.encode(told).decode()

    def message(self, body: str, credential: str) -> Message:
        told = msgspec.json.decode(body)
        fields = {f"variables[{name}]": value for name, value in told["variables"].items()}
        form = urlencode({"token": credential, "ref": told["ref"], **fields})
        return Message(form.encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def _variables(promotion: Mapping[str, Any]) -> dict[str, str]:
    known = {name: promotion.get(name) for name in _VARIABLES}
    return {f"TRACKBACK_{name.upper()}": "" if value is None else str(value) for name, value in known.items()}
