"""Filter text -> tokens."""

import re
from enum import Enum, auto
from typing import NamedTuple

from trackback.limits import shown
from trackback.search.errors import InvalidSearch

# What lists of 10,000 run ids need, and a bound on the time that a hostile text takes.
MAX_LENGTH = 500_000
MAX_TOKENS = 50_000


class TokenKind(Enum):
    WORD = auto()  # an unquoted name, key or number; dots are part of it
    QUOTED = auto()
    COMPARATOR = auto()
    OPEN = auto()
    CLOSE = auto()
    COMMA = auto()
    END = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    IN = auto()
    IS = auto()
    NULL = auto()
    LIKE = auto()
    ILIKE = auto()


class Token(NamedTuple):
    kind: TokenKind
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def content(self) -> str:
        """What a QUOTED token has between its quotes. As in MLflow nothing is an escape: `'it''s'` is it''s."""
        return self.text[1:-1]

    def __str__(self) -> str:
        return "the end" if self.kind is TokenKind.END else shown(self.text, 60)


_KINDS = {kind.name: kind for kind in TokenKind}
_KEYWORDS = {kind.name: kind for kind in TokenKind if kind.value >= TokenKind.AND.value}

# The groups are named for the kinds.
_TOKEN = re.compile(
    r"""
    \s* (?:
        (?P<WORD> [\w./:+-]+ )
      | (?P<COMPARATOR> [<>=!~]+ )
      | (?P<QUOTED> '(?:''|[^'])*+' | "(?:""|[^"])*+" | `(?:``|[^`])*+` )
      | (?P<OPEN> \( )
      | (?P<CLOSE> \) )
      | (?P<COMMA> , )
      | (?P<END> \Z )
    )
    """,
    re.VERBOSE,
)


def check_characters(text: str) -> None:
    """Raise InvalidSearch where no database could take ``text``."""
    if len(text) > MAX_LENGTH:
        raise InvalidSearch(f"The text has {len(text)} characters; at most {MAX_LENGTH} are read", text, MAX_LENGTH)
    if (nul := text.find("\0")) >= 0:
        raise InvalidSearch("No stored text has a NUL; leave it out", text, nul)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidSearch("Half of a surrogate pair is no character; leave it out", text, error.start) from None


def tokenize(text: str, lead: str) -> list[Token]:
    """The tokens of ``text``, the last of them END.

    Raises InvalidSearch, which begins with ``lead``, where a quote is not closed or a character has no meaning.
    """
    check_characters(text)
    tokens, position = _read(text)
    if tokens and tokens[-1].kind is TokenKind.END:
        return tokens
    raise _unreadable(text, position, lead)


def leading_tokens(text: str) -> tuple[list[Token], int]:
    """The tokens of a text that may be unfinished, without END; and where it can't be read on, or ends."""
    check_characters(text)
    tokens, position = _read(text)
    if tokens and tokens[-1].kind is TokenKind.END:
        return tokens[:-1], len(text)
    while text[position].isspace():
        position += 1
    return tokens, position


def _read(text: str) -> tuple[list[Token], int]:
    """The tokens up to where none can be read, and that place; the last one is END if that is at the end."""
    tokens: list[Token] = []
    position = 0
    while match := _TOKEN.match(text, position):
        group = match.lastgroup or ""
        kind, content, position = _KINDS[group], match[group], match.end()
        if kind is TokenKind.WORD:
            kind = _KEYWORDS.get(content.upper(), kind)
        tokens.append(Token(kind, content, position - len(content)))
        if len(tokens) > MAX_TOKENS:
            raise InvalidSearch(f"The text has more than {MAX_TOKENS} words and signs", text, tokens[-1].start)
        if kind is TokenKind.END:
            break
    return tokens, position


def _unreadable(text: str, position: int, lead: str) -> InvalidSearch:
    while text[position].isspace():
        position += 1
    match character := text[position]:
        case "'" | '"' | "`":
            hint = "the quote is not closed; a text that contains one goes in quotes of the other kind"
        case ";":
            hint = "Search filter contained multiple expressions; join comparisons with AND"
        case _:
            hint = "a key with such a character goes in backticks, a text in quotes"
    return InvalidSearch(f"{lead}: {shown(character)}: {hint}", text, position)
