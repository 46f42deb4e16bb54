"""GitHub: a promotion is a repository_dispatch event, which workflows are triggered by.

https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
"""

import re

import msgspec

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.services.webhook_targets.interface import Happening, Message, Options, Target, no_url

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_LEFT_OUT = ("basis", "snapshots")
"""Of unbounded length, while GitHub takes 64 KiB. Whoever needs them asks for the promotion by its number."""


class GitHub(Target):
    required = ("repository",)
    defaults = {"event_type": "trackback-promotion", "api": "https://api.github.com"}  # noqa: RUF012 - a ClassVar
    needs_credential = True

    def url(self, given: str, options: Options) -> str:
        no_url(given)
        repository = options["repository"]
        if not _REPOSITORY.fullmatch(repository):
            raise InvalidParameter(f"Invalid repository {shown(repository)}: it must be OWNER/NAME.")
        return f"{options['api'].rstrip('/')}/repos/{repository}/dispatches"

    def body(self, happening: Happening, options: Options) -> str:
        promotion = {name: value for name, value in happening.data.items() if name not in _LEFT_OUT}
        told = {"event_type": options["event_type"], "client_payload": {"promotion": promotion}}
        return msgspec.json.encode(told).decode()

    def message(self, body: str, credential: str) -> Message:
        return Message(
            body.encode(),
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {credential}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
