"""How the pages write what they show. Templates know these as filters, by their names."""

import json
import math
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime
from zlib import crc32

from trackback.entities import Param, Tag

_SECOND_MS, _MINUTE_MS, _HOUR_MS, _DAY_MS = 1000, 60_000, 3_600_000, 86_400_000
_LATEST_MS = 253_402_300_799_000  # the end of the year 9999
_DIGEST_SHOWN = 12
_HUES = 6
_HUE_OF = {"production": 0, "staging": 1}
_OUTCOMES = {
    "good": ("FINISHED", "READY", "LOGGED_MODEL_READY", "PASSED", "SUCCEEDED", "DELIVERED", "ACTIVE", "LIVE"),
    "bad": (
        *("FAILED", "LOGGED_MODEL_UPLOAD_FAILED", "UPLOAD_FAILED", "FAILED_REGISTRATION", "CANCELLED", "DELETED"),
        *("DISABLED", "REVOKED"),
    ),
    "warn": ("KILLED", "EXPIRED", "PENDING", "WAITING"),
    "busy": ("RUNNING", "LOGGED_MODEL_PENDING", "PENDING_REGISTRATION", "BUILDING"),
}
_OUTCOME_OF = {word: outcome for outcome, words in _OUTCOMES.items() for word in words}
_DISTANCES = (
    *((60, "sec.", ""), (60, "min.", ""), (24, "hr.", ""), (30, "day", "yesterday"), (12, "mo.", "last mo.")),
    (math.inf, "yr.", "last yr."),
)
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def moment(time_ms: int | None) -> str:
    """``2026-11-23 16:15:44``, in UTC."""
    if time_ms is None:
        return ""
    if not 0 <= time_ms <= _LATEST_MS:
        return f"{time_ms} ms"
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(time_ms: int) -> str:
    """For the attribute ``datetime``; empty for what is no date."""
    if not 0 <= time_ms <= _LATEST_MS:
        return ""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(milliseconds: int | None) -> str:
    """The two largest units that say something: ``2h 05min``, ``3min 07s``, ``1.4s``, ``32ms``."""
    if milliseconds is None or milliseconds < 0:
        return ""
    if milliseconds < _SECOND_MS:
        return f"{milliseconds}ms"
    if milliseconds < _MINUTE_MS:
        return f"{milliseconds / _SECOND_MS:.1f}s"
    if milliseconds < _HOUR_MS:
        return f"{milliseconds // _MINUTE_MS}min {milliseconds % _MINUTE_MS // _SECOND_MS:02d}s"
    if milliseconds < _DAY_MS:
        return f"{milliseconds // _HOUR_MS}h {milliseconds % _HOUR_MS // _MINUTE_MS:02d}min"
    return f"{milliseconds // _DAY_MS}d {milliseconds % _DAY_MS // _HOUR_MS:02d}h"


def since(time_ms: int, now_ms: int) -> str:
    """``5 min. ago``, ``yesterday``: as the script of the pages writes it, which keeps it up to date."""
    distance = abs(now_ms - time_ms) / _SECOND_MS
    units = iter(_DISTANCES)
    size, unit, one = next(units)
    while distance >= size:
        distance /= size
        size, unit, one = next(units)
    count = math.ceil(distance - 0.5) if time_ms <= now_ms else math.floor(distance + 0.5)  # as JavaScript rounds
    if count == 0:
        return "now"
    if time_ms > now_ms:
        return f"in {count} {unit if count == 1 or unit != 'day' else 'days'}"
    if count == 1 and one:
        return one
    return f"{count} {unit if count == 1 or unit != 'day' else 'days'} ago"


def number(value: float) -> str:
    """Six significant digits; whole numbers below a thousand million as they are."""
    if math.isnan(value):
        return "NaN"
    if abs(value) < 1e9 and value == int(value):
        return str(int(value))
    return f"{value:.6g}"


def size(byte_count: int | None) -> str:
    """``17 B``, ``4.2 kB``: in steps of 1,000, as disks are sold."""
    if byte_count is None:
        return ""
    if byte_count < 1000:
        return f"{byte_count} B"
    power = min(int(math.log10(byte_count)) // 3, len(_UNITS) - 1)
    return f"{byte_count / 1000**power:.1f} {_UNITS[power]}"


def by_key(items: Iterable[Param | Tag]) -> dict[str, str]:
    return {item.key: item.value for item in items}


def short(digest: str) -> str:
    """The first digits of a digest or commit, without the name of what made it."""
    return digest.rpartition(":")[2][:_DIGEST_SHOWN]


def hue(environment: str) -> str:
    """The class of an environment's colour: always the same for a name."""
    number = _HUE_OF.get(environment, 2 + crc32(environment.encode()) % (_HUES - 2))
    return f"hue-{number}"


def pretty(value: object) -> str:
    """JSON, as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def python_text(text: str) -> str:
    """As Python has it, between quotes: whatever is in a name, code that is copied says no more than the name."""
    return json.dumps(text, ensure_ascii=False) if text.isprintable() else repr(text)


def shell_word(text: str) -> str:
    """As a shell takes it, for one word."""
    return shlex.quote(text)


def outcome(status: str) -> str:
    """What a status means: good, bad, warn, busy, or nothing of these."""
    return _OUTCOME_OF.get(status.upper(), "")


FILTERS = (
    *(by_key, duration, hue, iso, moment, number, outcome, pretty),
    *(python_text, shell_word, short, since, size),
)
