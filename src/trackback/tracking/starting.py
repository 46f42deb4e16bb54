"""How a run begins here: new or resumed, with the server or without."""

import getpass
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from trackback.client.spool.folder import FORMAT, Head
from trackback.client.spool.opening import API, DEFAULT_EXPERIMENT, RunAnswer, create_run, experiment_of
from trackback.entities import LifecycleStage, RunInfo, RunStatus, Tag
from trackback.errors import InvalidState, Overloaded, Unavailable
from trackback.limits import check_key
from trackback.tracking.run import ActiveRun, now_ms, text_of
from trackback.tracking.session import START_RETRIES, Session

PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"

_log = logging.getLogger(__name__)


def begin_run(
    session: Session,
    *,
    experiment_id: str | None,
    run_name: str | None,
    tags: Mapping[str, Any],
    parent: str | None,
    start_time_ms: int | None = None,
    waits: bool = True,
) -> ActiveRun:
    """A new run. If the server can't be asked, it is made there when it can; so it is if nobody ``waits`` for that.

    Errors: what the server says about credentials and the experiment.
    """
    head = Head(
        format=FORMAT,
        uri=session.uri,
        run_id=uuid4().hex,
        start_time=start_time_ms or now_ms(),
        run_name=text_of(run_name or ""),
        user_id=_user(),
        tags=[Tag(check_key(key, "key"), text_of(value)) for key, value in {**_source_tags(parent), **tags}.items()],
        process=os.getpid(),
    )
    head.experiment_id, head.experiment_name = _experiment(session, experiment_id)
    info = _create(session, head) if waits and not session.is_offline else None
    if info:
        head.server_run_id, head.artifact_uri = info.run_id, info.artifact_uri
    return ActiveRun(session, info or _unknown(head), session.begin(head))


def resume_run(session: Session, run_id: str, tags: Mapping[str, Any], run_name: str | None) -> ActiveRun:
    """A run that is there, and goes on: RUNNING.

    NotFound: there is none. InvalidState: it is deleted.
    """
    head = Head(FORMAT, session.uri, run_id, now_ms(), server_run_id=run_id, process=os.getpid())
    if session.is_offline:
        info, params = _unknown(head), {}
    else:
        found = session.transport().call("GET", f"{API}runs/get", {"run_id": run_id}, RunAnswer).run
        info, params = found.info, {param.key: param.value for param in found.data.params}
        if info.lifecycle_stage != LifecycleStage.ACTIVE:
            raise InvalidState(f"The run {run_id} is deleted. Restore it before it goes on.")
        head.artifact_uri, head.experiment_id = info.artifact_uri, info.experiment_id
    run = ActiveRun(session, info, session.begin(head), resumed=True)
    run.params = params
    run.update(RunStatus.RUNNING, run_name=run_name and text_of(run_name))
    for key, value in tags.items():
        run.set_tag(key, value)
    return run


def _create(session: Session, head: Head) -> RunInfo | None:
    transport = session.transport(START_RETRIES)
    try:
        return create_run(transport, experiment_of(transport, head), head)
    except (Unavailable, Overloaded) as error:
        _log.warning("Run %s begins without the server, and is sent when it can be: %s", head.run_id, error.message)
        return None


def _experiment(session: Session, experiment_id: str | None) -> tuple[str, str]:
    """The id of the experiment, or its name: what was asked for, else set, else what the environment says."""
    if experiment_id:
        return str(experiment_id), ""
    if session.experiment_id or session.experiment_name:
        return session.experiment_id, session.experiment_name
    if by_id := os.environ.get("MLFLOW_EXPERIMENT_ID"):
        return by_id, ""
    name = os.environ.get("TRACKBACK_EXPERIMENT") or os.environ.get("MLFLOW_EXPERIMENT_NAME") or ""
    return ("", name) if name else (DEFAULT_EXPERIMENT, "")


def _unknown(head: Head) -> RunInfo:
    """What is known of a run before the server is."""
    return RunInfo(
        run_id=head.run_id,
        run_uuid=head.run_id,
        run_name=head.run_name,
        experiment_id=head.experiment_id,
        user_id=head.user_id,
        status=RunStatus.RUNNING,
        start_time=head.start_time,
        artifact_uri=head.artifact_uri,
        lifecycle_stage=LifecycleStage.ACTIVE,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _source_tags(parent: str | None) -> dict[str, str]:
    tags = {"mlflow.user": _user(), "mlflow.source.name": _program(), "mlflow.source.type": "LOCAL"}
    if "ipykernel" in sys.modules:
        tags["mlflow.source.type"] = "NOTEBOOK"
    if parent:
        tags[PARENT_TAG] = parent
    return tags


def _program() -> str:
    return str(Path(sys.argv[0]).resolve()) if sys.argv and sys.argv[0] else sys.executable
