"""The terms of a filter of runs, as SQL."""

from typing import NamedTuple

from trackback.search import Aggregate, Comparison, Field, Kind, Operator
from trackback.storage import inputs
from trackback.storage.conditions import Fragment, among, joined, keyed, keyed_number, predicate
from trackback.storage.indexed_terms import COLUMNS, INDEXED_TEXT, Place, place

ATTRIBUTES = {
    "run_id": "r.uuid",
    "user_id": "r.user_id",
    "status": "r.status",
    "artifact_uri": "r.artifact_uri",
    "start_time": "r.start_ms",
    "end_time": "r.end_ms",
}
TABLES = {Kind.PARAM: "params", Kind.TAG: "tags", Kind.METRIC: "latest_metrics"}
_RUN_NAME = Field(Kind.TAG, "mlflow.runName")


class Source(NamedTuple):
    """Where the runs of a term are found: in the ``run`` of ``FROM … t WHERE …``, an index's range if ``indexed``, for
    which ``test`` holds too (None: all of them).
    """

    term: Comparison
    rows: Fragment
    indexed: bool
    test: Fragment | None


class RunTerms:
    """``keys`` are the numbers of keys by their names, ``experiments`` those that are searched."""

    def __init__(self, keys: dict[str, int], experiments: list[int]) -> None:
        self._keys = keys
        self.experiments = experiments

    def condition(self, term: Comparison) -> Fragment:
        """A term as a condition of ``runs r``."""
        field, operator, value = stored(term.field), term.operator, term.value
        match field.kind:
            case Kind.ATTRIBUTE:
                return predicate(ATTRIBUTES[field.key], operator, value)
            case Kind.DATASET:
                return inputs.dataset_condition(field.key, operator, value)
            case Kind.METRIC if field.aggregate is Aggregate.LAST:
                return keyed_number("latest_metrics", "run = r.id", "value", self.key(field), operator, value)
            case Kind.METRIC:
                test = predicate(COLUMNS[field.aggregate], operator, value)
                if operator is Operator.IS_NULL:
                    test = Fragment(f"{COLUMNS[field.aggregate]} IS NOT NULL")
                    found = f"SELECT 1 FROM latest_metrics WHERE run = r.id AND key = ? AND {test.sql}"
                    return Fragment(f"({found}) IS NULL", (self.key(field),))
                return Fragment(
                    f"(SELECT {test.sql} FROM latest_metrics WHERE run = r.id AND key = ?)",
                    (*test.values, self.key(field)),
                )
            case _:
                return keyed(TABLES[field.kind], "run = r.id", "value", self.key(field), operator, value)

    def source(self, term: Comparison) -> Source | None:
        """Where a term's runs are found other than by a look at each run; None where there is no such place."""
        field, operator, value = stored(term.field), term.operator, term.value
        if field == Field(Kind.ATTRIBUTE, "run_id") and operator in (Operator.EQUAL, Operator.IN):
            test = predicate("uuid", operator, value)
            scope = self.of_experiments("t.experiment")
            named = f"FROM (SELECT id AS run, experiment FROM runs WHERE {test.sql}) t WHERE {scope.sql}"
            return Source(term, Fragment(named, (*test.values, *scope.values)), True, None)
        found = place(field, operator, value)
        if found is None:
            return None
        return self._among_entries(term, found)

    def having(self, term: Comparison, values: list[str]) -> Source:
        """The same for a term on a text that holds for none but these values, which are as long as the index has them,
        where it holds at all.
        """
        indexed = Fragment(f"{INDEXED_TEXT} {{texts}}", (values,))
        return self._among_entries(term, Place(indexed, predicate("t.value", term.operator, term.value)))

    def _among_entries(self, term: Comparison, found: Place) -> Source:
        field = stored(term.field)
        narrowed = [self.of_experiments("t.experiment"), Fragment("t.key = ?", (self.key(field),))]
        if found.indexed:
            narrowed.append(found.indexed)
        scope = joined(narrowed, "AND")
        rows = Fragment(f"FROM {TABLES[field.kind]} t WHERE {scope.sql}", scope.values)
        return Source(term, rows, found.indexed is not None, found.test)

    def key(self, field: Field) -> int | None:
        """The number of a key; None, which no row has, where nothing was ever logged under it."""
        return self._keys.get(field.key)

    def of_experiments(self, column: str) -> Fragment:
        """``column`` is one of the experiments that are searched."""
        return among(column, self.experiments)


def stored(field: Field) -> Field:
    """A run's name is searched as the tag that holds it too, as in MLflow."""
    return _RUN_NAME if field == Field(Kind.ATTRIBUTE, "run_name") else field
