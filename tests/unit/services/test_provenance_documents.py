"""What can be read of a provenance document, and what is said about the rest."""

import json
from typing import Any

import msgspec
import pytest

from trackback.entities import Package, ProvenanceRecord
from trackback.services.provenance_documents import packages_of, read_document, without_lists

SHA256 = "c" * 64
DOCUMENT: dict[str, Any] = {
    "schema_version": 1,
    "captured": 1795450952543,
    "captured_by": "trackback 0.1.0",
    "code": {"repository": "https://example.org/churn.git", "commit": "abc1234", "dirty": True},
    "environment": {"python": "3.11.5", "packages": {"numpy": "1.26.0"}, "hardware": {"cpu_count": 8}},
    "datasets": [{"name": "train", "sha256": SHA256, "rows": 7, "profile": {"mean": None}}],
    "parents": [{"run_id": "f" * 32}, {"version": "models:/base/3"}],
}


def read(document: object) -> tuple[ProvenanceRecord, tuple[str, ...]]:
    return read_document(json.dumps(document).encode())


def test_a_whole_document_is_read_without_faults() -> None:
    record, faults = read(DOCUMENT)
    assert faults == ()
    assert msgspec.to_builtins(record)["code"] == DOCUMENT["code"]
    assert (record.datasets[0].sha256, record.parents[1].version) == (SHA256, "models:/base/3")
    assert packages_of(record) == (Package("numpy", "1.26.0"), Package("python", "3.11.5"))


def test_fields_that_are_not_known_are_skipped() -> None:
    assert read(DOCUMENT | {"mood": "good", "code": DOCUMENT["code"] | {"language": "python"}}) == read(DOCUMENT)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"code": {"commit": 7}}, "code: 'Expected `str | null`, got `int` - at `$.commit`'."),
        ({"environment": 7}, "environment: 'Expected `object`, got `int`'."),
        ({"environment": {"packages": {"numpy": 1, "pandas": "2.2"}}}, "environment.packages: 1 have a version"),
        ({"environment": {"hardware": {"memory_bytes": 10**30}}}, "environment: "),
        ({"datasets": {}}, "datasets: it is no list."),
        ({"datasets": [{"name": "a"}]}, "datasets[0]: 'Object missing required field `sha256`'."),
        ({"datasets": [{"name": "a", "sha256": "12ab"}]}, "datasets[0].sha256: '12ab' is no SHA-256"),
        ({"datasets": [{"name": "", "sha256": SHA256}]}, "datasets[0].name: it must have 1 to 500 characters."),
        ({"parents": [{}]}, "parents[0]: it names no run_id, model_id or version."),
        ({"parents": [{"run_id": "a"}] * 1001}, "parents: of 1001, the first 1000 were read."),
        ({"schema_version": 2}, "schema_version: it is 2, and 1 is known here."),
        ({"schema_version": None}, "schema_version: it is missing; 1 was assumed."),
        ({"captured": -1}, "captured: "),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_part_that_is_wrong_costs_only_itself_and_is_said(change: dict[str, Any], said: str) -> None:
    record, faults = read(DOCUMENT | change)
    assert len(faults) == 1
    assert faults[0].startswith(said)
    untouched = DOCUMENT.keys() - change.keys()
    expected = read(DOCUMENT)[0]
    assert {name: getattr(record, name) for name in untouched} == {name: getattr(expected, name) for name in untouched}


def test_good_packages_are_read_beside_bad_ones() -> None:
    record, _ = read(DOCUMENT | {"environment": {"packages": {"numpy": 1, "pandas": "2.2"}}})
    assert packages_of(record) == (Package("pandas", "2.2"),)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b"\xff", b"[" * 200_000, b'{"a": 1e999}', b'{"code": {"commit": "\\ud800"}}'],
    ids=range(8),
)
def test_what_is_no_document_is_said_to_be_none(content: bytes) -> None:
    record, faults = read_document(content)
    assert record == ProvenanceRecord(1)
    assert len(faults) == 1


def test_no_database_is_given_a_nul() -> None:
    record, _ = read_document(b'{"schema_version": 1, "code": {"commit": "a\\u0000b"}}')
    assert record.code
    assert record.code.commit == "a\N{REPLACEMENT CHARACTER}b"


def test_what_is_long_is_left_out_of_what_is_kept_whole() -> None:
    kept = without_lists(read(DOCUMENT)[0])
    assert packages_of(kept) == (Package("python", "3.11.5"),)
    assert kept.datasets[0].profile is None
