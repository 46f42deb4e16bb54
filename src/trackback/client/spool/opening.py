"""Makes the run at the server that a spool was begun for, once."""

from collections.abc import Sequence
from typing import Any

import msgspec

from trackback.client.spool.folder import Head
from trackback.client.transport import Transport
from trackback.entities import Run, RunInfo, Tag
from trackback.errors import AlreadyExists, NotFound

API = "/api/2.0/mlflow/"
CLIENT_RUN_ID_TAG = "trackback.client_run_id"
DEFAULT_EXPERIMENT = "0"


class _ExperimentInfo(msgspec.Struct):
    experiment_id: str


class _Experiment(msgspec.Struct):
    experiment: _ExperimentInfo


class RunAnswer(msgspec.Struct):
    run: Run


class _Runs(msgspec.Struct):
    runs: list[Run] = []


def open_run(transport: Transport, head: Head) -> RunInfo:
    """The run of a spool that was begun without the server: made now, unless an earlier attempt has made it.

    A tag says which id it was given here, so that a server which chose another is not told of it twice.
    """
    experiment = experiment_of(transport, head)
    if found := _made_before(transport, experiment, head.run_id):
        return found
    return create_run(transport, experiment, head, [Tag(CLIENT_RUN_ID_TAG, head.run_id)])


def experiment_of(transport: Transport, head: Head) -> str:
    """The id of the spool's experiment, which is made where there is none of its name."""
    if not head.experiment_name:
        return head.experiment_id or DEFAULT_EXPERIMENT
    name = {"experiment_name": head.experiment_name}
    try:
        return transport.call("GET", f"{API}experiments/get-by-name", name, _Experiment).experiment.experiment_id
    except NotFound:
        pass
    try:
        created = transport.call(
            "POST", f"{API}experiments/create", {"name": head.experiment_name}, _ExperimentInfo, idempotent=False
        )
    except AlreadyExists:  # by another at the same time
        return transport.call("GET", f"{API}experiments/get-by-name", name, _Experiment).experiment.experiment_id
    return created.experiment_id


def create_run(transport: Transport, experiment_id: str, head: Head, tags: Sequence[Tag] = ()) -> RunInfo:
    """A new run, with the id that it has here where the server lets clients choose."""
    body: dict[str, Any] = {
        "experiment_id": experiment_id,
        "run_id": head.run_id,
        "start_time": head.start_time,
        "run_name": head.run_name,
        "user_id": head.user_id,
        "tags": [*head.tags, *tags],
    }
    return transport.call("POST", f"{API}runs/create", body, RunAnswer, idempotent=False).run.info


def _made_before(transport: Transport, experiment_id: str, run_id: str) -> RunInfo | None:
    query = {"experiment_ids": [experiment_id], "filter": f"tags.`{CLIENT_RUN_ID_TAG}` = '{run_id}'", "max_results": 1}
    found = transport.call("POST", f"{API}runs/search", query, _Runs).runs
    return found[0].info if found else None
