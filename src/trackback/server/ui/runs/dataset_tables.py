"""Data sets of a run, with what is known of their columns, whichever client described them."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from trackback.entities import DatasetInput, UsedDataset
from trackback.server.ui.files.previews import trees
from trackback.server.ui.frame.formats import number

COLUMNS = 500
PREFIX = 32
"""So many digits of a digest tell it from all others."""

CONTEXT_TAG = "mlflow.data.context"


class ColumnRow(NamedTuple):
    """A column: its name and type, and what the profile says, by the titles of ``ShownDataset.measures``."""

    name: str
    type: str
    is_target: bool
    measured: dict[str, str]


class ShownDataset(NamedTuple):
    """``facts`` are what the profile says of all of it; ``other`` a schema of another form, as a tree."""

    name: str
    digest: str
    weak: bool
    context: str
    tags: dict[str, str]
    source: str
    link: str
    rows: str
    facts: dict[str, str]
    measures: list[str]
    columns: list[ColumnRow]
    columns_in_all: int
    other: trees.Node | None


def shown_datasets(inputs: Sequence[DatasetInput], used: Sequence[UsedDataset]) -> list[ShownDataset]:
    """Those that were logged, with the digest of all of their content where the run's document has it; then others."""
    whole = [each for each in used if not each.weak]
    found = [_shown(each, _whole_of(each.dataset.digest, whole)) for each in inputs]
    known = {each.digest for each in found} | {each.dataset.digest for each in inputs}
    return [*found, *(_bare(each) for each in used if each.digest not in known)]


def _whole_of(digest: str, used: Sequence[UsedDataset]) -> UsedDataset | None:
    """MLflow's protocol has room for the beginning of a SHA-256."""
    return next((each for each in used if len(digest) >= PREFIX and each.digest.startswith(digest)), None)


def _shown(logged: DatasetInput, known: UsedDataset | None) -> ShownDataset:
    dataset = logged.dataset
    schema, profile = _json(dataset.schema), _json(dataset.profile)
    columns = _columns(schema, profile)
    measures = list(dict.fromkeys(title for column in columns for title in column.measured))
    source = known.source if known and known.source else _source(dataset.source)
    tags = {tag.key: tag.value for tag in logged.tags}
    told = profile.get("num_rows") if isinstance(profile, dict) else None
    rows = known.rows if told is None and known else told
    return ShownDataset(
        name=dataset.name,
        digest=known.digest if known else dataset.digest,
        weak=known is None and len(dataset.digest) != 64,
        context=tags.pop(CONTEXT_TAG, ""),
        tags=tags,
        source=source or dataset.source_type,
        link=source if source.startswith(("https://", "http://")) else "",
        rows=f"{rows:,}" if isinstance(rows, int) else "",
        facts=_facts(profile),
        measures=measures,
        columns=columns[:COLUMNS],
        columns_in_all=len(columns),
        other=trees.tree_of(schema) if schema is not None and not columns else None,
    )


def _bare(used: UsedDataset) -> ShownDataset:
    source = used.source or ""
    link = source if source.startswith(("https://", "http://")) else ""
    rows = f"{used.rows:,}" if used.rows is not None else ""
    context = used.context or ""
    return ShownDataset(used.name, used.digest, used.weak, context, {}, source, link, rows, {}, [], [], 0, None)


def _columns(schema: Any, profile: Any) -> list[ColumnRow]:
    if not isinstance(schema, dict):
        return []
    targets = schema.get("targets")
    of_targets = {str(each) for each in targets} if isinstance(targets, list) else set()
    described = schema.get("mlflow_colspec", schema.get("columns"))
    rows = [each for each in described if isinstance(each, dict)] if isinstance(described, list) else []
    profiles = _profiles(profile)
    found = []
    for place, row in enumerate(rows):
        name = str(row.get("name", place))
        measured = _measured(profiles.get(name, {}))
        found.append(ColumnRow(name, _type(row), name in of_targets, measured))
    return found


def _type(row: dict[str, Any]) -> str:
    kind = row.get("type", "")
    shape = row.get("shape")
    text = kind if isinstance(kind, str) else json.dumps(kind)
    return f"{text} {tuple(shape)}" if isinstance(shape, list) and shape else text


def _profiles(profile: Any) -> dict[str, dict[str, Any]]:
    columns = profile.get("columns") if isinstance(profile, dict) else None
    if not isinstance(columns, list):
        return {}
    return {str(each["name"]): each for each in columns if isinstance(each, dict) and "name" in each}


def _measured(profile: dict[str, Any]) -> dict[str, str]:
    """What is known of a column's values, each as a text."""
    found = {
        name: _text(profile[name])
        for name in ("missing", "min", "max", "mean", "std", "distinct")
        if profile.get(name) is not None
    }
    quantiles = profile.get("quantiles")
    if isinstance(quantiles, dict):
        found |= {f"{float(q):.0%}": _text(value) for q, value in quantiles.items() if _is_number(q)}
    top = profile.get("top")
    if isinstance(top, list):
        pairs = [each for each in top if isinstance(each, list) and len(each) == 2]
        found["most frequent"] = ", ".join(f"{value} ({count})" for value, count in pairs)
    return found


def _facts(profile: Any) -> dict[str, str]:
    if not isinstance(profile, dict):
        return {}
    return {
        str(name).replace("_", " "): _text(value)
        for name, value in profile.items()
        if name not in ("columns", "num_rows") and isinstance(value, str | int | float)
    }


def _text(value: Any) -> str:
    return number(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def _source(text: str) -> str:
    """The place in a source as MLflow's clients write it: JSON with a ``uri`` or ``url``."""
    found = _json(text)
    if isinstance(found, dict):
        return next((str(found[name]) for name in ("uri", "url", "path") if found.get(name)), "")
    return text if found is None else ""


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
