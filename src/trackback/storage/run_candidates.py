"""The few runs that a filter can hold of, where one of its terms shows them: steps 1 and 2 of ``run_search``."""

from typing import NamedTuple

from trackback.search import Comparison, Kind
from trackback.storage.conditions import NOTHING, Fragment, ordered
from trackback.storage.distinct import matching_values
from trackback.storage.indexed_terms import commonness
from trackback.storage.interface import Row, Transaction
from trackback.storage.run_terms import RunTerms, Source, stored
from trackback.storage.sqlite_connection import SqliteTransaction

FEW = 5000
RARE = 50
TERMS_COUNTED = 16

SAMPLE = 200
TERMS_SAMPLED = 4
# Beyond these, entries in the order of their values lie too far apart: each takes 2 us then, on both databases.
ENTRIES = 20_000
# How many entries of a key are read, in the order of their values, while a walk tests one run. PostgreSQL reads one in
# 0.5 us and finds one of a given run, as a walk does at least once a run, in 2 us. SQLite takes 0.6 us and 0.4, or 2
# where the walk is not along runs but along another key's values.
PACE = 3.0
SQLITES_PACE_ALONG_RUNS = 0.5
# Values of a key are looked at by skipping from one to the next, and the runs that have those of which the term holds
# are fetched and put in order, as long as neither takes much more than half of what the walk does: on PostgreSQL 15 us
# a value and 8 a run. Each is worth so many entries read; a walk worth fewer is over in a few milliseconds.
WORTH_A_LOOK = 2000
MOST_VALUES = 2000
ENTRIES_A_VALUE = 24
ENTRIES_A_CANDIDATE = 9


class Candidates(NamedTuple):
    """All runs that a term holds of."""

    term: Comparison
    runs: list[int]


class Walk(NamedTuple):
    """What a search does where there are no candidates: it tests runs until it has ``wanted``.

    ``sample`` selects runs that it would test, to which a LIMIT is added. ``along_runs`` says that they come in an
    order of their own, not in that of a key's values, and ``ahead`` that the sample is where the walk begins, and that
    there is nothing to test but the terms that must hold.
    """

    sample: Fragment
    wanted: int
    along_runs: bool
    ahead: bool


class _Expected(NamedTuple):
    """What the first runs say: of so many as a sample has, ``entries`` have the key of ``source``, whose term holds of
    the fewest. ``tested``: how many the walk tests, if all are like these.
    """

    source: Source
    entries: int
    tested: float
    pace: float

    @property
    def worth(self) -> float:
        """How many entries of a key are read in the time that the walk takes."""
        return self.pace * self.tested


def find_candidates(tx: Transaction, terms: RunTerms, must_hold: list[Comparison], walk: Walk) -> Candidates | None:
    """The runs of a term that holds of few; None where there is none such, or the walk is likely to be quicker."""
    sources = [source for term in sorted(must_hold, key=commonness) if (source := terms.source(term))]
    indexed = [source for source in sources if source.indexed]
    rarest = _rarest(tx, indexed, SAMPLE) or _rarest(
        tx, indexed, _most_worth_fetching(tx, terms, must_hold, walk) if indexed else 0
    )
    if rarest:
        return _fetched(tx, rarest, FEW)
    expected = _expect(tx, terms, [source for source in sources if source.test], walk)
    return expected and (_by_values(tx, terms, expected) or _by_entries(tx, expected))


def _fetched(tx: Transaction, source: Source, most: int) -> Candidates | None:
    test = source.test or NOTHING
    found = tx.rows(
        f"SELECT t.run {source.rows.sql} AND {test.sql} LIMIT ?", *source.rows.values, *test.values, most + 1
    )
    return Candidates(source.term, [run for (run,) in found]) if len(found) <= most else None


def pace(tx: Transaction, walk: Walk) -> float:
    """How many entries of a key are read while ``walk`` tests one run."""
    return SQLITES_PACE_ALONG_RUNS if walk.along_runs and isinstance(tx, SqliteTransaction) else PACE


def _rarest(tx: Transaction, sources: list[Source], most: int) -> Source | None:
    """The source with the fewest rows; None where all have more than ``most``."""
    rarest, fewest = None, most + 1
    for source in sources[:TERMS_COUNTED]:
        number = _count(tx, source, fewest)
        if number < fewest:
            rarest, fewest = source, number
            if fewest <= RARE:
                break
    return rarest


def _most_worth_fetching(tx: Transaction, terms: RunTerms, must_hold: list[Comparison], walk: Walk) -> int:
    """How many rows of a source are counted, and fetched, sooner than the walk ends by what its first runs say."""
    if not walk.ahead or len(must_hold) > TERMS_SAMPLED:
        return FEW
    matches = sum(map(all, _sampled(tx, terms, must_hold, walk)))
    return min(FEW, walk.wanted * SAMPLE // matches) if matches else FEW


def _expect(tx: Transaction, terms: RunTerms, sources: list[Source], walk: Walk) -> _Expected | None:
    """None where there are no sources, or fewer runs than a sample has."""
    sources = sources[:TERMS_SAMPLED]
    if not sources:
        return None
    sample = _sampled(tx, terms, [source.term for source in sources], walk)
    if len(sample) < SAMPLE:
        return None
    columns = list(zip(*sample, strict=True))
    rarest = min(range(len(sources)), key=lambda place: sum(map(bool, columns[place])))
    matches = max(1, sum(map(all, sample)))
    entries = SAMPLE - columns[rarest].count(None)
    return _Expected(sources[rarest], entries, walk.wanted * SAMPLE / matches, pace(tx, walk))


def _by_values(tx: Transaction, terms: RunTerms, expected: _Expected) -> Candidates | None:
    """Where the key has few values, an index finds the runs that have those for which the term holds."""
    term = expected.source.term
    field, (experiment, *others) = stored(term.field), terms.experiments
    key = terms.key(field)
    if expected.worth < WORTH_A_LOOK or field.kind is Kind.METRIC or key is None or others:
        return None
    most = int(min(MOST_VALUES, expected.worth / ENTRIES_A_VALUE))
    values = matching_values(tx, field.kind, experiment, key, term.operator, term.value, most)
    if values is None:
        return None
    return _fetched(tx, terms.having(term, values), int(min(FEW, expected.worth / ENTRIES_A_CANDIDATE)))


def _by_entries(tx: Transaction, expected: _Expected) -> Candidates | None:
    """Where the key has few entries, or few of its runs are sought, they are read one by one."""
    if expected.entries > expected.pace * SAMPLE:
        return None  # even a walk over all runs is quicker
    most = int(min(ENTRIES, expected.worth))
    return _fetched(tx, expected.source, FEW) if _count(tx, expected.source, most + 1) <= most else None


def _sampled(tx: Transaction, terms: RunTerms, tested: list[Comparison], walk: Walk) -> list[Row]:
    """Which of the terms hold of each run of a sample; None where it has no such key."""
    tests = ordered(terms.condition(term) for term in tested)
    runs = walk.sample
    return tx.rows(f"SELECT {tests.sql} FROM ({runs.sql} LIMIT ?) r", *tests.values, *runs.values, SAMPLE)


def _count(tx: Transaction, source: Source, most: int) -> int:
    """The rows of a source, counted no further than ``most``."""
    counted = f"SELECT count(*) FROM (SELECT 1 {source.rows.sql} LIMIT ?) AS counted"
    number: int = tx.rows(counted, *source.rows.values, most)[0][0]
    return number
