"""Searching registered models and their versions, of which one model may have 200,000.

The plan is ours, as for runs. Versions of models that must have given names are looked for among those models' alone.
Of the terms that must hold and that an index answers, the rarest is found, by counting no further than ``FEW``; where
it is rare enough, its rows are fetched, and the filter is tested on those only. Otherwise rows are walked in the order
that is asked for, and the filter is tested on each, until the page is full.

Prompts, which MLflow's clients keep as registered models with a tag, are found only by filters that ask for them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from trackback.search import Comparison, Field, Kind, Node, Operator, Order, Value
from trackback.storage.conditions import (
    Fragment,
    among,
    comparisons,
    compiled,
    conjuncts,
    joined,
    keyed,
    ordered,
    predicate,
    ranked,
)
from trackback.storage.indexed_terms import INDEXED_LENGTH, RANGES, commonness, place
from trackback.storage.interface import Row, Transaction
from trackback.storage.model_versions import ModelVersionRecord
from trackback.storage.registered_models import RegisteredModelRecord
from trackback.storage.registry_tables import BY_TIME, MODELS, NULLABLE, VERSIONS, Rank, Searched

FEW = 2000
RARE = 50
TERMS_COUNTED = 16

PROMPT = Field(Kind.TAG, "mlflow.prompt.is_prompt")


class RegistryQuery(NamedTuple):
    """``readable``: the models that are searched, or whose versions are; None for all."""

    condition: Node | None
    order: Sequence[Order]
    limit: int
    offset: int
    readable: frozenset[int] | None = None


def search_models(tx: Transaction, query: RegistryQuery) -> list[RegisteredModelRecord]:
    """The registered models of a query, in order: its orders, then the name."""
    tx.trust_indexes()
    return [RegisteredModelRecord(*row) for row in _Search(tx, MODELS, query).rows()]


def search_versions(tx: Transaction, query: RegistryQuery) -> list[ModelVersionRecord]:
    """The versions of a query, in order: its orders, then what changed last, then the name, then the highest number.

    What changed, or was made, in the same millisecond comes in the order of registration, the last one first, if it is
    by that time that versions are ordered: an index has that order.
    """
    tx.trust_indexes()
    return [ModelVersionRecord(*row) for row in _VersionSearch(tx, query).rows()]


class _Search:
    """``constant``: attributes that all of the rows share, so that they are no part of the order."""

    def __init__(self, tx: Transaction, searched: Searched, query: RegistryQuery) -> None:
        self._tx = tx
        self._searched = searched
        self._query = query
        self._terms = [term for term in conjuncts(query.condition) if isinstance(term, Comparison)]
        asked = [term.field.key for term in comparisons(query.condition)]
        self._keys = tx.known_name_ids([PROMPT.key, *asked])
        self._asks_for_prompts = PROMPT.key in asked
        self._constant: frozenset[str] = frozenset()

    def rows(self) -> list[Row]:
        """The rows of the page. Its ids are found first: whole rows would be carried through a sort."""
        searched, ids = self._searched, self._ids()
        rows = self._tx.rows(
            f"SELECT {searched.columns} FROM {searched.table} {searched.alias} WHERE {searched.alias}.id {{ints}}", ids
        )
        found = {row[0]: row for row in rows}
        return [found[number] for number in ids]

    def _ids(self) -> list[int]:
        found = self._walk() if (few := self._few()) is None else self._sorted(few)
        rows = self._tx.rows(f"{found.sql} LIMIT ? OFFSET ?", *found.values, self._query.limit, self._query.offset)
        return [number for (number,) in rows]

    def _walk(self) -> Fragment:
        """What matches, in order: along an index, if one has the order."""
        ranks = [ranked(rank.column, descending=rank.descending, nullable=rank.nullable) for rank in self._ranks()]
        return self._select(f"{self._searched.alias}.id", self._walked(), f" ORDER BY {ordered(ranks).sql}")

    def _sorted(self, few: list[int]) -> Fragment:
        """What matches of a few, in order. They are found apart: PostgreSQL would rather walk all than sort these."""
        alias, ranks = self._searched.alias, list(enumerate(self._ranks()))
        keys = "".join(f", {rank.column} AS rank_{place}" for place, rank in ranks)
        found = self._select(f"{alias}.id{keys}", [Fragment(f"{alias}.id {{ints}}", (few,)), *self._matching()])
        order = ordered(
            ranked(f"rank_{place}", descending=rank.descending, nullable=rank.nullable) for place, rank in ranks
        )
        return Fragment(
            f"WITH found AS MATERIALIZED ({found.sql}) SELECT id FROM found ORDER BY {order.sql}", found.values
        )

    def _select(self, columns: str, conditions: Iterable[Fragment], order: str = "") -> Fragment:
        where = joined(conditions, "AND")
        tables = f"{self._searched.table} {self._searched.alias}"
        return Fragment(f"SELECT {columns} FROM {tables} WHERE {where.sql}{order}", where.values)

    def _walked(self) -> Iterable[Fragment]:
        """What a walk looks for."""
        return self._matching()

    def _matching(self) -> Iterable[Fragment]:
        return [Fragment(self._searched.present), *self._meeting(conjuncts(self._query.condition))]

    def _meeting(self, nodes: Iterable[Node]) -> Iterator[Fragment]:
        if self._query.readable is not None:
            yield among(self._searched.model, sorted(self._query.readable))
        if not self._asks_for_prompts:
            yield self._prompts("NOT EXISTS")
        yield from (compiled(node, self._comparison) for node in nodes)

    def _few(self) -> list[int] | None:
        """The ids of all rows that the rarest of the indexed terms holds of; None where none is rare."""
        sources = [source for term in sorted(self._terms, key=commonness) if (source := self._source(term))]
        rarest, fewest = None, FEW + 1
        for source in sources[:TERMS_COUNTED]:
            number = self._tx.rows(
                f"SELECT count(*) FROM (SELECT 1 {source.sql} LIMIT ?) AS counted", *source.values, fewest
            )[0][0]
            if number < fewest:
                rarest, fewest = source, number
                if fewest <= RARE:
                    break
        if rarest is None:
            return None
        return [row for (row,) in self._tx.rows(f"SELECT t.found {rarest.sql}", *rarest.values)]

    def _source(self, term: Comparison) -> Fragment | None:
        """``FROM … t``, where an index finds what a term may hold of: rows ``found``, and no fewer than there are."""
        field, operator, value = term.field, term.operator, term.value
        if field.kind is Kind.TAG:
            if field == PROMPT or (found := place(field, operator, value)) is None or found.indexed is None:
                return None
            key = self._keys.get(field.key)
            entries = f"SELECT t.{self._searched.owner} AS found FROM {self._searched.tags} t WHERE t.key = ?"
            return Fragment(f"FROM ({entries} AND {found.indexed.sql}) t", (key, *found.indexed.values))
        if field.key not in self._searched.indexed or not isinstance(value, str | tuple):
            return None
        if operator not in (Operator.EQUAL, Operator.IN):
            return None
        texts = value if isinstance(value, tuple) else (value,)
        length = INDEXED_LENGTH if field.key == "source_path" else None
        test = predicate(self._searched.indexed[field.key], Operator.IN, [str(text)[:length] for text in texts])
        return Fragment(f"FROM (SELECT t.id AS found FROM {self._searched.table} t WHERE {test.sql}) t", test.values)

    def _comparison(self, term: Comparison) -> Fragment:
        field, operator, value = term.field, term.operator, term.value
        if field.kind is Kind.ATTRIBUTE:
            return predicate(self._searched.attributes[field.key], operator, value)
        if field == PROMPT and (whether := _PROMPTS.get((operator, value))):
            return self._prompts(whether)
        owner = f"{self._searched.owner} = {self._searched.alias}.id"
        return keyed(self._searched.tags, owner, "value", self._keys.get(field.key), operator, value)

    def _prompts(self, whether: str) -> Fragment:
        """The model is a prompt (``EXISTS``), or is none."""
        if (key := self._keys.get(PROMPT.key)) is None:
            return Fragment("1 = 0" if whether == "EXISTS" else "1 = 1")
        row = f"SELECT 1 FROM registered_model_tags p WHERE p.model = {self._searched.model} AND p.key = ?"
        return Fragment(f"{whether} ({row} AND p.value = 'true')", (key,))

    def _ranks(self) -> Iterator[Rank]:
        done = set(self._constant)
        for order in self._query.order:
            if (key := order.field.key) not in done:
                yield Rank(self._searched.attributes[key], order.descending, key in NULLABLE)
                done.add(key)
        yield from (rank for key, rank in self._ties().items() if key not in done)

    def _ties(self) -> Mapping[str, Rank]:
        return self._searched.ties


# Who has no such tag is no prompt, whereas of other tags what is missing matches nothing.
_PROMPTS: Mapping[tuple[Operator, Value], str] = {
    (Operator.EQUAL, "true"): "EXISTS",
    (Operator.NOT_EQUAL, "false"): "EXISTS",
    (Operator.EQUAL, "false"): "NOT EXISTS",
    (Operator.NOT_EQUAL, "true"): "NOT EXISTS",
}


class _VersionSearch(_Search):
    def __init__(self, tx: Transaction, query: RegistryQuery) -> None:
        super().__init__(tx, VERSIONS, query)
        self._naming = next((term for term in self._terms if _names_models(term)), None)
        self._models = self._named_models()
        if self._models is not None and len(self._models) == 1:
            self._constant = frozenset({"name"})  # without it the order is that of an index

    def _named_models(self) -> list[int] | None:
        """The models whose versions alone can match; None where any model's can."""
        if self._naming is None:
            return None
        named = predicate("name", self._naming.operator, self._naming.value)
        rows = self._tx.rows(
            f"SELECT id FROM registered_models WHERE {named.sql} AND deleted_ms IS NULL", *named.values
        )
        return [model for (model,) in rows]

    def _ties(self) -> Mapping[str, Rank]:
        """After a time, of which few versions share one, a tie that the indexes go on with."""
        ties = super()._ties()
        if (first := self._first_rank()) not in (None, *BY_TIME):
            return ties
        one_model = self._models is not None and len(self._models) == 1
        newest = {"last_updated_timestamp": ties["last_updated_timestamp"]} if first is None else {}
        return {**newest, "id": Rank("v.version" if one_model else "v.id", descending=True)}

    def _first_rank(self) -> str | None:
        return next((order.field.key for order in self._query.order if order.field.key not in self._constant), None)

    def _walked(self) -> Iterable[Fragment]:
        """The models that are named were looked up, so that neither their name nor their presence is tested again."""
        if self._models is None:
            return super()._walked()
        rest = [node for node in conjuncts(self._query.condition) if node is not self._naming]
        return [Fragment("v.deleted_ms IS NULL"), among("v.model", self._models), *self._meeting(rest)]

    def _source(self, term: Comparison) -> Fragment | None:
        if term.field == Field(Kind.ATTRIBUTE, "version_number") and self._models and term.operator in RANGES:
            test = joined((among("t.model", self._models), predicate("t.version", term.operator, term.value)), "AND")
            return Fragment(f"FROM (SELECT t.id AS found FROM model_versions t WHERE {test.sql}) t", test.values)
        return super()._source(term)


def _names_models(term: Comparison) -> bool:
    return term.field == Field(Kind.ATTRIBUTE, "name") and term.operator in (Operator.EQUAL, Operator.IN)
