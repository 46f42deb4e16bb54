"""What could come next at a place in a filter, of which only the part before it is read."""

from enum import StrEnum
from typing import NamedTuple

from trackback.search.errors import InvalidSearch
from trackback.search.lexer import Token, TokenKind, leading_tokens
from trackback.search.reader import Reader
from trackback.search.syntax import Field
from trackback.search.targets import Target

_QUOTES = "'\"`"
_WORDS = frozenset({TokenKind.WORD, TokenKind.QUOTED})


class Wanted(StrEnum):
    FIELD = "field"
    OPERATOR = "operator"
    VALUE = "value"
    CONNECTIVE = "connective"
    NOTHING = "nothing"


class Place(NamedTuple):
    """``wanted`` goes where the text from ``start`` to the place is. ``typed`` is what of it is there, without quotes;
    ``field`` is the one that an operator or a value is for.
    """

    wanted: Wanted
    start: int
    typed: str
    field: Field | None = None


class _Reading(NamedTuple):
    """``field`` are the tokens of the field that was named last."""

    wanted: Wanted
    field: tuple[Token, ...] = ()
    in_list: bool = False


def place_in(text: str, position: int, target: Target) -> Place:
    """What the filter ``text`` lacks at ``position``, a number of characters into it."""
    before = text[:position]
    tokens, start = leading_tokens(before)
    if start < len(before) and before[start] not in _QUOTES:
        return Place(Wanted.NOTHING, position, "")
    if start == len(before) and tokens and tokens[-1].end == start and _may_go_on(tokens[-1]):
        start = tokens.pop().start
    if tokens and tokens[-1].text.endswith(".") and tokens[-1].end == start:
        start = tokens.pop().start  # metrics.`val
    reading = _Reading(Wanted.FIELD)
    for token in tokens:
        reading = _after(reading, token)
    typed = before[start:]
    if reading.wanted in (Wanted.FIELD, Wanted.CONNECTIVE):
        return Place(reading.wanted, start, typed)
    if (field := _field(reading.field, target)) is None:
        return Place(Wanted.NOTHING, position, "")
    return Place(reading.wanted, start, typed.lstrip(_QUOTES), field)


def _may_go_on(token: Token) -> bool:
    """Whether the next letter would be part of the token: keywords may be names that have only begun."""
    return token.kind in (TokenKind.WORD, TokenKind.COMPARATOR) or token.text.isalpha()


def _after(reading: _Reading, token: Token) -> _Reading:
    match reading.wanted:
        case Wanted.FIELD if token.kind in _WORDS:
            return reading._replace(wanted=Wanted.OPERATOR, field=(*reading.field, token))
        case Wanted.FIELD:
            return _Reading(Wanted.FIELD)
        case Wanted.OPERATOR:
            return _after_field(reading, token)
        case Wanted.VALUE if not reading.in_list or token.kind is TokenKind.CLOSE:
            return _Reading(Wanted.CONNECTIVE)
        case Wanted.CONNECTIVE if token.kind in (TokenKind.AND, TokenKind.OR):
            return _Reading(Wanted.FIELD)
        case _:
            return reading


def _after_field(reading: _Reading, token: Token) -> _Reading:
    match token.kind:
        case TokenKind.OPEN:  # of a function, whose field comes now
            return _Reading(Wanted.FIELD, (*reading.field, token))
        case TokenKind.CLOSE | TokenKind.WORD | TokenKind.QUOTED:
            return reading._replace(field=(*reading.field, token))
        case TokenKind.COMPARATOR | TokenKind.LIKE | TokenKind.ILIKE:
            return reading._replace(wanted=Wanted.VALUE)
        case TokenKind.IN:
            return reading._replace(wanted=Wanted.VALUE, in_list=True)
        case TokenKind.NULL:
            return _Reading(Wanted.CONNECTIVE)
        case _:
            return reading


def _field(tokens: tuple[Token, ...], target: Target) -> Field | None:
    """The field of the name that the tokens are, where they are one."""
    try:
        return Reader("".join(token.text for token in tokens), target, "").field()
    except InvalidSearch:
        return None
