"""Filter text -> syntax tree, by recursive descent.

    filter      = disjunction
    disjunction = conjunction {OR conjunction}
    conjunction = {AND} term {AND {AND} term} {AND}    MLflow overlooks an AND too many, and so do we
    term        = {NOT} ( "(" disjunction ")" | comparison )
    comparison  = field operator value                 operators: = != < <= > >= [NOT] LIKE, [NOT] ILIKE
                | field [NOT] IN "(" value {"," value} [","] ")"
                | field IS [NOT] NULL

Keywords are known in any case. A text is in single or double quotes, and what is between them is taken as it is: no
character escapes another. A number has no quotes.

Where MLflow lets a slip pass that finds something else than was meant, this is an error: two comparisons with nothing
between them (it reads AND), a key that is empty or begins after a space, a quote after a backslash within a text, and
for logged models an empty list. Their double quotes, which it takes as part of the text, enclose it here as everywhere.
"""

from trackback.errors import InvalidParameter
from trackback.limits import shown
from trackback.search.domains import PATTERN_LENGTH, is_number
from trackback.search.lexer import Token, TokenKind
from trackback.search.reader import Reader
from trackback.search.syntax import And, Comparison, Field, Node, Operator, Or, Value
from trackback.search.targets import Target

MAX_TERMS = 400
MAX_VALUES = 10_000  # in all lists of a filter together
MAX_DEPTH = 50

_SYMBOLS = {str(operator): operator for operator in Operator if not operator[0].isalpha()}
_WORDS = {TokenKind.LIKE: Operator.LIKE, TokenKind.ILIKE: Operator.ILIKE, TokenKind.IN: Operator.IN}
_PATTERNS = frozenset({Operator.LIKE, Operator.NOT_LIKE, Operator.ILIKE, Operator.NOT_ILIKE})
_LISTS = frozenset({Operator.IN, Operator.NOT_IN})
_NULLS = frozenset({Operator.IS_NULL, Operator.IS_NOT_NULL})
_HINTS = {"==": ", which is written =", "<>": ", which is written !=", "=<": ", which is written <="}


def parse_filter(text: str | None, target: Target) -> Node | None:
    """The tree of ``text``; None for an empty one, which all entities match.

    Raises InvalidSearch, which says what was found where and what was expected.
    """
    return _Parser(text, target).filter() if text else None


