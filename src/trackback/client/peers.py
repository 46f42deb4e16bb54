"""Kinds of servers that are spoken to: what is said where an exchange with one fails."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from trackback.client.refusals import no_answer, refusal
from trackback.errors import TrackbackError


class Peer(NamedTuple):
    """What is said of one kind.

    refusal: the error, or the failure, that an answer of 300 or more is, by its request, status, headers and body.
    no_answer: the error for a good status whose body is not the answer, by the request, status, body and what is wrong.
    unknown_host, no_server: what to do where the host has no address, and where nothing answers there.
    """

    refusal: Callable[[str, int, Mapping[str, str], bytes], Exception]
    no_answer: Callable[[str, int, bytes, Exception], TrackbackError]
    unknown_host: str
    no_server: str


TRACKING_SERVER = Peer(
    refusal,
    no_answer,
    unknown_host="Check the tracking URI.",
    no_server="`trackback server` starts one; TRACKBACK_TRACKING_URI says where it is.",
)
