"""Numbers in paths of pages: of promotions, deployments and what waits."""

from starlette.requests import Request

from trackback.errors import InvalidParameter
from trackback.limits import INT64_MAX, shown

_DIGITS = 19


def path_number(request: Request, name: str, what: str) -> int:
    """Raises InvalidParameter for what is none; ``what`` is how the page calls it."""
    return parsed_number(request.path_params[name], what)


def parsed_number(text: str, what: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) <= INT64_MAX:
        return int(text)
    raise InvalidParameter(f"Invalid number of {what}: {shown(text)}.")
