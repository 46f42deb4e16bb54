"""Where this user's own files are kept, as the XDG base directories say."""

import os
from collections.abc import Mapping
from pathlib import Path


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """For what is to last: ``trackback`` below ``XDG_STATE_HOME``, by default in ``~/.local/state``."""
    return Path(environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "trackback"
