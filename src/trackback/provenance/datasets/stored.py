"""Data that is kept on a server: ``datasets/<digest>/`` among its artifacts, once, whichever runs use it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec

from trackback.client.places import kept_path
from trackback.client.transport import Transport
from trackback.entities import Run
from trackback.errors import DataLoss, InvalidParameter, NotFound
from trackback.limits import find_sha256, shown
from trackback.provenance.datasets.content import CHECKSUMS, FILES, verify
from trackback.provenance.datasets.described import DescribedDataset
from trackback.provenance.datasets.files import file_digest

ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
ROOT = "datasets"
OF_RUN = f"trackback/{ROOT}"
"""Below the files of a run."""


class _File(msgspec.Struct):
    path: str
    is_dir: bool = False


class _Listing(msgspec.Struct):
    files: tuple[_File, ...] = ()


class _FoundRun(msgspec.Struct):
    run: Run


def folder_of(sha256: str, root: str = ROOT) -> str:
    """The proxy path below which data with this digest is kept."""
    return f"{root}/{sha256}"


def keep(transport: Transport, dataset: DescribedDataset, root: str = ROOT) -> str:
    """Store the content of a data set on the server, unless it is there; the proxy path of its folder.

    root: another place for data sets, as ``<artifacts of a run>/trackback/datasets``, for who may write there only.

    InvalidParameter: its digest is not known, or such data can't be kept; and the errors of an upload.
    """
    folder = folder_of(_digest_of(dataset), root)
    if _is_whole(_list(transport, folder)):
        return folder
    with contents(dataset) as files:
        for name, path in files.items():
            transport.upload(f"{folder}/{name}", path)
    return folder


def folder_in_run(dataset: DescribedDataset) -> str:
    """The artifact folder of a run in which a data set is kept. InvalidParameter: its digest is not known."""
    return folder_of(_digest_of(dataset), OF_RUN)


@contextmanager
def contents(dataset: DescribedDataset) -> Iterator[dict[str, Path]]:
    """The files that keep a data set, by name, in the order to upload them in. InvalidParameter: it can't be kept."""
    with tempfile.TemporaryDirectory(prefix="trackback-") as scratch:
        yield dataset.content(Path(scratch))


def _digest_of(dataset: DescribedDataset) -> str:
    if dataset.sha256 is None:
        raise InvalidParameter(
            f"The data set {shown(dataset.name)} was not read, so it can't be kept. Leave out read=False."
        )
    return dataset.sha256


def fetch(transport: Transport, digest: str, destination: Path | None = None, root: str = ROOT) -> Path:
    """Download the data with a digest, and verify it; where it is now.

    destination: the file, or for a folder the folder, that it becomes; else what it is called, in the current one.

    InvalidParameter: that is no digest, or something is at the destination. NotFound: the server has no such data.
    DataLoss: what it has is other data; nothing is kept then.
    """
    sha256 = find_sha256(digest)
    if sha256 is None:
        raise InvalidParameter(f"{shown(digest)} is no digest of a data set: it is 64 hex digits.")
    folder = folder_of(sha256, root)
    listed = _list(transport, folder)
    if not _is_whole(listed):
        raise NotFound(
            f"The server has no data with the digest {sha256}. It keeps what was logged with store=True; "
            f"`trackback trace datasets/{sha256}` tells which runs used it, and where it was from."
        )
    if any(each.path == CHECKSUMS for each in listed):
        return _fetch_folder(transport, folder, sha256, destination or Path(sha256[:12]))
    return _fetch_file(transport, f"{folder}/{listed[0].path}", sha256, destination or Path(listed[0].path))


def _fetch_file(transport: Transport, path: str, sha256: str, destination: Path) -> Path:
    _check_free(destination)
    with tempfile.TemporaryDirectory(prefix=".trackback-", dir=_parent(destination)) as scratch:
        got = Path(scratch) / path.rpartition("/")[2]
        transport.download(path, got)
        verify(got, sha256)
        got.replace(destination)
    return destination


def _fetch_folder(transport: Transport, folder: str, sha256: str, destination: Path) -> Path:
    _check_free(destination)
    with tempfile.TemporaryDirectory(prefix=".trackback-", dir=_parent(destination)) as scratch:
        listed, files = Path(scratch) / CHECKSUMS, Path(scratch) / FILES
        transport.download(f"{folder}/{CHECKSUMS}", listed)
        _check(CHECKSUMS, file_digest(listed), sha256)
        for digest, name in _lines(listed):
            _check(name, transport.download(f"{folder}/{FILES}/{name}", files / name), digest)
        files.replace(destination)
    return destination


def _lines(checksums: Path) -> Iterator[tuple[str, str]]:
    for line in checksums.read_bytes().decode(errors="surrogateescape").splitlines():
        digest, _, name = line.partition("  ")
        if {"", ".", ".."} & set(name.split("/")):
            raise DataLoss(f"The list of files names {shown(name)}, which leads elsewhere. Nothing was kept.")
        yield digest, name


def _check(name: str, found: str, sha256: str) -> None:
    if found != sha256:
        raise DataLoss(f"{name} has the digest {found}, and should have {sha256}. Nothing was kept. Fetch it again.")


def _check_free(destination: Path) -> None:
    if destination.exists():
        raise InvalidParameter(f"{destination} is there already. Name another place with -o, or move it away.")


def _parent(destination: Path) -> Path:
    destination.parent.mkdir(parents=True, exist_ok=True)
    return destination.parent


def _is_whole(listed: tuple[_File, ...]) -> bool:
    """Whether all of the data is there: a file, or a folder with the list of its files, which is uploaded last."""
    return any(not each.is_dir for each in listed)


def _list(transport: Transport, folder: str) -> tuple[_File, ...]:
    return transport.call("GET", f"{ARTIFACTS}?path={quote(folder, safe='')}", {}, _Listing).files


def root_of_run(transport: Transport, run_id: str) -> str:
    """Where data sets are kept among the files of a run. NotFound, InvalidParameter: it has no such place."""
    run = transport.call("GET", "/api/2.0/mlflow/runs/get", {"run_id": run_id.removeprefix("runs:/")}, _FoundRun).run
    return f"{kept_path(run.info.artifact_uri)}/{OF_RUN}"
