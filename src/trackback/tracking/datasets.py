"""Data sets that go into the active run: ``log_input``, with what describes them."""

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from trackback.entities import Tag
from trackback.errors import Overloaded, PermissionDenied, Unavailable
from trackback.tracking.fluent import run_for, session
from trackback.tracking.run import ActiveRun, text_of

if TYPE_CHECKING:
    from trackback.provenance.datasets import DescribedDataset

_log = logging.getLogger(__name__)


def log_input(
    dataset: Any,
    context: str | None = None,
    tags: Mapping[str, str] | None = None,
    model: Any = None,
    *,
    name: str | None = None,
    source: str | Path | None = None,
    targets: Any = None,
    derived_from: "Iterable[str | DescribedDataset]" = (),
    store: bool = False,
) -> "DescribedDataset":
    """Say that data went into the active run; its description, with the digest of all of its content.

    dataset: what ``describe_dataset`` takes, or has returned: a frame of pandas, polars or Spark, an Arrow table, numpy
        arrays, a Bunch of scikit-learn, a path or a URI.
    context: ``training``, ``validation``, ``test``, or another word.
    store: keep the bytes on the server, once for each digest; `trackback data get DIGEST` brings them back. Who may not
        write everywhere on it keeps them among the files of the run, and has them back by `--run`.

    If the server is away, what is to be stored is kept with the run's spool, and sent among the files of the run.

    InvalidParameter: it is no data, or such data can't be kept.
    """
    described = log_input_to(
        run_for(None),
        dataset,
        context=context,
        tags=tags,
        name=name,
        source=source,
        targets=targets,
        derived_from=derived_from,
    )
    if store:
        _keep(run_for(None), described)
    return described


def log_input_to(
    run: ActiveRun,
    dataset: Any,
    *,
    context: str | None,
    tags: Mapping[str, str] | None = None,
    name: str | None = None,
    source: str | Path | None = None,
    targets: Any = None,
    derived_from: "Iterable[str | DescribedDataset]" = (),
) -> "DescribedDataset":
    """As ``log_input``, to any run of this process."""
    from trackback.provenance.datasets import DescribedDataset, describe_dataset  # noqa: PLC0415 - 30 ms

    if isinstance(dataset, DescribedDataset):
        described = dataclasses.replace(dataset, name=name or dataset.name, context=context or dataset.context)
    else:
        described = describe_dataset(
            dataset, name=name, source=source, context=context, targets=targets, derived_from=derived_from
        )
    logged = described.input
    extra = tuple(Tag(key, text_of(value)) for key, value in (tags or {}).items())
    run.log_inputs([replace(logged, tags=(*logged.tags, *extra))])
    if described.record is not None and run.recorder:
        run.recorder.add_dataset(described.record)
    return described


def _keep(run: ActiveRun, described: "DescribedDataset") -> None:
    from trackback.provenance.datasets import keep, root_of_run  # noqa: PLC0415

    try:
        run.flush()
        transport = session.transport()
        try:
            keep(transport, described)
        except PermissionDenied:
            keep(transport, described, root_of_run(transport, run.server_run_id))
    except (Unavailable, Overloaded) as error:
        _log.warning("The data set %s is kept here until the server takes it: %s", described.name, error.message)
        _keep_with(run, described)


def _keep_with(run: ActiveRun, described: "DescribedDataset") -> None:
    """Among the files of the run, in their turn."""
    from trackback.provenance.datasets import contents, folder_in_run  # noqa: PLC0415

    with contents(described) as files:
        for name, path in files.items():
            run.upload(f"{folder_in_run(described)}/{name}", path)
