"""How a stage of delivery ends, as CI is told: by the exit code."""

from enum import IntEnum

from trackback.errors import (
    AlreadyExists,
    BadRequest,
    CheckFailed,
    Conflict,
    InvalidParameter,
    InvalidState,
    NotFound,
    TooLarge,
    TrackbackError,
    UntrustedModel,
)


class ExitCode(IntEnum):
    """docs/reference/deliver.md has them in a table."""

    PASSED = 0
    FAILED = 1
    """The stage did what it is for, and what it found is bad: a check failed, a deployment did not become healthy."""
    INPUT = 2
    """An option, a file or what is to be delivered is not as it should be: to do the same again ends the same."""
    UNABLE = 3
    """It could not be done: a server is away or refused, a tool is missing, a disk is full. To be tried again."""
    INTERRUPTED = 130
    """By Ctrl-C; 143 by SIGTERM."""


_INPUT = (
    InvalidParameter,
    BadRequest,
    AlreadyExists,
    InvalidState,
    NotFound,
    Conflict,
    TooLarge,
    UntrustedModel,
)


def exit_code_of(error: TrackbackError) -> ExitCode:
    """The exit code of a stage that an error ended."""
    if isinstance(error, CheckFailed):
        return ExitCode.FAILED
    return ExitCode.INPUT if isinstance(error, _INPUT) else ExitCode.UNABLE
