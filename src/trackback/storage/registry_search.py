"""Searching registered models and their versions, of which one model may have 200,000.

The plan is ours, as for runs. Versions of models that must have given names are looked for among those models' alone.
Of the terms that must hold and that an index answers, the rarest is found, by counting no further than ``FEW``; where
it is rare enough, its rows are fetched, and the filter is tested on those only. Otherwise rows are walked in the order
that is asked for, and the filter is tested on each, until the page is full.

Prompts, which MLflow's clients keep as registered models with a tag, are found only by filters that ask for them.
"""

from collections.abc import Iterator, Mapping, Sequence
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
from trackback.storage.model_versions import MODEL_VERSION_COLUMNS, ModelVersionRecord
from trackback.storage.registered_models import REGISTERED_MODEL_COLUMNS, RegisteredModelRecord

FEW = 5000
RARE = 50
TERMS_COUNTED = 16

PROMPT = Field(Kind.TAG, "mlflow.prompt.is_prompt")

_NAMES = (Operator.EQUAL, Operator.IN)


class RegistryQuery(NamedTuple):
    """``readable``: the models that are searched, or whose versions are; None for all."""

    condition: Node | None
    order: Sequence[Order]
    limit: int
    offset: int
    readable: frozenset[int] | None = None


class _Searched(NamedTuple):
    """What is searched: ``rows`` is what stands after FROM, ``present`` the condition that all of it meets.

    ``attributes`` are those of a filter, as expressions of it; ``indexed`` those by which the rows ``t`` of ``table``
    are found, as expressions that an index has. Entities have tags in ``tags``, by ``owner``; ``ties`` are what
    their order ends with.
    """

    table: str
    rows: str
    present: str
    id: str
    columns: str
    attributes: Mapping[str, str]
    indexed: Mapping[str, str]
    tags: str
    owner: str
    ties: Mapping[str, str]


_MODELS = _Searched(
    table="registered_models",
    rows="registered_models m",
    present="m.deleted_ms IS NULL",
    id="m.id",
    columns=REGISTERED_MODEL_COLUMNS,
    attributes={"name": "m.name", "last_updated_timestamp": "m.updated_ms"},
    indexed={},
    tags="registered_model_tags",
    owner="model",
    ties={"name": "m.name"},
)
_VERSIONS = _Searched(
    table="model_versions",
    rows="model_versions v CROSS JOIN registered_models m",
    present="m.id = v.model AND v.deleted_ms IS NULL AND m.deleted_ms IS NULL",
    id="v.id",
    columns=MODEL_VERSION_COLUMNS,
    attributes={
        "name": "m.name",
        "version_number": "v.version",
        "run_id": "v.run_id",
        "source_path": "v.source",
        "creation_timestamp": "v.created_ms",
        "last_updated_timestamp": "v.updated_ms",
        "current_stage": "v.stage",
        "model_id": "v.logged_model",
        "digest": "v.digest",
    },
    indexed={
        "run_id": "t.run_id",
        "model_id": "t.logged_model",
        "digest": "t.digest",
        "source_path": f"substr(t.source, 1, {INDEXED_LENGTH})",
    },
    tags="model_version_tags",
    owner="model_version",
    ties={"last_updated_timestamp": "v.updated_ms DESC", "name": "m.name", "version_number": "v.version DESC"},
)
_BY_NAME = "registered_models m CROSS JOIN model_versions v"
_NULLABLE = ("digest",)


def search_models(tx: Transaction, query: RegistryQuery) -> list[RegisteredModelRecord]:
    """The registered models of a query, in order: its orders, then the name."""
    tx.trust_indexes()
    return [RegisteredModelRecord(*row) for row in _Search(tx, _MODELS, query).page()]


def search_versions(tx: Transaction, query: RegistryQuery) -> list[ModelVersionRecord]:
    """The versions of a query, in order: its orders, then what changed last, then the name, then the highest number."""
    tx.trust_indexes()
    return [ModelVersionRecord(*row) for row in _VersionSearch(tx, query).page()]


