"""order_by clauses -> criteria of an order.

clause = field [ASC | DESC]
"""

import re
from collections.abc import Sequence

from trackback.limits import shown
from trackback.search.errors import InvalidSearch
from trackback.search.lexer import TokenKind, check_characters
from trackback.search.reader import Reader
from trackback.search.syntax import Field, Order
from trackback.search.targets import Target

MAX_ORDERS = 50  # each may take a join, and SQLite joins 64 tables

_CALL = re.compile(r"(\w+)\((.*)\)", re.DOTALL)


def parse_order_by(clauses: Sequence[str], target: Target) -> list[Order]:
    """The criteria in order of weight. A field that was named before is left out: it could not change the order.

    Raises InvalidSearch.
    """
    known = target.orderable()
    orders: dict[Field, Order] = {}
    for clause in clauses:
        order = _parse_clause(clause, known)
        orders.setdefault(order.field, order)
        if len(orders) > MAX_ORDERS:
            raise InvalidSearch(f"An order has at most {MAX_ORDERS} fields; this is one more", clause, 0)
    return list(orders.values())


def parse_order_field(name: str, target: Target) -> Field:
    """The field that an order gives by name alone, as searches of logged models do; a key is taken as it is.

    Raises InvalidSearch.
    """
    check_characters(name)
    call = _CALL.fullmatch(name)
    prefix, dot, key = (call[2] if call else name).partition(".")
    known = target.orderable()
    try:
        field = known.field(prefix, key.strip("`")) if dot else known.field(None, prefix)
        return known.aggregated(call[1], field) if call else field
    except ValueError as error:
        raise InvalidSearch(f"Invalid order by field name. {error}", name, 0) from None


def _parse_clause(clause: str, target: Target) -> Order:
    reader = Reader(clause, target, f"Invalid order_by clause {shown(clause, 60)}. Could not be parsed")
    if reader.token.kind is TokenKind.END:
        reader.fail_for_want_of("a field")
    field = reader.field()
    direction = reader.token.text.upper()
    if direction in ("ASC", "DESC"):
        reader.advance()
    reader.expect(TokenKind.END, "ASC, DESC or the end")
    return Order(field, descending=direction == "DESC")
