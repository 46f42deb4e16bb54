"""What is to be reached: a floor, not an aim."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from benchmarks.measures import FIGURES

#: One server's figures by key, each with one value for a round.
Values = Mapping[str, list[float]]
#: The same by server.
ValuesByServer = Mapping[str, Values]


class Target(Protocol):
    """A rule for one figure. `reached` is None if what it compares with was not measured."""

    def text(self) -> str: ...

    def reached(self, key: str, own: Values, servers: ValuesByServer) -> bool | None: ...


@dataclass(frozen=True)
class Ratio:
    """How many times better than one value is than another: the median over rounds, and the worst and best round."""

    median: float
    least: float
    most: float


def ratio(key: str, own: Values, base: Values) -> Ratio | None:
    """How many times better `own` is than `base`, round by round."""
    if key not in own or key not in base:
        return None
    pairs = zip(own[key], base[key], strict=False)
    if FIGURES[key].better == "less":
        ratios = [other / mine for mine, other in pairs if mine]
    else:
        ratios = [mine / other for mine, other in pairs if other]
    return Ratio(median(ratios), min(ratios), max(ratios)) if ratios else None


@dataclass(frozen=True)
class Against:
    """So many times better than another server."""

    server: str
    at_least: float

    def text(self) -> str:
        return f"≥ {self.at_least:.2g} ×"

    def reached(self, key: str, own: Values, servers: ValuesByServer) -> bool | None:
        found = ratio(key, own, servers.get(self.server, {}))
        return None if found is None else found.median >= self.at_least


@dataclass(frozen=True)
class Under:
    """Not more than a fixed value."""

    limit: float

    def text(self) -> str:
        return f"≤ {self.limit:g}"

    def reached(self, key: str, own: Values, servers: ValuesByServer) -> bool | None:
        return median(own[key]) <= self.limit


@dataclass(frozen=True)
class Over:
    """Not less than a fixed value."""

    limit: float

    def text(self) -> str:
        return f"≥ {self.limit:,.0f}"

    def reached(self, key: str, own: Values, servers: ValuesByServer) -> bool | None:
        return median(own[key]) >= self.limit


@dataclass(frozen=True)
class Growth:
    """So many times another of its own figures at most, or under a fixed value."""

    of: str
    times: float
    or_under: float = 0.0

    def text(self) -> str:
        alternative = f", or < {self.or_under:g}" if self.or_under else ""
        return f"< {self.times:g} × {FIGURES[self.of].title}{alternative}"

    def reached(self, key: str, own: Values, servers: ValuesByServer) -> bool | None:
        value = median(own[key])
        if value < self.or_under:
            return True
        return value < self.times * median(own[self.of]) if self.of in own else None


#: Of a model with 200,000 versions, whatever is asked.
_REGISTRY: dict[str, Target] = {key: Under(50) for key in FIGURES if key.startswith("registry_")}

#: Over 100,000 runs and 10,000 versions.
_LINEAGE: dict[str, Target] = {key: Under(100) for key in FIGURES if key.startswith("lineage_")}

#: With 100,000 promotions, of the processors' time; the database's, too.
_GOCD: dict[str, Target] = {key: Under(3) for key in FIGURES if key.startswith("gocd_") and key.endswith("_cpu")}

#: At the server, whatever is shown of 100,000 runs or 10 million points.
_PAGES: dict[str, Target] = {
    key: Under(100) for key in FIGURES if key.startswith(("chart_", "run_page_", "experiment_page_", "delivery_page_"))
}

_SEARCHES = ("filter", "first_page", "tag", "like", "page_1000")

#: For this server on SQLite.
TARGETS: dict[str, Target] = {
    "single_p50": Against("fasttrackml", 1.4),
    "batches_one_key": Against("fasttrackml", 10),
    "batches_many_keys": Against("fasttrackml", 6),
    "clients_rate": Against("fasttrackml", 2.5),
    "clients_errors": Under(0),
    "history": Against("fasttrackml", 6),
    "created_runs": Against("fasttrackml", 3),
    "search_filter": Against("fasttrackml", 4),
    "search_first_page": Against("fasttrackml", 2),
    "search_tag": Against("fasttrackml", 2),
    "search_like": Against("fasttrackml", 2),
    "search_page_1000": Against("fasttrackml", 2),
    **{f"search_many_{search}": Growth(f"search_{search}", times=5, or_under=30) for search in _SEARCHES},
    "search_many_terms": Growth("search_one_term", times=10),
    "search_many_broad_terms": Growth("search_one_broad_term", times=10),
    **_REGISTRY,
    **_LINEAGE,
    **_GOCD,
    **_PAGES,
    "scoring_rate": Against("mlflow", 2),
    "transfer_up": Under(1.5),
    "transfer_down": Under(1.5),
    "digest_array": Over(500),
    "digest_parquet": Over(500),
    "artifact_up": Against("mlflow", 1.3),
    "artifact_down": Against("mlflow", 1.5),
    "first_start": Under(1),
    "start": Under(1),
    "idle_memory": Under(120),
    "huge_up_memory": Under(300),
    "huge_down_memory": Under(300),
    "long_history_memory": Under(300),
}

#: For this project's package, on this server on SQLite.
SDK_TARGETS: dict[str, Target] = {
    "sdk_import": Under(0.1),
    "sdk_start": Under(50),
    "sdk_log_p50": Under(5),
    "sdk_rate": Over(100_000),
}

#: For this server on PostgreSQL, against itself on SQLite.
POSTGRES_TARGETS: dict[str, Target] = {
    "single_p50": Against("trackback", 1 / 2.5),
    "clients_rate": Against("trackback", 1 / 2.5),
    "clients_errors": Under(0),
    "created_runs": Against("trackback", 1 / 2.5),
    "batches_one_key": Against("trackback", 1 / 3),
    "batches_many_keys": Against("trackback", 1 / 3),
    **{f"search_{search}": Against("trackback", 1 / 2) for search in _SEARCHES},
    **{f"search_many_{search}": Against("trackback", 1 / 2) for search in _SEARCHES},
    **_REGISTRY,
    **_LINEAGE,
    **_GOCD,
    **_PAGES,
    "search_one_term": Against("trackback", 1 / 2),
    "search_many_terms": Growth("search_one_term", times=10),
    "search_many_broad_terms": Growth("search_one_broad_term", times=10),
}