class _Search:
    """``constant``: attributes that all of the rows share, so that they are no part of the order."""

    def __init__(self, tx: Transaction, searched: _Searched, query: RegistryQuery) -> None:
        self._tx = tx
        self._searched = searched
        self._query = query
        self._terms = [term for term in conjuncts(query.condition) if isinstance(term, Comparison)]
        asked = [term.field.key for term in comparisons(query.condition)]
        self._keys = tx.known_name_ids([PROMPT.key, *asked])
        self._asks_for_prompts = PROMPT.key in asked
        self._constant: frozenset[str] = frozenset()

    def page(self) -> list[Row]:
        searched = self._searched
        condition = joined(self._conditions(), "AND")
        order = ordered(self._ranks())
        return self._tx.rows(
            f"SELECT {searched.columns} FROM {self._rows()} WHERE {searched.present} AND {condition.sql}"
            f" ORDER BY {order.sql} LIMIT ? OFFSET ?",
            *condition.values,
            *order.values,
            self._query.limit,
            self._query.offset,
        )

    def _rows(self) -> str:
        return self._searched.rows

    def _conditions(self) -> Iterator[Fragment]:
        if (few := self._few()) is not None:
            yield Fragment(f"{self._searched.id} {{ints}}", (few,))
        if self._query.readable is not None:
            yield among("m.id", sorted(self._query.readable))
        if not self._asks_for_prompts:
            yield self._prompts("NOT EXISTS")
        yield compiled(self._query.condition, self._comparison)

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
        owner = f"{self._searched.owner} = {self._searched.id}"
        return keyed(self._searched.tags, owner, "value", self._keys.get(field.key), operator, value)

    def _prompts(self, whether: str) -> Fragment:
        """The model is a prompt (``EXISTS``), or is none."""
        if (key := self._keys.get(PROMPT.key)) is None:
            return Fragment("1 = 0" if whether == "EXISTS" else "1 = 1")
        row = "SELECT 1 FROM registered_model_tags p WHERE p.model = m.id AND p.key = ? AND p.value = 'true'"
        return Fragment(f"{whether} ({row})", (key,))

    def _ranks(self) -> Iterator[Fragment]:
        done = set(self._constant)
        for order in self._query.order:
            if (key := order.field.key) not in done:
                column = self._searched.attributes[key]
                yield ranked(column, descending=order.descending, nullable=key in _NULLABLE)
                done.add(key)
        yield from (Fragment(sql) for key, sql in self._searched.ties.items() if key not in done)


# Who has no such tag is no prompt, whereas of other tags what is missing matches nothing.
_PROMPTS: Mapping[tuple[Operator, Value], str] = {
    (Operator.EQUAL, "true"): "EXISTS",
    (Operator.NOT_EQUAL, "false"): "EXISTS",
    (Operator.EQUAL, "false"): "NOT EXISTS",
    (Operator.NOT_EQUAL, "true"): "NOT EXISTS",
}


class _VersionSearch(_Search):
    def __init__(self, tx: Transaction, query: RegistryQuery) -> None:
        super().__init__(tx, _VERSIONS, query)
        self._models = self._named_models()
        if self._models is not None and len(self._models) == 1:
            self._constant = frozenset({"name"})  # without it the order is that of an index

    def _named_models(self) -> list[int] | None:
        """The models whose versions alone can match; None where any model's can."""
        for term in self._terms:
            if term.field.key == "name" and term.field.kind is Kind.ATTRIBUTE and term.operator in _NAMES:
                named = predicate("name", term.operator, term.value)
                rows = self._tx.rows(
                    f"SELECT id FROM registered_models WHERE {named.sql} AND deleted_ms IS NULL", *named.values
                )
                return [model for (model,) in rows]
        return None

    def _rows(self) -> str:
        first = next((order.field.key for order in self._query.order), None)
        return _BY_NAME if first == "name" and self._models is None else super()._rows()

    def _conditions(self) -> Iterator[Fragment]:
        if self._models is not None:
            yield among("v.model", self._models)
        yield from super()._conditions()

    def _source(self, term: Comparison) -> Fragment | None:
        if term.field == Field(Kind.ATTRIBUTE, "version_number") and self._models and term.operator in RANGES:
            test = joined((among("t.model", self._models), predicate("t.version", term.operator, term.value)), "AND")
            return Fragment(f"FROM (SELECT t.id AS found FROM model_versions t WHERE {test.sql}) t", test.values)
        return super()._source(term)
