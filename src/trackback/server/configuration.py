"""The server's settings as texts that may be shown: without passwords and keys."""

from urllib.parse import urlsplit

import msgspec

from trackback.server.settings import Settings
from trackback.services.configuration import Setting

_HIDDEN = "…"
_IN_SECONDS = "_s"


def shown_settings(settings: Settings) -> list[Setting]:
    """By the names of the flags that they are given by, in their order."""
    return [Setting(_flag(name), _text(value)) for name, value in msgspec.structs.asdict(settings).items()]


def _flag(name: str) -> str:
    return "--" + name.removesuffix(_IN_SECONDS).replace("_", "-")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return without_secrets(value) if isinstance(value, str) else str(value)


def without_secrets(text: str) -> str:
    """A URI without its user's password, and without a query, which may have keys in it; other texts as they are."""
    if "://" not in text:
        return text
    parts = urlsplit(text)
    user, at, place = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    hidden = f":{_HIDDEN}" if colon else ""
    query = f"?{_HIDDEN}" if parts.query else ""
    return f"{parts.scheme}://{name}{hidden}{at}{place}{parts.path}{query}"
