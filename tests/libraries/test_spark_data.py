"""Data sets of real Spark frames: named by what is in them, in whatever order and parts it comes."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.environments import ROOT, Environment
from tests.needs import need

pytestmark = [pytest.mark.libraries, pytest.mark.timeout(600)]

SCRIPT = Path(__file__).parent / "scripts" / "describe_spark.py"


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    need(shutil.which("java"), "no java: install it (on Debian: apt install default-jre-headless)")
    folder = tmp_path_factory.mktemp("spark")
    found = Environment("libraries").run(
        SCRIPT,
        str(folder),
        tracking_uri="http://127.0.0.1:1",
        env={"PYTHONPATH": str(ROOT / "src")},
        timeout_s=580,
    )
    return {**json.loads(found.splitlines()[-1]), "folder": str(folder)}


def test_the_digest_is_that_of_the_sorted_digests_of_all_rows(described: Any) -> None:
    """As docs/reference/capture.md has it."""
    columns = [
        {"name": "id", "type": "bigint"},
        {"name": "score", "type": "double"},
        {"name": "name", "type": "string"},
        {"name": "odd.name", "type": "boolean"},
    ]
    found = hashlib.sha256(
        b"trackback-rows-1\n" + json.dumps(columns, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    )
    for digest in sorted(described["digests"]):
        found.update(bytes.fromhex(digest))

    assert described["digest"] == found.hexdigest()
    assert described["rows"] == 5000
    assert described["schema"] == {"format": "trackback-rows-1", "columns": columns}


def test_rows_have_no_order_but_their_number_counts(described: Any) -> None:
    assert described["shuffled"] == described["digest"] == described["read back"]
    assert len({described["digest"], described["doubled"], described["fewer"]}) == 3


def test_a_frame_that_was_read_from_files_says_which(described: Any) -> None:
    assert described["source"] == f"{described['folder']}/rows.parquet"
    assert described["input"] == "spark"


def test_spark_counts_what_the_profile_tells(described: Any) -> None:
    ids, scores, names, _ = described["profile"]["columns"]

    assert (ids["min"], ids["max"], ids["mean"], ids["missing"]) == (0, 4999, 2499.5, 0)
    assert (scores["missing"], names["missing"], names["distinct"]) == (715, 1000, 9)
