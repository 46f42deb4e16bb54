"""MLflow's fluent functions that read and change what the server has: runs, experiments and their artifacts.

Each has the server know first what this process has logged, so that a program reads what it wrote.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Literal

from trackback.client.api import Client, walk
from trackback.entities import Experiment, FileInfo, LifecycleStage, Run, ViewType
from trackback.errors import AlreadyExists, InvalidParameter, InvalidState, NotFound, Overloaded, Unavailable
from trackback.limits import check_experiment_name, shown
from trackback.tracking.fluent import active_run, last_run, run_for, session
from trackback.tracking.libraries import needed
from trackback.tracking.session import START_RETRIES

OUTPUT_FORMATS = ("pandas", "polars", "arrow", "list")
_FRAMES = "search_runs, unless it is told output_format='list',"
_SEARCH_PAGE = 1000
_ALL = 100_000

_log = logging.getLogger(__name__)


def client() -> Client:
    """The server, once it has all that this process has logged. Errors: those of ``flush``."""
    session.flush()
    return Client(transport=session.transport())


def set_experiment(experiment_name: str | None = None, experiment_id: str | None = None) -> Experiment | None:
    """Have runs that begin from now on belong to an experiment, which is made if there is none of its name.

    None without a server, or while it is away: it is looked up, or made, when the runs are sent.

    InvalidParameter: neither or both are given. InvalidState: it is deleted. NotFound: there is none of this id.
    """
    if (experiment_name is None) == (experiment_id is None):
        raise InvalidParameter("Give set_experiment either the name or the id of an experiment.")
    if experiment_name is not None:
        check_experiment_name(experiment_name)
    try:
        server = Client(transport=session.transport(START_RETRIES))
        experiment = (
            find_or_make(server, experiment_name) if experiment_name else server.get_experiment(str(experiment_id))
        )
    except (Unavailable, Overloaded) as error:
        if not session.is_offline:
            _log.warning("The experiment is looked up, or made, when runs of it can be sent: %s", error.message)
        session.experiment_id, session.experiment_name = str(experiment_id or ""), experiment_name or ""
        return None
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        raise InvalidState(
            f"The experiment {shown(experiment.name)} is deleted. Restore it, or choose another name for yours."
        )
    session.experiment_id, session.experiment_name = experiment.experiment_id, ""
    return experiment


def create_experiment(name: str, artifact_location: str | None = None, tags: Mapping[str, object] | None = None) -> str:
    """Make an experiment; its id. AlreadyExists: the name is taken."""
    return client().create_experiment(name, artifact_location, tags)


def get_experiment(experiment_id: str) -> Experiment:
    """An experiment. NotFound: there is none of this id."""
    return client().get_experiment(experiment_id)


def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment of this name; None if there is none."""
    return client().get_experiment_by_name(name)


def search_experiments(
    view_type: ViewType | int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:
    """Experiments, by a filter such as ``name LIKE 'churn%'``, the newest first: all, or ``max_results``."""
    found = walk(client().search_experiments, view_type, _SEARCH_PAGE, filter_string, order_by)
    return list(islice(found, max_results))


def delete_experiment(experiment_id: str) -> None:
    """Delete an experiment with its runs. NotFound: there is none of this id."""
    client().delete_experiment(experiment_id)


def set_experiment_tag(key: str, value: object) -> None:
    """Set a tag of the experiment that runs belong to now."""
    client().set_experiment_tag(_current_experiment(), key, value)


def set_experiment_tags(tags: Mapping[str, object]) -> None:
    """Set tags, as ``set_experiment_tag`` does."""
    for key, value in tags.items():
        set_experiment_tag(key, value)


def get_run(run_id: str) -> Run:
    """A run, with its params, tags, and last metrics. NotFound: there is none of this id."""
    return client().get_run(run_id)


def get_parent_run(run_id: str) -> Run | None:
    """The run that a run is nested in; None if it is in none."""
    return client().get_parent_run(run_id)


def last_active_run() -> Run | None:
    """The active run, or the one that ended last in this thread, as the server has it; None if there was none."""
    run = active_run() or last_run()
    return get_run(run.run_id) if run else None


def delete_run(run_id: str) -> None:
    """Delete a run; ``Client.restore_run`` brings it back. NotFound: there is none of this id."""
    client().delete_run(run_id)


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: ViewType | int = ViewType.ACTIVE_ONLY,
    max_results: int = _ALL,
    order_by: Sequence[str] | None = None,
    output_format: Literal["pandas", "polars", "arrow", "list"] = "pandas",
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
) -> Any:
    """Runs of some experiments, by default of the one that runs belong to now.

    output_format: a frame of pandas or polars, or a table of Arrow, with a row a run and the columns ``run_id``,
        ``experiment_id``, ``status``, ``artifact_uri``, ``start_time`` and ``end_time`` (times in UTC), and
        ``metrics.<key>`` (the last value), ``params.<key>`` and ``tags.<key>``; or a list of ``Run``.

    InvalidParameter: the filter can't be read, the format is none of these, or ids and names are both given.
    MissingLibrary: that of the format is not there; a list needs none.
    """
    if output_format not in OUTPUT_FORMATS:
        known = ", ".join(OUTPUT_FORMATS)
        raise InvalidParameter(f"Invalid output_format {shown(output_format)}: it is one of {known}.")
    server = client()
    experiments = _searched(server, experiment_ids, experiment_names, search_all_experiments)
    page = min(max_results, _SEARCH_PAGE)
    found = walk(server.search_runs, experiments, filter_string, run_view_type, page, order_by) if experiments else ()
    runs = list(islice(found, max_results))
    return runs if output_format == "list" else _framed(_columns(runs), output_format)


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """Where the active run's artifacts are, or one of them."""
    root = run_for(None).artifact_uri
    return f"{root}/{artifact_path}" if artifact_path else root


