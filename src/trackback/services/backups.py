"""Backups: a copy of the database, then of all blobs that the copy names, and how a server is made from them again.

    <folder>/<time>/backup.json         what this backup is; it is there only once all is
    <folder>/<time>/database.sqlite3    the copy of the database, or database.pgdump
    <folder>/<time>/blobs.jsonl         the blobs that it names: digest, size and location, one a line
    <folder>/artifacts/blobs/…          their bytes, of all backups in the folder; or in a place of their own

The database comes first: bytes are in place before a row names them, and are never changed. What a collection of
garbage deletes while a backup goes on is found missing. Then the database is copied again, and what the new copy does
not name either is no loss. Locations are kept, so that the rows stay true wherever they are restored, and what is there
from an earlier backup is not copied again.
"""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from trackback import __version__
from trackback.artifacts import BlobStore, open_blobs
from trackback.artifacts.interface import LOCATION
from trackback.artifacts.stores import local_path, scheme_of
from trackback.entities import Blob, Tally
from trackback.errors import ConfigurationError, DataLoss
from trackback.services.clock import Clock, now_ms
from trackback.storage.database_copies import DatabaseCopy, check_absent, copy_database, restore_database

FORMAT = 1
ATTEMPTS = 3
TRANSFERS_AT_ONCE = 8
ARTIFACTS = "artifacts"
PARTIAL = ".partial"
"""Ends the name of a backup that is under way, or was killed."""
RECORD, _LIST = "backup.json", "blobs.jsonl"


class Backup(msgspec.Struct, frozen=True):
    """What ``backup.json`` says.

    ``database`` is its kind, ``file`` the copy's name and ``sha256`` its digest. ``artifacts`` is where the bytes are:
    a URI, or a path relative to the folder of backups.
    """

    format: int
    trackback: str
    begun_ms: int
    database: str
    schema: int
    file: str
    sha256: str
    artifacts: str
    blobs: Tally


class Transfer(msgspec.Struct):
    """How a backup or a restore went: what was copied and verified, what was there, and what can't be had."""

    name: str
    copied: Tally = Tally()
    present: Tally = Tally()
    lost: list[Blob] = []

    @property
    def all(self) -> Tally:
        return self.copied + self.present


class FoundBackup(NamedTuple):
    folder: Path
    backup: Backup


async def back_up(database: str, artifacts: str, folder: Path, place: str = "", clock: Clock = now_ms) -> Transfer:
    """Back up the database and the artifacts at these URIs into ``folder``, which is made if it is not there.

    place: where the bytes are kept, if not in the folder: another, or a bucket. All backups in a folder share one.

    What the store has lost is told, and does not keep the rest from being backed up. Raises ConfigurationError for
    places that can't be used.
    """
    copies_at = place or str(folder / ARTIFACTS)
    _check_places(artifacts, copies_at)
    async with opened(artifacts) as blobs, opened(copies_at) as copies:
        lost: set[Blob] = set()
        for _ in range(ATTEMPTS):
            begun_ms = clock()
            partial = folder / f"{_named(begun_ms)}{PARTIAL}"
            partial.mkdir(parents=True)
            try:
                copy = await asyncio.to_thread(_copy_database, database, partial)
                transfer = await _transfer_all(partial, blobs, copies)
                if lost.issuperset(transfer.lost):
                    _finish(partial, copy, transfer, begun_ms, place or ARTIFACTS)
                    return transfer
            finally:
                if partial.exists():
                    shutil.rmtree(partial)
            lost = set(transfer.lost)
    raise DataLoss(
        f"Each time the database was copied, other files were missing afterwards ({len(lost)} at last). "
        "Is a collection of garbage without a grace running? Let it end, and repeat."
    )


def complete_backups(folder: Path) -> list[str]:
    """The names of the backups in a folder, the newest first."""
    return sorted((each.parent.name for each in folder.glob(f"*/{RECORD}")), reverse=True)


