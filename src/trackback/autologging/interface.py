"""What an integration is: where a library trains, and what is logged of it there."""

from abc import ABC, abstractmethod
from types import ModuleType
from typing import ClassVar

from trackback.autologging.patches import Patches
from trackback.autologging.settings import Settings


class Integration(ABC):
    """Of one library. A subclass imports its library inside its methods only, when somebody else has imported it.

    ``name``: as users call it. ``tag``: as runs have it in the tag ``mlflow.autologging``, if that is another.
    ``modules``: the packages whose imports it waits for. ``kind_of_settings``: what there is to choose; ``settings`` is
    what was chosen last. ``is_on``: what it has put into the library does nothing more where that is False.
    """

    name: ClassVar[str]
    tag: ClassVar[str] = ""
    modules: ClassVar[tuple[str, ...]]
    kind_of_settings: ClassVar[type[Settings]] = Settings

    def __init__(self) -> None:
        self.settings = self.kind_of_settings()
        self.is_on = False

    @abstractmethod
    def patch(self, module: ModuleType, patches: Patches) -> None:
        """``module``, which is one of ``modules`` or below one, is imported: replace what is to be watched in it.

        Import nothing here: somebody else may be in the middle of it.

        It is called for each of them once, when it is imported or, if it was before, when the integration is turned on.
        """
