"""How the log is written: as text for people, or one JSON object a line."""

import logging
import time
from typing import Any

import msgspec

from trackback.server.settings import Settings

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object; what a call gave as ``extra`` become its fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update((name, value) for name, value in vars(record).items() if name not in _ORDINARY)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(fields, enc_hook=repr).decode()


def configure_logs(settings: Settings) -> None:
    """Send the log to standard error. Lines for each request are written as JSON only, or at level debug."""
    handler = logging.StreamHandler()
    if settings.json_logs:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # uvicorn's messages are about itself; what it says of errors is worth having.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # httpx names every URL that it asks for, and those of webhooks may be secrets.
    logging.getLogger("httpx").setLevel(logging.WARNING)


def logs_requests(settings: Settings) -> bool:
    return settings.json_logs or settings.log_level == "debug"
