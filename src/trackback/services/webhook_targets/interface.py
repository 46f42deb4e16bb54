"""What a target of webhooks is: how it is configured, what it is told, and in which form."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from trackback.errors import InvalidParameter
from trackback.limits import shown

Options = Mapping[str, str]


class Happening(NamedTuple):
    """Something to tell: ``event`` is ``<entity>.<action>``."""

    event: str
    data: Mapping[str, Any]
    time_ms: int


class Message(NamedTuple):
    """The body of a request, and those of its headers that depend on the target."""

    content: bytes
    headers: dict[str, str]


class Target(ABC):
    """``required``: the options that it can't do without; ``defaults``: the others, and what they are if not given."""

    required: ClassVar[tuple[str, ...]] = ()
    defaults: ClassVar[Options] = {}
    needs_credential: ClassVar[bool] = False
    only_promotions: ClassVar[bool] = True

    def complete(self, options: Options) -> dict[str, str]:
        """All options, with defaults. Raises InvalidParameter if one is missing, or is none of this target's."""
        for name in options:
            if name not in self.required and name not in self.defaults:
                known = ", ".join((*self.required, *self.defaults)) or "none"
                raise InvalidParameter(f"Invalid option {shown(name)}: this target's options are: {known}.")
        complete = {**self.defaults, **{name: value for name, value in options.items() if value}}
        for name in self.required:
            if name not in complete:
                raise InvalidParameter(f"Missing value for the option '{name}', which this target needs.")
        return complete

    @abstractmethod
    def url(self, given: str, options: Options) -> str:
        """Where to send: the URL that was given, or what the complete options come to."""

    @abstractmethod
    def body(self, happening: Happening, options: Options) -> str:
        """What is told of something, as JSON. It is kept in the history, so there is no secret in it."""

    @abstractmethod
    def message(self, body: str, credential: str) -> Message:
        """The request that says it."""


def no_url(given: str) -> None:
    """InvalidParameter if a URL was given to a target that makes its own."""
    if given:
        raise InvalidParameter(
            f"Invalid value {shown(given)} for parameter 'url' supplied: this target makes its URL from its options; "
            "for a server of your own give the option 'api'."
        )