class _Parser(Reader):
    def __init__(self, text: str, target: Target) -> None:
        super().__init__(text, target, "Invalid clause(s) in filter string")
        self._starts: list[Token] = []  # the first token of each comparison
        self._values = 0
        self._depth = 0

    def filter(self) -> Node:
        if self.at(TokenKind.END):
            self.fail(f"Invalid filter {self._text[:60]!r}. Could not be parsed: it is blank; leave it out", self.token)
        node = self._disjunction(negated=False)
        if not self.at(TokenKind.END):
            self.fail_for_want_of("AND, OR or the end")
        if (count := len(self._starts)) > MAX_TERMS:
            self.fail(
                f"The filter has {count} terms; at most {MAX_TERMS} are taken. Many values of one field go in a list: "
                "params.x IN ('a', 'b')",
                self._starts[MAX_TERMS],
            )
        return node

    def _disjunction(self, *, negated: bool) -> Node:
        children = [self._conjunction(negated=negated)]
        while self.accept(TokenKind.OR):
            children.append(self._conjunction(negated=negated))
        return _and(children) if negated else _or(children)

    def _conjunction(self, *, negated: bool) -> Node:
        self._accept_ands()
        children = [self._term(negated=negated)]
        while self._accept_ands() and not self.at(TokenKind.END, TokenKind.CLOSE):
            children.append(self._term(negated=negated))
        return _or(children) if negated else _and(children)

    def _accept_ands(self) -> bool:
        found = False
        while self.accept(TokenKind.AND):
            found = True
        return found

    def _term(self, *, negated: bool) -> Node:
        while self.accept(TokenKind.NOT):
            negated = not negated
        opening = self.token
        if not self.accept(TokenKind.OPEN):
            return self._comparison(negated=negated)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self.fail(f"Parentheses are nested more than {MAX_DEPTH} deep", opening)
        node = self._disjunction(negated=negated)
        self.expect(TokenKind.CLOSE, f"')' for the '(' at character {opening.start + 1}, AND or OR")
        self._depth -= 1
        return node

    def _comparison(self, *, negated: bool) -> Node:
        self._starts.append(self.token)
        if not self.at(TokenKind.WORD, TokenKind.QUOTED):
            self.fail_for_want_of("a comparison such as metrics.loss < 0.1")
        field = self.field()
        operator = self._operator(field)
        return Comparison(field, operator.opposite if negated else operator, self._operand(field, operator))

    def _operator(self, field: Field) -> Operator:
        token = self.token
        if self.at(TokenKind.END):
            self.fail_for_want_of(f"a comparator after {field}")
        operator = self._any_operator()
        allowed = self._target.domain(field).operators
        if operator in allowed:
            return operator
        if operator in _NULLS:
            self.fail(f"IS NULL / IS NOT NULL is only supported for metrics, params and tags, not for {field}", token)
        self.fail(
            f"Invalid comparator {shown(str(operator or token.text), 60)} for {field}{_HINTS.get(token.text, '')}. "
            f"Allowed are {', '.join(allowed)}",
            token,
        )

    def _any_operator(self) -> Operator | None:
        token = self.advance()
        match token.kind:
            case TokenKind.COMPARATOR:
                return _SYMBOLS.get(token.text)
            case TokenKind.NOT:
                return _WORDS[self.advance().kind].opposite if self.token.kind in _WORDS else None
            case TokenKind.IS:
                operator = Operator.IS_NOT_NULL if self.accept(TokenKind.NOT) else Operator.IS_NULL
                self.expect(TokenKind.NULL, "NULL")
                return operator
            case _:
                return _WORDS.get(token.kind)

    def _operand(self, field: Field, operator: Operator) -> Value:
        if operator in _NULLS:
            return None
        if operator in _LISTS:
            return self._list(field)
        token = self.token
        value = self._value(field)
        if operator in _PATTERNS and len(str(value)) > PATTERN_LENGTH:
            self.fail(f"The pattern has {len(str(value))} characters; at most {PATTERN_LENGTH} are taken", token)
        return value

    def _list(self, field: Field) -> tuple[str | int | float, ...]:
        self.expect(TokenKind.OPEN, "a list in parentheses")
        values = [self._value(field)]
        while self.accept(TokenKind.COMMA) and not self.at(TokenKind.CLOSE):
            values.append(self._value(field))
        end = self.token
        self.expect(TokenKind.CLOSE, "',' or ')' in the list")
        self._values += len(values)
        if self._values > MAX_VALUES:
            self.fail(f"The filter's lists have {self._values} values up to here; at most {MAX_VALUES} are taken", end)
        return tuple(dict.fromkeys(values))

    def _value(self, field: Field) -> str | int | float:
        token = self.token
        if not self.at(TokenKind.WORD, TokenKind.QUOTED):
            hint = "; a missing key is asked for with IS NULL" if self.at(TokenKind.NULL) else ""
            self.fail_for_want_of(f"a value for {field}", hint)
        domain = self._target.domain(field)
        text = self._number(field) if domain.numeric else self._text_value(field)
        try:
            return domain.read(text)
        except (ValueError, InvalidParameter) as error:
            self.fail(str(error), token)

    def _number(self, field: Field) -> str:
        token = self.advance()
        if token.kind is TokenKind.WORD and is_number(token.text):
            return token.text
        in_quotes = token.kind is TokenKind.QUOTED and not token.text.startswith("`")
        if in_quotes and self._target.domain(field).quotable and is_number(token.content):
            return token.content
        hint = ", which has quotes: leave them out" if token.kind is TokenKind.QUOTED else ""
        self.fail(f"Expected numeric value type for {field}. Found {token}{hint}", token)

    def _text_value(self, field: Field) -> str:
        token = self.advance()
        if token.kind is TokenKind.QUOTED and not token.text.startswith("`"):
            return token.content
        if token.kind is TokenKind.WORD and self._target.bare_text:
            return token.text
        self.fail(
            f"Expected a quoted string value for {field} (e.g. 'my-value'). Found {token}, "
            "whose value is either not quoted or in backticks",
            token,
        )


def _and(children: list[Node]) -> Node:
    if len(children) == 1:
        return children[0]
    return And(tuple(part for node in children for part in (node.children if isinstance(node, And) else (node,))))


def _or(children: list[Node]) -> Node:
    if len(children) == 1:
        return children[0]
    return Or(tuple(part for node in children for part in (node.children if isinstance(node, Or) else (node,))))