def find_backup(folder: Path, name: str = "") -> FoundBackup:
    """A backup by its name, else the newest that is complete; ConfigurationError if there is none."""
    names = [name] if name else complete_backups(folder)
    try:
        found = msgspec.json.decode((folder / names[0] / RECORD).read_bytes(), type=Backup)
    except (IndexError, FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(f"There is no complete backup{f' {name}' if name else ''} in {folder}.") from None
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{folder / names[0] / RECORD} can't be read: {error}.") from error
    if found.format > FORMAT:
        raise ConfigurationError(
            f"The backup {names[0]} was made by a newer trackback, {found.trackback}: install that."
        )
    return FoundBackup(folder / names[0], found)


def place_of(found: FoundBackup) -> str:
    """Where the bytes of a backup are."""
    folder, backup = found
    return str(folder.parent / ARTIFACTS) if backup.artifacts == ARTIFACTS else backup.artifacts


async def restore(found: FoundBackup, database: str, artifacts: str) -> Transfer:
    """Make the database and the artifacts at these URIs from a backup: bytes first, the database when all else is done.

    Nothing is overwritten: there may be no database yet. Bytes that are there already, as of a restore that broke
    off, stay. Each file that is copied is verified; those that are damaged or missing are told.
    """
    folder, backup = found
    copy = DatabaseCopy(backup.database, folder / backup.file, backup.schema)
    await asyncio.to_thread(check_absent, database, backup.database)
    if await asyncio.to_thread(_digest_of, copy.file) != backup.sha256:
        raise DataLoss(f"The copy of the database {copy.file} is damaged: its SHA-256 is not {backup.sha256}.")
    place = place_of(found)
    _check_places(place, artifacts)
    async with opened(place) as copies, opened(artifacts) as blobs:
        transfer = await _transfer_all(folder, copies, blobs)
    await asyncio.to_thread(restore_database, copy, database)
    return transfer


def _check_places(source: str, target: str) -> None:
    """Bytes that are copied to where they are would not be a copy."""
    if _is_local(source):
        if not local_path(source).is_dir():
            raise ConfigurationError(f"There is no folder {local_path(source)} to copy artifacts from.")
        same = _is_local(target) and local_path(source).resolve() == local_path(target).resolve()
    else:
        same = source.rstrip("/") == target.rstrip("/")
    if same:
        raise ConfigurationError(f"The artifacts are at {source} themselves: name another place for the copies.")


def _is_local(uri: str) -> bool:
    return scheme_of(uri) in ("", "file")


@asynccontextmanager
async def opened(uri: str) -> AsyncIterator[BlobStore]:
    """The store at ``uri``, closed at the end."""
    store = open_blobs(uri)
    try:
        yield store
    finally:
        await store.close()


def _named(time_ms: int) -> str:
    """Names sort by time."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{time_ms % 1000:03d}Z"


def _copy_database(uri: str, folder: Path) -> DatabaseCopy:
    encoder = msgspec.json.Encoder()
    with (folder / _LIST).open("wb") as listed:

        def name(blob: Blob) -> None:
            listed.write(encoder.encode(blob) + b"\n")

        copy = copy_database(uri, folder, name)
        listed.flush()
        os.fsync(listed.fileno())
    return copy


def listed(folder: Path) -> Iterator[Blob]:
    """The blobs that a backup's database names."""
    decoder = msgspec.json.Decoder(Blob)
    with (folder / _LIST).open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)


async def _transfer_all(folder: Path, source: BlobStore, target: BlobStore) -> Transfer:
    """Copy the blobs of a list, a few at once, and few of the list in memory."""
    transfer = Transfer(folder.name.removesuffix(PARTIAL))
    blobs = listed(folder)

    async def work() -> None:
        for blob in blobs:
            await _transfer(blob, source, target, transfer)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(TRANSFERS_AT_ONCE):
                workers.create_task(work())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return transfer


async def _transfer(blob: Blob, source: BlobStore, target: BlobStore, transfer: Transfer) -> None:
    if not LOCATION.fullmatch(blob.location):
        raise DataLoss(f"The list of blobs is damaged: it has {blob.location!r}.")
    one = Tally(1, blob.size)
    if await target.holds(blob):
        transfer.present += one
        return
    try:
        async with aclosing(await source.read(blob)) as pieces:
            await target.keep(blob, pieces)
        transfer.copied += one
    except DataLoss:
        transfer.lost.append(blob)


def _finish(partial: Path, copy: DatabaseCopy, transfer: Transfer, begun_ms: int, artifacts: str) -> None:
    digest = _digest_of(copy.file)
    record = Backup(
        FORMAT, __version__, begun_ms, copy.kind, copy.schema, copy.file.name, digest, artifacts, transfer.all
    )
    with (partial / RECORD).open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(partial.with_suffix(""))
    _sync(partial.parent)


def _digest_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
