"""A cursor over the tokens of a text, and what filters and orders have in common: the grammar of a field.

    field    = named | function "(" named ")"     min(metrics.loss); also max and last
    named    = name                               an attribute: status, `run name`
             | prefix "." key                     metrics.loss, params.`batch size`, tags."a b", attributes.status

An unquoted key has letters, digits and _ . / : + - only; any other goes in backticks or quotes.
"""

from typing import NoReturn

from trackback.search.domains import is_number
from trackback.search.errors import InvalidSearch
from trackback.search.lexer import Token, TokenKind, tokenize
from trackback.search.syntax import Field
from trackback.search.targets import Target


class Reader:
    """``token`` is the next one. Whatever reads raises InvalidSearch where the text goes wrong.

    ``lead`` begins the message where no better one is known.
    """

    def __init__(self, text: str, target: Target, lead: str) -> None:
        self._text = text
        self._target = target
        self._lead = lead
        self._tokens = tokenize(text, lead)
        self._index = 0
        self.token = self._tokens[0]

    def advance(self) -> Token:
        """The next token, which is then behind; END stays."""
        token = self.token
        if token.kind is not TokenKind.END:
            self._index += 1
            self.token = self._tokens[self._index]
        return token

    def at(self, *kinds: TokenKind) -> bool:
        return self.token.kind in kinds

    def accept(self, kind: TokenKind) -> bool:
        if self.token.kind is not kind:
            return False
        self.advance()
        return True

    def expect(self, kind: TokenKind, wanted: str) -> None:
        if not self.accept(kind):
            self.fail_for_want_of(wanted)

    def fail_for_want_of(self, wanted: str, hint: str = "") -> NoReturn:
        self.fail(f"{self._lead}: expected {wanted}, found {self.token}{hint}", self.token)

    def fail(self, problem: str, token: Token) -> NoReturn:
        raise InvalidSearch(problem, self._text, token.start)

    def field(self) -> Field:
        if self.at(TokenKind.WORD) and self._tokens[self._index + 1].kind is TokenKind.OPEN:
            return self._aggregated()
        return self._named()

    def _aggregated(self) -> Field:
        function = self.advance()
        self.advance()
        field = self._named()
        self.expect(TokenKind.CLOSE, f"')' after {field}")
        try:
            return self._target.aggregated(function.text, field)
        except ValueError as error:
            self.fail(str(error), function)

    def _named(self) -> Field:
        token = self.advance()
        prefix, key = self._parts(token)
        try:
            return self._target.field(prefix, key)
        except ValueError as error:
            self.fail(str(error), token)

    def _parts(self, token: Token) -> tuple[str | None, str]:
        """The prefix, if there is one, and the key of the name that begins with ``token``."""
        if token.kind is TokenKind.WORD and not is_number(token.text):
            prefix, dot, key = token.text.partition(".")
            return (prefix, key or self._quoted_key(token)) if dot else (None, prefix)
        if token.kind is TokenKind.QUOTED and not token.text.startswith("'"):
            if not (self.token.text.startswith(".") and self.token.start == token.end):
                return None, token.content
            rest = self.advance()  # of `params`.x
            return token.content, rest.text[1:] or self._quoted_key(rest)
        self.fail(
            f"Invalid comparison clause. Expected 'Identifier' found {token}: "
            "a field such as metrics.loss, params.lr or an attribute",
            token,
        )

    def _quoted_key(self, before: Token) -> str:
        """The quoted key that directly follows ``before``, which ends with a dot."""
        if not (self.at(TokenKind.QUOTED) and self.token.start == before.end):
            self.fail_for_want_of(f"a key directly after {before}")
        return self.advance().content
