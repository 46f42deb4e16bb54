"""What went into runs: indexed when it arrives, and told when asked.

A run's document, and files that list packages, are read as they are uploaded. What of them can't be read never fails
the upload.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import msgspec

from trackback.artifacts import BlobStore, paths
from trackback.entities import (
    PROVENANCE_PATH,
    Actor,
    Blob,
    CodeRecord,
    EnvironmentRecord,
    Package,
    ParentRecord,
    Provenance,
    ProvenanceOrigin,
    ProvenanceRecord,
    UsedDataset,
)
from trackback.errors import DataLoss, TrackbackError
from trackback.limits import shown
from trackback.services import access
from trackback.services.clock import Clock, now_ms
from trackback.services.package_files import PACKAGE_FILE_BYTES, PACKAGE_FILES, PYTHON, read_packages
from trackback.services.provenance_documents import (
    DOCUMENT_BYTES,
    ReadDocument,
    packages_of,
    read_document,
    without_lists,
)
from trackback.services.runs import readable_run
from trackback.services.subjects import resolve
from trackback.storage import Storage, Transaction, logged_models, packages, provenance, run_values, runs, traces
from trackback.storage.inputs import CONTEXT_TAG
from trackback.storage.provenance import DocumentRecord, Source
from trackback.storage.runs import RunRecord

# The tags in which MLflow's clients say what code a run was: repository, commit, branch and program.
CODE_TAGS = ("mlflow.source.git.repoURL", provenance.COMMIT_TAG, "mlflow.source.git.branch", "mlflow.source.name")
_DOCUMENT_SET = ""

log = logging.getLogger(__name__)


class ProvenanceIndex:
    def __init__(self, storage: Storage, blobs: BlobStore, clock: Clock = now_ms) -> None:
        self._storage = storage
        self._blobs = blobs
        self._clock = clock

    async def arrived(self, actor: Actor, root: str, path: str, blob: Blob) -> None:
        """A file has been uploaded to the manifest ``root``: index it if it says what went into a run.

        Raises nothing: whatever is wrong is logged, and of a document also kept, for those who ask for it.
        """
        name = path.rpartition("/")[2]
        if path != PROVENANCE_PATH and name not in PACKAGE_FILES:
            return
        try:
            if path == PROVENANCE_PATH:
                await self._index_document(actor, root, blob)
            else:
                await self._index_packages(root, f"{root}/{path}", name, blob)
        except TrackbackError as error:
            log.warning("could not index %s/%s: %s", root, path, error.message)

    async def _index_document(self, actor: Actor, root: str, blob: Blob) -> None:
        run_id = paths.run_id(root.split("/")[:-1])
        if run_id is None:
            return
        content = await self.read(blob, DOCUMENT_BYTES + 1)
        read = await asyncio.to_thread(read_document, content)
        now = self._clock()

        def operation(tx: Transaction) -> None:
            if run := runs.find(tx, run_id):
                keep_document(tx, actor, run.id, blob.digest, read, now)

        await self._storage.write(operation)

    async def _index_packages(self, root: str, path: str, name: str, blob: Blob) -> None:
        names = root.split("/")[:-1]
        run_id, model_id = paths.run_id(names), paths.logged_model_id(names)
        if run_id is None and model_id is None:
            return
        await self.read_package_files({name: [blob]})

        def operation(tx: Transaction) -> None:
            made_by = run_id
            if model_id and (model := logged_models.find(tx, model_id)):
                made_by = model.source_run
            if made_by and (run := runs.find(tx, made_by)):
                packages.set_of_run(tx, run.id, path, packages.known_files(tx, [blob.digest]).get(blob.digest))

        await self._storage.write(operation)

    async def read_package_files(self, files: dict[str, list[Blob]]) -> None:
        """Read those of some files, by their name, that list packages and were not read before."""
        digests = sorted({blob.digest for blobs in files.values() for blob in blobs})
        known = await self._storage.look_up(lambda tx: packages.known_files(tx, digests))
        for name, blobs in files.items():
            for blob in {each.digest: each for each in blobs if each.digest not in known}.values():
                await self._read_package_file(name, blob)

    async def _read_package_file(self, name: str, blob: Blob) -> None:
        found: tuple[Package, ...] = ()
        if blob.size <= PACKAGE_FILE_BYTES:
            try:
                content = await self.read(blob, PACKAGE_FILE_BYTES)
            except DataLoss as error:
                log.warning("could not read the packages in %s: %s", blob.digest, error.message)
            else:
                found = await asyncio.to_thread(read_packages, name, content)

        def operation(tx: Transaction) -> None:
            packages.keep_file(tx, blob.digest, packages.keep_set(tx, found) if found else None)

        await self._storage.write(operation)

    async def read(self, blob: Blob, most: int) -> bytes:
        """The bytes of a blob, but no more than ``most``."""
        pieces: AsyncGenerator[bytes, None] = await self._blobs.read(blob, 0, min(blob.size, most))
        async with aclosing(pieces):
            return b"".join([piece async for piece in pieces])

    async def get(self, actor: Actor, run_id: str) -> Provenance:
        """What is known of what went into a run. Raises NotFound for an unknown run."""
        return await self._storage.read(lambda tx: of_run(tx, actor, readable_run(tx, actor, run_id)))


def keep_document(tx: Transaction, actor: Actor, run: int, digest: str, read: ReadDocument, now: int) -> None:
    """Have a document say what went into a run, in place of the one before.

    Versions that it names and the actor may not read are not there: else its faults would tell of them.
    """
    record = read.record
    sources, faults = _sources(tx, actor, record)
    kept = msgspec.json.encode(without_lists(record)).decode()
    provenance.set_document(tx, run, DocumentRecord(digest, kept, (*read.faults, *faults)), now)
    provenance.set_commit(tx, run, provenance.FROM_DOCUMENT, record.code.commit if record.code else None)
    provenance.set_sources(tx, run, provenance.FROM_DOCUMENT, sources)
    provenance.set_datasets(tx, run, [(each.sha256, each.name) for each in record.datasets])
    found = packages_of(record)
    packages.set_of_run(tx, run, _DOCUMENT_SET, packages.keep_set(tx, found) if found else None)


def _sources(tx: Transaction, actor: Actor, record: ProvenanceRecord) -> tuple[list[Source], list[str]]:
    found, faults = [], []
    for each in record.parents:
        if each.run_id:
            found.append(Source(provenance.RUN, each.run_id))
        if each.model_id:
            found.append(Source(provenance.MODEL, each.model_id))
        if each.version:
            try:
                version = resolve(tx, each.version, actor).model_version
            except TrackbackError as error:
                faults.append(f"parents: {error.message}")
                continue
            if version is None:
                faults.append(f"parents: {shown(each.version)} is no version.")
            else:
                found.append(Source(provenance.VERSION, str(version)))
    return found, faults


def of_run(tx: Transaction, actor: Actor, run: RunRecord, model_version: int | None = None) -> Provenance:
    """What is known of a run: from its document, and what that doesn't say from what its client logged.

    ``model_version`` is a version of the run, whose own files list packages too. Versions that the actor may not read
    are not named.
    """
    document = provenance.find_document(tx, run.id)
    record = _decoded(document.record if document else None)
    installed = packages.of_run(tx, run.id, model_version)
    tags = {name: value for name in CODE_TAGS if (value := runs.find_tag(tx, run.id, name)) is not None}
    return Provenance(
        origin=ProvenanceOrigin.DOCUMENT if document else ProvenanceOrigin.DERIVED,
        code=record.code or _code(tags),
        environment=record.environment or _environment(installed),
        packages=installed,
        datasets=tuple(_datasets(record, provenance.logged_datasets(tx, run.id, CONTEXT_TAG))),
        parents=tuple(_parents(tx, actor, run)),
        captured=record.captured,
        captured_by=record.captured_by,
        faults=document.faults if document else (),
    )


def of_runs(tx: Transaction, records: Sequence[RunRecord]) -> dict[int, Provenance]:
    """The same of many runs, but for what they come from and for faults: a fixed number of statements."""
    numbers = [record.id for record in records]
    documents = provenance.find_records(tx, numbers)
    installed = packages.of_runs(tx, numbers)
    logged = provenance.logged_datasets_of_runs(tx, numbers, CONTEXT_TAG)
    tags = run_values.tags_named(tx, numbers, CODE_TAGS)
    return {number: _told(number, documents, installed, logged, tags) for number in numbers}


def _told(
    run: int,
    documents: Mapping[int, str],
    installed: Mapping[int, tuple[Package, ...]],
    logged: Mapping[int, Sequence[UsedDataset]],
    tags: Mapping[int, Mapping[str, str]],
) -> Provenance:
    record, had = _decoded(documents.get(run)), installed.get(run, ())
    return Provenance(
        origin=ProvenanceOrigin.DOCUMENT if run in documents else ProvenanceOrigin.DERIVED,
        code=record.code or _code(tags.get(run, {})),
        environment=record.environment or _environment(had),
        packages=had,
        datasets=tuple(_datasets(record, logged.get(run, ()))),
        captured=record.captured,
        captured_by=record.captured_by,
    )


def _decoded(document: str | None) -> ProvenanceRecord:
    return msgspec.json.decode(document, type=ProvenanceRecord) if document else ProvenanceRecord(0)


def _code(tags: Mapping[str, str]) -> CodeRecord | None:
    repository, commit, branch, source = (tags.get(name) for name in CODE_TAGS)
    found = CodeRecord(repository=repository, commit=commit, branch=branch, entry_point=source)
    return found if found != CodeRecord() else None


def _environment(installed: tuple[Package, ...]) -> EnvironmentRecord | None:
    python = next((package.version for package in installed if package.name == PYTHON), None)
    return EnvironmentRecord(python=python) if python else None


def _datasets(record: ProvenanceRecord, logged: Sequence[UsedDataset]) -> list[UsedDataset]:
    """Those of the document, then those that were logged besides, but for weak digests of the same."""
    found = [
        UsedDataset(each.name, each.sha256, False, each.source, each.source_type, each.context, each.rows)
        for each in record.datasets
    ]
    named = {each.name for each in found}
    return [*found, *(each for each in logged if not (each.weak and each.name in named))]


def _parents(tx: Transaction, actor: Actor, run: RunRecord) -> list[ParentRecord]:
    fields = {provenance.RUN: "run_id", provenance.MODEL: "model_id"}
    found = []
    for source in provenance.sources(tx, run.id):
        if source.kind in fields:
            found.append(ParentRecord(**{fields[source.kind]: source.value}))
        elif (version := traces.version(tx, int(source.value))) and access.may_read(actor, model=version.model):
            found.append(ParentRecord(version=f"models:/{version.name}/{version.version}"))
    return found
