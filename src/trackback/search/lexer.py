"""Filter text -> tokens."""

import re
from enum import Enum, auto
from typing import NamedTuple

from trackback.search.errors import InvalidSearch, shown

MAX_LENGTH = 500_000  # characters: room for MAX_VALUES run ids, and a bound on the time a hostile text takes


class TokenKind(Enum):
    WORD = auto()  # an unquoted name, key or number; a dot is part of it
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
    def unquoted(self) -> str:
        """What stands between the quotes, as it is: MLflow has no escapes, a doubled quote stays doubled."""
        return self.text[1:-1]

    def __str__(self) -> str:
        return "the end" if self.kind is TokenKind.END else shown(self.text)


_KEYWORDS = {
    kind.name: kind
    for kind in (
        TokenKind.AND,
        TokenKind.OR,
        TokenKind.NOT,
        TokenKind.IN,
        TokenKind.IS,
        TokenKind.NULL,
        TokenKind.LIKE,
        TokenKind.ILIKE,
    )
}
_PUNCTUATION = {"(": TokenKind.OPEN, ")": TokenKind.CLOSE, ",": TokenKind.COMMA}

_TOKEN = re.compile(
    r"""
    \s* (?:
        (?P<word> [\w./:+-]+ )
      | (?P<comparator> [<>=!~]+ )
      | (?P<quoted> '[^']*(?:''[^']*)*' | "[^"]*(?:""[^"]*)*" | `[^`]*(?:``[^`]*)*` )
      | (?P<punctuation> [(),] )
      | (?P<end> \Z )
    )
    """,
    re.VERBOSE,
)


def tokenize(text: str) -> list[Token]:
    """The tokens of ``text``, the last of them END.

    Raises InvalidSearch where a quote is not closed or a character has no meaning.
    """
    _check_text(text)
    tokens: list[Token] = []
    position = 0
    while match := _TOKEN.match(text, position):
        group = match.lastgroup or ""
        content, start, position = match[group], match.start(group), match.end()
        tokens.append(Token(_kind(group, content), content, start))
        if group == "end":
            return tokens
    raise _unreadable(text, position)


def _kind(group: str, content: str) -> TokenKind:
    match group:
        case "word":
            return _KEYWORDS.get(content.upper(), TokenKind.WORD)
        case "punctuation":
            return _PUNCTUATION[content]
        case "comparator":
            return TokenKind.COMPARATOR
        case "quoted":
            return TokenKind.QUOTED
        case _:
            return TokenKind.END


def _check_text(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise InvalidSearch(f"The text has {len(text)} characters; at most {MAX_LENGTH} are read", text, MAX_LENGTH)
    if (nul := text.find("\0")) >= 0:
        raise InvalidSearch("No stored text contains the character NUL: leave it out", text, nul)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidSearch("Half of a surrogate pair is no character: leave it out", text, error.start) from None


def _unreadable(text: str, position: int) -> InvalidSearch:
    while text[position].isspace():
        position += 1
    character = text[position]
    if character in "'\"`":
        hint = f"the quote is not closed; a text that contains {character} goes in quotes of the other kind"
    elif character == ";":
        hint = "Search filter contained multiple expressions; join them with AND"
    else:
        hint = "a key with such a character goes in backticks, a text in quotes"
    return InvalidSearch(f"Invalid clause(s) in filter string: {shown(character)}: {hint}", text, position)
