"""Training that is logged without being told to: what the calls of libraries train, with what, and how well."""

from trackback.autologging.interface import Integration
from trackback.autologging.patches import Patches
from trackback.autologging.settings import Settings
from trackback.autologging.switches import autolog

__all__ = ["Integration", "Patches", "Settings", "autolog"]
