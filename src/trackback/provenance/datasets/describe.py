"""Any data that a run uses, described: its digest, schema, profile and source."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from trackback.errors import InvalidParameter
from trackback.limits import escaped, find_sha256, shown
from trackback.provenance.datasets import content, files, sources, spark
from trackback.provenance.datasets.described import DescribedDataset
from trackback.provenance.datasets.digests import FORMAT, digest
from trackback.provenance.datasets.frames import columns_of, named_columns
from trackback.provenance.datasets.named_arrays import library_of
from trackback.provenance.datasets.profiles import SAMPLE

DEFAULT_NAME = "dataset"


def describe_dataset(
    data: Any,
    *,
    name: str | None = None,
    source: str | Path | None = None,
    context: str | None = None,
    targets: Any = None,
    derived_from: Iterable[str | DescribedDataset] = (),
    read: bool = True,
) -> DescribedDataset:
    """Describe data, reading all of it once.

    data: a pandas or polars frame or series; an Arrow table; a numpy array of any shape, a dict of arrays, a scipy
        sparse matrix; a Bunch of scikit-learn; a Spark frame; the path of a file or folder; or a URI (``https://…``,
        ``s3://bucket/key``, ``gs://…`` and others that fsspec knows).
    name: else that of the file, or ``dataset``.
    source: where data in memory is from, as a path or a URI.
    context: ``training``, ``validation``, ``test``, or another word.
    targets: the name of the column that is to be predicted, or a list of names; or, where the data doesn't have it, its
        values as ``data`` may be: these are part of the data set then, as the column ``targets`` if they have no name.
    derived_from: what it was made from: described data sets, or their digests.
    read: False to leave what is at a URI unread; it then has no digest.

    InvalidParameter: it is none of these, or a column holds what has no digest; the message names it. Unavailable: the
    store did not answer. InvalidState: a file was written to meanwhile.
    """
    parents = tuple(map(_digest_of, derived_from))
    names, values = _split_targets(targets)
    found = _described(data, values, read)
    if values is not None and isinstance(data, str | Path):
        raise InvalidParameter("Of data at a path or a URI, give targets by their names.")
    if source is not None:
        place = _place(str(source))
        found = replace(found, source=place, source_type=sources.source_type_of(place))
    schema = {**(found.schema or {}), "targets": names} if names else found.schema
    return replace(found, name=name or found.name, context=context, schema=schema, derived_from=parents)


def _described(data: Any, targets: Any, read: bool) -> DescribedDataset:
    if isinstance(data, str | Path):
        text = str(data)
        if sources.is_uri(text) and sources.source_type_of(text) != "local":
            return _at_uri(text, read)
        return _at_path(sources.local_path(text).absolute())
    if library_of(data) == "pyspark":
        return _of_spark(data)
    groups = columns_of(data, "data")
    if groups is None:
        raise InvalidParameter(
            f"{shown(data)} is a {type(data).__name__}, and no data set. Give a frame, an array, a path or a URI."
        )
    found = digest([*groups, *([] if targets is None else named_columns(targets, "targets"))])
    return DescribedDataset(
        name=DEFAULT_NAME,
        sha256=found.sha256,
        rows=found.rows,
        schema={"format": FORMAT, "columns": list(found.columns)},
        profile={"sample_rows": min(found.rows, SAMPLE), "columns": list(found.profile)},
        write=lambda folder: content.write_memory(data, targets, folder),
    )


def _at_path(path: Path) -> DescribedDataset:
    if path.is_dir():
        sums = files.checksums(path)
        return DescribedDataset(
            name=escaped(path.name),
            sha256=sums.sha256,
            source=escaped(str(path)),
            source_type="local",
            profile=sums.profile(),
            write=lambda folder: content.folder_content(path, sums, folder),
        )
    found = files.file_facts(path)
    return DescribedDataset(
        name=escaped(path.name),
        sha256=found.sha256,
        source=escaped(str(path)),
        source_type="local",
        rows=found.rows,
        schema=found.schema,
        profile=found.profile,
        write=lambda _: {path.name: path},
    )


def _at_uri(uri: str, read: bool) -> DescribedDataset:
    hashed, size = hashlib.sha256(), 0

    def take(piece: bytes) -> None:
        nonlocal size
        hashed.update(piece)
        size += len(piece)

    facts = sources.read_uri(uri, take) if read else sources.look_at(uri)
    place = sources.shown_uri(uri, facts)
    profile = {key: value for key, value in vars(facts).items() if value} | ({"bytes": size} if read else {})
    version = facts.version or facts.etag or facts.modified or ""
    return DescribedDataset(
        name=sources.name_of(uri),
        sha256=hashed.hexdigest() if read else None,
        source=place,
        source_type=sources.source_type_of(uri),
        profile=profile or None,
        weak_digest=hashlib.sha256(f"{place}\n{version}".encode()).hexdigest()[:8],
        write=lambda folder: content.write_uri(uri, folder),
    )


def _of_spark(frame: Any) -> DescribedDataset:
    found = spark.facts(frame)
    files_read = spark.source_of(frame)
    place = _place(files_read) if files_read else None
    return DescribedDataset(
        name=DEFAULT_NAME,
        sha256=found.sha256,
        source=place,
        source_type=sources.source_type_of(place) if place else "spark",
        rows=found.rows,
        schema=found.schema,
        profile=found.profile,
    )


def _place(source: str) -> str:
    """Where data is from, as it may be shown: an absolute path, or a URI without credentials."""
    if sources.is_uri(source) and sources.source_type_of(source) != "local":
        return sources.shown_uri(source)
    return str(sources.local_path(source).absolute())


def _split_targets(targets: Any) -> tuple[list[str], Any]:
    """Names of targets, or their values."""
    if isinstance(targets, str):
        return [targets], None
    if isinstance(targets, list | tuple) and targets and all(isinstance(each, str) for each in targets):
        return list(targets), None
    return [], targets


def _digest_of(parent: "str | DescribedDataset") -> str:
    digest = parent.sha256 if isinstance(parent, DescribedDataset) else find_sha256(parent)
    if digest is None:
        raise InvalidParameter(
            f"{shown(parent)} in derived_from is no digest of a data set. Give its SHA-256, or the description."
        )
    return digest
