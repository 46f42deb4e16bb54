"""Times in requests: milliseconds since the epoch, or ISO 8601."""

from datetime import UTC, datetime

from trackback import limits
from trackback.errors import InvalidParameter
from trackback.limits import shown


def parse_time_ms(text: str, what: str) -> int:
    """``1795450952543`` or ``2026-11-01T00:00:00Z``, in milliseconds; without a zone, UTC is meant.

    Raises InvalidParameter for anything else, and for times before 1970.
    """
    if text.isascii() and text.isdigit() and len(text) < 20:
        return limits.check_timestamp(int(text), what)
    try:
        time = datetime.fromisoformat(text)
        moment = time if time.tzinfo else time.replace(tzinfo=UTC)
        return limits.check_timestamp(round(moment.timestamp() * 1000), what)
    except (ValueError, OverflowError):
        raise InvalidParameter(
            f"Invalid value {shown(text)} for parameter '{what}' supplied: it must be a time, as "
            "2026-11-01T00:00:00Z, or in milliseconds since the epoch."
        ) from None