def list_artifacts(artifact_path: str | None = None, run_id: str | None = None) -> list[FileInfo]:
    """The artifacts of a run, by default the active one, in one of its folders. NotFound: there is no such run."""
    return client().list_artifacts(run_id or run_for(None).run_id, artifact_path)


def find_or_make(server: Client, name: str) -> Experiment:
    """The experiment of this name, which is made if there is none."""
    if found := server.get_experiment_by_name(name):
        return found
    with suppress(AlreadyExists):  # another program has begun with it at the same time
        server.create_experiment(name)
    made = server.get_experiment_by_name(name)
    if made is None:
        raise NotFound(f"The experiment {shown(name)} was made, and is gone again.")
    return made


def _current_experiment() -> str:
    if run := active_run():
        return run.experiment_id
    if session.experiment_name:
        found = client().get_experiment_by_name(session.experiment_name)
        if found is None:
            raise NotFound(f"There is no experiment {shown(session.experiment_name)} yet.")
        return found.experiment_id
    return session.experiment_id or "0"


def _searched(server: Client, ids: Sequence[str] | None, names: Sequence[str] | None, everywhere: bool) -> list[str]:
    """The ids of the experiments to search."""
    if ids and names:
        raise InvalidParameter("Give search_runs either experiment_ids or experiment_names.")
    if ids:
        return [str(each) for each in ids]
    if names:
        found = {name: server.get_experiment_by_name(name) for name in names}
        return [each.experiment_id for each in found.values() if each]
    if everywhere:
        return [each.experiment_id for each in walk(server.search_experiments, max_results=_SEARCH_PAGE)]
    return [_current_experiment()]


def _columns(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """A column a field, as long as the runs are many; None where a run has no value."""
    rows = list(map(_row, runs))
    names = list(dict.fromkeys(name for row in rows for name in row))
    first = ("run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time")
    ordered = [*first, *sorted(set(names) - set(first))]
    return {name: [row.get(name) for row in rows] for name in ordered}


def _row(run: Run) -> dict[str, Any]:
    info, data = run.info, run.data
    return {
        "run_id": info.run_id,
        "experiment_id": info.experiment_id,
        "status": info.status.value,
        "artifact_uri": info.artifact_uri,
        "start_time": info.start_time,
        "end_time": info.end_time,
        **{f"metrics.{each.key}": each.value for each in data.metrics},
        **{f"params.{each.key}": each.value for each in data.params},
        **{f"tags.{each.key}": each.value for each in data.tags},
    }


def _framed(columns: dict[str, list[Any]], output_format: str) -> Any:
    times = ("start_time", "end_time")
    if output_format == "pandas":
        with needed("pandas", _FRAMES):
            import pandas as pd  # noqa: PLC0415 - only who wants a frame needs it

        frame = pd.DataFrame(columns)
        for name in times:
            frame[name] = pd.to_datetime(frame[name], unit="ms", utc=True)
        return frame
    if output_format == "polars":
        with needed("polars", _FRAMES):
            import polars as pl  # noqa: PLC0415

        return pl.DataFrame(columns, infer_schema_length=None).with_columns(
            pl.from_epoch(pl.col(name).cast(pl.Int64), time_unit="ms").dt.replace_time_zone("UTC") for name in times
        )
    with needed("pyarrow", _FRAMES):
        import pyarrow as pa  # noqa: PLC0415

    stamps = pa.timestamp("ms", tz="UTC")
    arrays = {name: pa.array(values, type=stamps if name in times else None) for name, values in columns.items()}
    return pa.table(arrays)
