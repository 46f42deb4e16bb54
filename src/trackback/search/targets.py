"""What can be searched, as data: the fields of each target, their spellings and their domains."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import msgspec

from trackback.limits import shown
from trackback.search.domains import (
    EXPERIMENT_ID,
    KEYED_TEXT,
    METRIC,
    MODEL_STATUS,
    NUMBER,
    TEXT,
    VERSION_NUMBER,
    Domain,
)
from trackback.search.syntax import Aggregate, Field, Kind

_PREFIXES = {
    "attributes": Kind.ATTRIBUTE,
    "attribute": Kind.ATTRIBUTE,
    "attr": Kind.ATTRIBUTE,
    "metrics": Kind.METRIC,
    "metric": Kind.METRIC,
    "params": Kind.PARAM,
    "param": Kind.PARAM,
    "parameters": Kind.PARAM,
    "parameter": Kind.PARAM,
    "tags": Kind.TAG,
    "tag": Kind.TAG,
    "datasets": Kind.DATASET,
    "dataset": Kind.DATASET,
}


class Attribute(msgspec.Struct, frozen=True):
    name: str
    domain: Domain
    aliases: tuple[str, ...] = ()


class Target(msgspec.Struct, frozen=True):
    """Something that can be searched.

    ``name`` is a prefix of its attributes too (``run.status``). ``fixed`` holds the kinds whose names are given, by
    every spelling; ``free`` those whose keys are the users' own; ``ordered`` those that an order may name. With
    ``bare_text`` a text may stand without quotes, as in MLflow's filters of logged models.
    """

    name: str
    fixed: Mapping[Kind, Mapping[str, Attribute]]
    free: Mapping[Kind, Domain]
    ordered: frozenset[Kind]
    bare_text: bool = False

    def field(self, prefix: str | None, key: str) -> Field:
        """The field that ``prefix.key``, or ``key`` alone, names here. Raises ValueError where it names none."""
        kind = Kind.ATTRIBUTE if prefix is None else self._kind(prefix)
        if (names := self.fixed.get(kind)) is None:
            if not key:
                raise ValueError(f"The key of a {kind} is missing")
            return Field(kind, key)
        if attribute := names.get(key):
            return Field(kind, attribute.name)
        valid = dict.fromkeys(attribute.name for attribute in names.values())
        raise ValueError(
            f"Invalid {kind} key {shown(key, 60)} specified{_near(key, names)}. Valid keys are {', '.join(valid)}"
        )

    def aggregated(self, function: str, field: Field) -> Field:
        """``function(field)``. Raises ValueError where there is no such function, or not of that field."""
        if function.lower() not in _AGGREGATES:
            raise ValueError(
                f"Invalid function {shown(function, 60)}: a metric has {', '.join(_AGGREGATES)}, other fields have none"
            )
        if field.kind is not Kind.METRIC:
            raise ValueError(f"Invalid function {shown(function, 60)}: it is of metrics only, not of {field}")
        return Field(field.kind, field.key, _AGGREGATES[function.lower()])

    def domain(self, field: Field) -> Domain:
        names = self.fixed.get(field.kind)
        return self.free[field.kind] if names is None else names[field.key].domain

    def orderable(self) -> "Target":
        """This target with those kinds only that an order may name."""
        return msgspec.structs.replace(
            self,
            fixed={kind: names for kind, names in self.fixed.items() if kind in self.ordered},
            free={kind: domain for kind, domain in self.free.items() if kind in self.ordered},
        )

    def _kind(self, prefix: str) -> Kind:
        kind = Kind.ATTRIBUTE if prefix == self.name else _PREFIXES.get(prefix)
        kinds = [*self.fixed, *self.free]
        if kind in kinds:
            return kind
        near = _near(prefix, (text for text, known in _PREFIXES.items() if known in kinds))
        raise ValueError(f"Invalid entity type {shown(prefix, 60)}{near}. Valid values are {', '.join(kinds)}")


_AGGREGATES = {str(aggregate): aggregate for aggregate in Aggregate}


def _near(text: str, allowed: Iterable[str]) -> str:
    close = get_close_matches(text.lower()[:60], allowed, 1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _spelled(*attributes: Attribute) -> dict[str, Attribute]:
    return {spelling: attribute for attribute in attributes for spelling in (attribute.name, *attribute.aliases)}


RUNS = Target(
    name="run",
    fixed={
        Kind.ATTRIBUTE: _spelled(
            Attribute("run_id", TEXT),
            Attribute("run_name", TEXT, ("run name", "Run name", "Run Name")),
            Attribute("user_id", TEXT),
            Attribute("status", TEXT),
            Attribute("artifact_uri", TEXT),
            Attribute("start_time", NUMBER, ("created", "Created")),
            Attribute("end_time", NUMBER),
        ),
        Kind.DATASET: _spelled(
            Attribute("name", TEXT),
            Attribute("digest", TEXT),
            Attribute("context", TEXT),
        ),
    },
    free={Kind.METRIC: METRIC, Kind.PARAM: KEYED_TEXT, Kind.TAG: KEYED_TEXT},
    ordered=frozenset({Kind.ATTRIBUTE, Kind.METRIC, Kind.PARAM, Kind.TAG}),
)

EXPERIMENTS = Target(
    name="experiment",
    fixed={
        Kind.ATTRIBUTE: _spelled(
            Attribute("name", TEXT),
            Attribute("experiment_id", EXPERIMENT_ID),
            Attribute("creation_time", NUMBER),
            Attribute("last_update_time", NUMBER),
        ),
    },
    free={Kind.TAG: KEYED_TEXT},
    ordered=frozenset({Kind.ATTRIBUTE}),
)

LOGGED_MODELS = Target(
    name="logged_model",
    fixed={
        Kind.ATTRIBUTE: _spelled(
            Attribute("model_id", TEXT),
            Attribute("name", TEXT),
            Attribute("model_type", TEXT),
            Attribute("source_run_id", TEXT),
            Attribute("experiment_id", EXPERIMENT_ID),
            Attribute("status", MODEL_STATUS),
            Attribute("status_message", TEXT),
            Attribute("artifact_uri", TEXT, ("artifact_location",)),
            Attribute("creation_timestamp_ms", NUMBER, ("creation_timestamp", "creation_time")),
            Attribute("last_updated_timestamp_ms", NUMBER, ("last_updated_timestamp",)),
        ),
    },
    free={Kind.METRIC: METRIC, Kind.PARAM: KEYED_TEXT, Kind.TAG: KEYED_TEXT},
    ordered=frozenset({Kind.ATTRIBUTE, Kind.METRIC}),
    bare_text=True,
)

REGISTERED_MODELS = Target(
    name="registered_model",
    fixed={
        Kind.ATTRIBUTE: _spelled(
            Attribute("name", TEXT),
            Attribute("last_updated_timestamp", NUMBER, ("timestamp",)),
        ),
    },
    free={Kind.TAG: KEYED_TEXT},
    ordered=frozenset({Kind.ATTRIBUTE}),
)

MODEL_VERSIONS = Target(
    name="model_version",
    fixed={
        Kind.ATTRIBUTE: _spelled(
            Attribute("name", TEXT),
            Attribute("version_number", VERSION_NUMBER),
            Attribute("run_id", TEXT),
            Attribute("source_path", TEXT),
            Attribute("creation_timestamp", NUMBER),
            Attribute("last_updated_timestamp", NUMBER),
            Attribute("current_stage", TEXT),
            Attribute("model_id", TEXT),
            Attribute("digest", TEXT),
        ),
    },
    free={Kind.TAG: KEYED_TEXT},
    ordered=frozenset({Kind.ATTRIBUTE}),
)
