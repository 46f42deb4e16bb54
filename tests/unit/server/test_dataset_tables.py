"""Data sets as pages show them, whichever client described them, however badly."""

import json

import pytest

from trackback.entities import Dataset, DatasetInput, Tag, UsedDataset
from trackback.server.ui.runs.dataset_tables import COLUMNS, ShownDataset, shown_datasets

DIGEST = "ab" * 32


def logged(schema: object = None, profile: object = None, **fields: str) -> DatasetInput:
    texts = [None if each is None else json.dumps(each) for each in (schema, profile)]
    known = {"name": "wine", "digest": "12345678", "source_type": "local", "source": "{}"} | fields
    dataset = Dataset(known["name"], known["digest"], known["source_type"], known["source"], *texts)
    return DatasetInput(dataset, (Tag("mlflow.data.context", "training"), Tag("split", "7")))


def shown(schema: object = None, profile: object = None, **fields: str) -> ShownDataset:
    (found,) = shown_datasets([logged(schema, profile, **fields)], [])
    return found


def test_mlflows_schema_and_our_profile_make_one_table() -> None:
    schema = {"mlflow_colspec": [{"type": "double", "name": "ash"}, {"type": "string", "name": "kind"}]}
    columns = [
        {"name": "ash", "missing": 0, "min": 1.36, "max": 3.23, "std": 0.27, "quantiles": {"0.05": 1.9, "0.5": 2.36}},
        {"name": "kind", "missing": 2, "distinct": 3, "top": [["red", 9], ["white", 4]]},
    ]
    found = shown(schema, {"num_rows": 178, "sample_rows": 100, "columns": columns})
    assert (found.rows, found.facts, found.context, found.tags) == (
        "178",
        {"sample rows": "100"},
        "training",
        {"split": "7"},
    )
    assert found.measures == ["missing", "min", "max", "std", "5%", "50%", "distinct", "most frequent"]
    assert found.columns[0].measured == {
        "missing": "0",
        "min": "1.36",
        "max": "3.23",
        "std": "0.27",
        "5%": "1.9",
        "50%": "2.36",
    }
    assert found.columns[1].measured == {"missing": "2", "distinct": "3", "most frequent": "red (9), white (4)"}


def test_targets_and_shapes_of_our_own_schema_are_told() -> None:
    schema = {
        "format": 1,
        "columns": [{"name": "image", "type": "uint8", "shape": [28, 28]}, {"name": "label", "type": "int64"}],
        "targets": ["label"],
    }
    found = shown(schema)
    assert [(each.name, each.type, each.is_target) for each in found.columns] == [
        ("image", "uint8 (28, 28)", False),
        ("label", "int64", True),
    ]


def test_a_schema_of_another_form_is_a_tree() -> None:
    found = shown({"mlflow_tensorspec": {"features": {"shape": [-1, 3]}}})
    assert (found.columns, found.other is not None) == ([], True)


def test_many_columns_are_cut_and_counted() -> None:
    found = shown({"columns": [{"name": str(n), "type": "int64"} for n in range(COLUMNS + 9)]})
    assert (len(found.columns), found.columns_in_all) == (COLUMNS, COLUMNS + 9)


@pytest.mark.parametrize(
    ("schema", "profile"),
    [
        (3, "x"),
        ([], []),
        ({"columns": {"a": 1}}, {"columns": [3, {}]}),
        ({"columns": [1, {"type": 3}]}, {"num_rows": "many"}),
        ({"columns": [{"name": "a", "shape": []}]}, {"columns": [{"name": "a", "quantiles": {"x": 1}, "top": [1]}]}),
    ],
)
def test_what_is_no_schema_or_profile_breaks_nothing(schema: object, profile: object) -> None:
    assert shown(schema, profile).name == "wine"


def test_the_digest_of_all_of_the_content_comes_from_the_runs_document() -> None:
    used = UsedDataset("wine", DIGEST, False, "s3://cellar/wine.csv", "s3", "training", 178)
    other = UsedDataset("beer", "cd" * 32, False)
    found = shown_datasets([logged(digest=DIGEST[:36])], [used, other])
    assert [(each.name, each.digest, each.weak, each.rows, each.source) for each in found] == [
        ("wine", DIGEST, False, "178", "s3://cellar/wine.csv"),
        ("beer", "cd" * 32, False, "", ""),
    ]
    assert shown(digest="12345678").weak


def test_only_addresses_of_the_web_are_links() -> None:
    assert shown(source=json.dumps({"url": "https://example.org/wine.csv"})).link == "https://example.org/wine.csv"
    assert shown(source=json.dumps({"uri": "javascript:alert(1)"})).link == ""
    assert shown(source="not json").source == "not json"
