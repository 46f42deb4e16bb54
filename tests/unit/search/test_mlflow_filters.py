"""A filter that MLflow takes means the same here.

mlflow_answers.json holds what mlflow 3.17.2 made of each filter (``SearchUtils``, ``SearchExperimentsUtils`` and
``search_logged_model_utils``): type, key, comparator and value of every comparison.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from trackback.search import (
    EXPERIMENTS,
    LOGGED_MODELS,
    RUNS,
    And,
    Comparison,
    Field,
    InvalidSearch,
    Kind,
    Node,
    Operator,
    Target,
    parse_filter,
)

ANSWERS = json.loads(Path(__file__).with_name("mlflow_answers.json").read_text(encoding="utf-8"))

# MLflow resolves these where it compiles the filter to SQL.
ALIASES = {
    "created": "start_time",
    "Created": "start_time",
    "run name": "run_name",
    "Run name": "run_name",
    "Run Name": "run_name",
    "artifact_location": "artifact_uri",
}
KINDS = {
    "attribute": Kind.ATTRIBUTE,
    "metric": Kind.METRIC,
    "parameter": Kind.PARAM,
    "param": Kind.PARAM,
    "tag": Kind.TAG,
    "dataset": Kind.DATASET,
}


def comparisons_of(node: Node | None) -> list[Comparison]:
    match node:
        case And(children):
            return [child for child in children if isinstance(child, Comparison)]
        case Comparison():
            return [node]
        case _:
            return []


def answered(kind: str, key: str, comparator: str, value: Any) -> Comparison:
    if kind == "metric":
        value = float(value)
    elif key == "experiment_id":
        value = tuple(map(int, value)) if isinstance(value, list) else int(value)
    elif isinstance(value, list):
        value = tuple(value)
    field = Field(KINDS[kind], ALIASES.get(key, key) if kind == "attribute" else key)
    return Comparison(field, Operator(comparator), value)


@pytest.mark.parametrize(
    ("target", "text", "answer"),
    [
        pytest.param(target, text, answer, id=f"{target.name}: {text}")
        for target, name in ((RUNS, "runs"), (EXPERIMENTS, "experiments"), (LOGGED_MODELS, "logged_models"))
        for text, answer in ANSWERS[name]
    ],
)
def test_a_filter_means_what_it_means_in_mlflow(target: Target, text: str, answer: list[list[Any]]) -> None:
    assert comparisons_of(parse_filter(text, target)) == [answered(*comparison) for comparison in answer]


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("metrics.f1 > 0.8; params.depth = '3'", "Search filter contained multiple expression"),
        ("metrcs.f1 > 0.8", "Invalid entity type"),
        ("inputs.name = 'iris'", "Invalid entity type"),
        ("f1 > 0.8", "Invalid attribute key"),
        ("Status = 'FINISHED'", "Invalid attribute key"),
        ("lifecycle_stage = 'active'", "Invalid attribute key"),
        ("attributes.experiment_id = '1'", "Invalid attribute key"),
        ("duration is null", "Invalid attribute key"),
        ("datasets.source = 's3://b'", "Invalid dataset key"),
        ("status IS NULL", "IS NULL / IS NOT NULL is only supported for"),
        ("metrics.f1 > '0.8'", "Expected numeric value type for metric"),
        ("metrics.f1 > metrics.f2", "Expected numeric value type for metric"),
        ("metrics.f1 > nan", "Expected numeric value type for metric"),
        ("metrics.f1 > -inf", "Expected numeric value type for metric"),
        ("metrics.f1 > 0x10", "Expected numeric value type for metric"),
        ("metrics.f1 > 1_000", "Expected numeric value type for metric"),
        ("start_time > '1'", "Expected numeric value type for"),
        ("params.depth = 3", "Expected a quoted string value for param"),
        ("tags.stage = 3", "Expected a quoted string value for tag"),
        ("status = 3", "Expected a quoted string value for attribute"),
        ("params.depth = three", "value is either not quoted or"),
        ("params.depth = `three`", "value is either not quoted or"),
        ("0.8 < metrics.f1", "Expected 'Identifier' found"),
        ("'three' = params.depth", "Expected 'Identifier' found"),
        ("params.`depth = '3'", "Invalid clause(s) in filter string"),
        ("params.depth = 'three", "Invalid clause(s) in filter string"),
        ("params.depth = = '3'", "Invalid clause(s) in filter string"),
        ("status IS 'FINISHED'", "Invalid clause(s) in filter string"),
        ("metrics.f1 >", "Invalid clause(s) in filter string"),
        ("metrics.f1", "Invalid clause(s) in filter string"),
        ("metrics.f1 > 0.8 XOR metrics.f2 > 0.8", "Invalid clause(s) in filter string"),
        ("run_id IN ()", "Invalid clause(s) in filter string"),
        ("run_id = ('a')", "Invalid clause(s) in filter string"),
        ("params.depth > '3'", "Invalid comparator"),
        ("params.depth RLIKE '3'", "Invalid comparator"),
        ("start_time LIKE 1", "Invalid comparator"),
        ("metrics.f1 == 1", "Invalid comparator"),
        ("metrics.f1 <> 1", "Invalid comparator"),
        ("metrics.f1 ~ 1", "Invalid comparator"),
        ("   ", "Could not be parsed"),
    ],
)
def test_what_mlflow_refuses_is_refused_in_words_its_users_know(text: str, fragment: str) -> None:
    with pytest.raises(InvalidSearch, match=re.escape(fragment)):
        parse_filter(text, RUNS)
