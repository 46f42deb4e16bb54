"""Texts that may be URLs: what people type, what runs were logged with, what browsers say they come from."""

from urllib.parse import SplitResult, urlsplit


def parted(text: str) -> SplitResult | None:
    """The parts of a URL; None for what is none: a bracket in its host is not closed, or its port is no number."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # which is looked at no sooner
    except ValueError:
        return None
    return parts
