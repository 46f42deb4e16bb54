"""What the server was told when it started, for those who use it: nothing here can be changed while it runs."""

from collections.abc import Sequence
from typing import NamedTuple

from trackback.entities import Actor, Permission
from trackback.services import access
from trackback.services.promotion_rules import Environments, PromotionRule


class Setting(NamedTuple):
    """``name`` is that of the flag; ``value`` has no secret in it."""

    name: str
    value: str


class Configuration:
    """``environments``: their names, in the order that models go through; ``rules``: which tags promote a run."""

    def __init__(self, environments: Environments, settings: Sequence[Setting] = ()) -> None:
        self.environments = environments.names
        self.rules: tuple[PromotionRule, ...] = environments.rules
        self._settings = tuple(settings)

    def settings(self, actor: Actor) -> tuple[Setting, ...]:
        """All flags, for admins: where the server keeps what it keeps is nobody else's business."""
        access.require(actor, Permission.ADMIN)
        return self._settings
