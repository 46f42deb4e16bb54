"""Processes that end with the one that has started them, however that does. Linux only; elsewhere they stay."""

import ctypes
import os
import sys
from contextlib import suppress
from signal import SIGKILL, Signals

_PR_SET_PDEATHSIG = 1


def end_with_parent(by: Signals) -> None:
    """Have the kernel send this process a signal when its parent has ended."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)


def end_with(parent: int) -> None:
    """End this process, which ``parent`` has started, as soon as that has ended; at once, if it has by now."""
    end_with_parent(SIGKILL)
    if sys.platform == "linux" and os.getppid() != parent:
        os._exit(1)
