"""What is known of what went into runs: their documents, and what their tags say."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from trackback.entities import UsedDataset
from trackback.storage.interface import Transaction

COMMIT_TAG = "mlflow.source.git.commit"
PARENT_TAG = "mlflow.parentRunId"

FROM_TAGS = "tags"
FROM_DOCUMENT = "document"

RUN, MODEL, VERSION = "run", "model", "version"
"""The kinds of what a run comes from: by a run's id, a logged model's, or the row of a version."""

_COMMIT_LENGTH = 64
_ID_LENGTH = 256


class DocumentRecord(NamedTuple):
    """A row of provenance_documents: ``record`` is the document as far as it was read, as JSON."""

    digest: str
    record: str
    faults: tuple[str, ...]


class Source(NamedTuple):
    """What a run comes from."""

    kind: str
    value: str


def follow_tags(tx: Transaction, run: int, tags: Mapping[str, str]) -> None:
    """Keep what tags that were just set say of a run's commit and parent."""
    if commit := tags.get(COMMIT_TAG):
        set_commit(tx, run, FROM_TAGS, commit)
    if parent := tags.get(PARENT_TAG):
        set_sources(tx, run, FROM_TAGS, [Source(RUN, parent)])


def forget_tag(tx: Transaction, run: int, key: str) -> None:
    """A tag was deleted."""
    if key == COMMIT_TAG:
        set_commit(tx, run, FROM_TAGS, None)
    elif key == PARENT_TAG:
        set_sources(tx, run, FROM_TAGS, [])


def set_commit(tx: Transaction, run: int, origin: str, commit: str | None) -> None:
    """What ``origin`` says of a run's commit, from now on; None: nothing."""
    if commit is None:
        tx.run("DELETE FROM run_commits WHERE run = ? AND origin = ?", run, origin)
    else:
        tx.run(
            "INSERT INTO run_commits (run, origin, commit_id) VALUES (?, ?, ?)"
            " ON CONFLICT (run, origin) DO UPDATE SET commit_id = excluded.commit_id",
            run,
            origin,
            commit.strip().lower()[:_COMMIT_LENGTH],
        )
    reindex_versions_of(tx, run)


def set_sources(tx: Transaction, run: int, origin: str, sources: Sequence[Source]) -> None:
    """What ``origin`` says that a run comes from, from now on."""
    kept = sorted({source for source in sources if len(source.value) <= _ID_LENGTH})
    known = [Source(*row) for row in tx.rows(f"{_SOURCES} AND origin = ? ORDER BY kind, value", run, origin)]
    if kept == known:
        return
    tx.run("DELETE FROM run_sources WHERE run = ? AND origin = ?", run, origin)
    tx.insert_columns(
        "INSERT INTO run_sources (run, origin, kind, value) {columns bigint, text, text, text} ON CONFLICT DO NOTHING",
        [run] * len(kept),
        [origin] * len(kept),
        [source.kind for source in kept],
        [source.value for source in kept],
    )
    reindex_versions_of(tx, run)


def reindex_versions_of(tx: Transaction, run: int) -> None:
    """Something of a run has changed: have it found again what the versions that descend from it are made of."""
    tx.run(
        "INSERT INTO unindexed_versions (model_version) SELECT model_version FROM version_origins WHERE run = ?"
        " ON CONFLICT DO NOTHING",
        run,
    )


_SOURCES = "SELECT kind, value FROM run_sources WHERE run = ?"


def sources(tx: Transaction, run: int) -> list[Source]:
    """What a run comes from, whoever says it."""
    return [Source(*row) for row in tx.rows(f"{_SOURCES} GROUP BY kind, value ORDER BY kind, value", run)]


def run_of_version(tx: Transaction, model_version: int) -> str | None:
    """The id of the run that a version came from."""
    row = tx.row("SELECT run_id FROM model_versions WHERE id = ?", model_version)
    return row[0] or None if row else None


def set_document(tx: Transaction, run: int, document: DocumentRecord, now_ms: int) -> None:
    tx.run(
        "INSERT INTO provenance_documents (run, digest, record, faults, indexed_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (run) DO UPDATE SET digest = excluded.digest, record = excluded.record,"
        " faults = excluded.faults, indexed_ms = excluded.indexed_ms",
        run,
        document.digest,
        document.record,
        json.dumps(document.faults),
        now_ms,
    )


def find_document(tx: Transaction, run: int) -> DocumentRecord | None:
    row = tx.row("SELECT digest, record, faults FROM provenance_documents WHERE run = ?", run)
    return DocumentRecord(row[0], row[1], tuple(json.loads(row[2]))) if row else None


def find_records(tx: Transaction, runs: Sequence[int]) -> dict[int, str]:
    """The documents, as far as they were read, of those of the runs that have one."""
    return dict(tx.rows("SELECT run, record FROM provenance_documents WHERE run {ints}", list(runs)))


def set_datasets(tx: Transaction, run: int, datasets: Iterable[tuple[str, str]]) -> None:
    """The data sets, by digest and name, that a run's document names."""
    kept = sorted(set(datasets))
    tx.run("DELETE FROM provenance_datasets WHERE run = ?", run)
    tx.insert_columns(
        "INSERT INTO provenance_datasets (run, digest, name) {columns bigint, text, text} ON CONFLICT DO NOTHING",
        [run] * len(kept),
        [digest for digest, _ in kept],
        [name for _, name in kept],
    )
    reindex_versions_of(tx, run)


def logged_datasets(tx: Transaction, run: int, context_tag: str) -> list[UsedDataset]:
    """The data sets that clients logged as inputs of a run. Of their digests none is of all of the content, but those
    that are as long as one that is.
    """
    return logged_datasets_of_runs(tx, [run], context_tag).get(run, [])


def logged_datasets_of_runs(tx: Transaction, runs: Sequence[int], context_tag: str) -> dict[int, list[UsedDataset]]:
    found: dict[int, list[UsedDataset]] = {}
    for run, name, digest, source, source_type, context in tx.rows(
        "SELECT i.run, d.name, d.digest, d.source, d.source_type, t.value FROM dataset_inputs i"
        " JOIN datasets d ON d.id = i.dataset LEFT JOIN dataset_input_tags t ON t.input = i.id AND t.key = ?"
        " WHERE i.run {ints} ORDER BY i.id",
        context_tag,
        list(runs),
    ):
        used = UsedDataset(name, digest, is_weak(digest), source or None, source_type or None, context)
        found.setdefault(run, []).append(used)
    return found


def is_weak(digest: str) -> bool:
    """Whether a data set's digest is no SHA-256, so that other data may have it too."""
    return len(digest) != 64
