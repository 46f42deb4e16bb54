"""What a form has sent."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.requests import Request

from trackback.errors import BadRequest, InvalidParameter, TooLarge
from trackback.limits import shown
from trackback.server.ui.frame.addresses import parted

MOST_BYTES = 2**20
MOST_FIELDS = 20_000
URLENCODED = "application/x-www-form-urlencoded"


class FormData:
    """Fields and their texts, in the order they came; lines end with a line feed."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields = [(name, text.replace("\r\n", "\n")) for name, text in fields]

    def __contains__(self, name: str) -> bool:
        return any(name == each for each, _ in self._fields)

    def all(self, name: str) -> list[str]:
        """The texts of all fields of that name that have one."""
        return [text for each, text in self._fields if each == name and text]

    def get(self, name: str, otherwise: str = "") -> str:
        """The text of the first field of that name, without space around it."""
        return next((text.strip() for each, text in self._fields if each == name), otherwise)

    def secret(self, name: str) -> str:
        """As it was typed: space is part of a password."""
        return next((text for each, text in self._fields if each == name), "")

    def required(self, name: str, what: str) -> str:
        """Raises InvalidParameter where nothing was filled in; ``what`` is how the page calls it."""
        if text := self.get(name):
            return text
        raise InvalidParameter(f"{what} is missing: fill it in.")

    @property
    def then(self) -> str:
        """The page to go to afterwards, where the form says one."""
        return local(self.get("then")) if "then" in self else ""

    @property
    def back(self) -> str:
        """The page that the form was on."""
        return local(self.get("back"))


def local(url: str) -> str:
    """The URL if it is a path here, else the front page: nobody is to be led elsewhere by a link to us."""
    parts = parted(url) if url.isprintable() and "\\" not in url else None
    if parts and url.startswith("/") and not url.startswith("//") and not parts.netloc and not parts.scheme:
        return url
    return "/"


def page_of(url: str) -> str:
    """The path and query of a URL that a browser says something was on; the front page where there is none."""
    parts = parted(url)
    if parts is None:
        return local("")
    return local(f"{parts.path}?{parts.query}" if parts.query else parts.path)


async def read_form(request: Request) -> FormData:
    """Raises BadRequest for what is no form, TooLarge past ``MOST_BYTES``."""
    if (sent := request.headers.get("content-type", "").partition(";")[0].strip().lower()) != URLENCODED:
        raise BadRequest(f"The pages take forms, as {URLENCODED}, and not {shown(sent)}. Programs use /api/v1.")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise TooLarge(f"A form may have {MOST_BYTES} bytes; this one has more. Send less at once.")
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise BadRequest("The form can't be read: it is not encoded as UTF-8, or has too many fields.") from None
    return FormData(fields)
