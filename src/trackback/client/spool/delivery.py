"""Sends what a spool has to the server, in order, and each of it once.

What the server can't take now is sent again, from the first request that it did not acknowledge; repeats change
nothing there. What it refuses for good is kept in the spool's folder, told once, and the rest goes on.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from trackback.client.places import kept_path
from trackback.client.spool import opening
from trackback.client.spool.batches import Batch, Step, batches_of, parts_of, size_of, steps_of
from trackback.client.spool.folder import Folder
from trackback.client.spool.reader import Reader
from trackback.client.spool.records import Block, DeleteTag, LogInputs, LogOutputs, UpdateRun, Upload
from trackback.client.transport import Transport
from trackback.client.wire import Nothing
from trackback.entities import LifecycleStage, Run, RunStatus, point_packs
from trackback.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    InvalidParameter,
    InvalidState,
    NotFound,
    TooLarge,
    TrackbackError,
    UnknownEndpoint,
)
from trackback.limits import ITEMS_PER_BATCH, POINTS_PER_PACK

REFUSALS = (InvalidParameter, BadRequest, InvalidState, NotFound, AlreadyExists, Conflict, TooLarge)
"""What the server will say again, however often it is asked. All else may pass: credentials, too, can be mended."""

_log = logging.getLogger(__name__)


class RunGone(TrackbackError):
    """The run was deleted: what is left of its spool can be sent when it is restored."""


class Delivery:
    """``refused`` are the server's refusals that nobody was told of by an exception yet; ``has_ended`` says whether the
    run's end was among what was sent.
    """

    def __init__(self, folder: Folder, reader: Reader, transport: Transport) -> None:
        self.folder = folder
        self.reader = reader
        self.refused: list[TrackbackError] = []
        self.has_ended = False
        self._transport = transport
        self._packed = True  # until the server turns out to be MLflow's

    def send(self) -> int:
        """Send the next that were logged; how many they were, 0 if nothing is left.

        Errors: those of the server that may pass; then nothing is forgotten.
        """
        self.open_run()
        taken = self.reader.take(self.most)
        for step in steps_of(self.folder.head.server_run_id, taken.logged, packed=self._packed):
            self._send(step)
        if taken.end != self.reader.place:
            self.reader.advance(taken.end)
        for each in taken.logged:
            if isinstance(each, Upload):
                self.folder.file(each.file).unlink(missing_ok=True)
        return taken.items

    @property
    def most(self) -> int:
        """How many are sent at once, where there are as many."""
        return POINTS_PER_PACK if self._packed else ITEMS_PER_BATCH

    def open_run(self) -> None:
        """Have the server know the run."""
        head = self.folder.head
        if not head.server_run_id:
            info = opening.open_run(self._transport, head)
            head.server_run_id, head.artifact_uri = info.run_id, info.artifact_uri
            head.experiment_id = info.experiment_id
            with suppress(OSError):  # the disk is full: another process will look the run up by its id
                self.folder.save()

    def beat(self, timeout_s: float) -> None:
        """Say that the run's process is alive, to be heard again within that time. UnknownEndpoint: MLflow's server."""
        run_id = self.folder.head.server_run_id
        self._transport.call("POST", f"/api/v1/runs/{run_id}/heartbeat", {"timeout_s": timeout_s}, Nothing)

    def fail_run(self) -> None:
        """Say that the run's process is gone, and did not end it, unless it has ended for the server."""
        if self._run().info.status is RunStatus.RUNNING:
            self._post("runs/update", {"run_id": self.folder.head.server_run_id, "status": RunStatus.FAILED})

    def _send(self, step: Step) -> None:
        try:
            self._call(step)
        except UnknownEndpoint:
            if not isinstance(step, Block):
                raise
            self._packed = False
            self._send_all(batches_of(self.folder.head.server_run_id, step))
        except REFUSALS as refusal:
            self._check_run()
            if isinstance(step, Block):
                self._send_all(batches_of(self.folder.head.server_run_id, step))
            elif isinstance(step, Batch) and size_of(step) > 1:
                self._send_all(parts_of(step))
            else:
                self._refuse(step, refusal)

    def _send_all(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._send(step)

    def _call(self, step: Step) -> None:
        run_id = self.folder.head.server_run_id
        match step:
            case Batch():
                self._post("runs/log-batch", step)
            case Block():
                path = f"/api/v1/runs/{run_id}/points"
                self._transport.post(path, point_packs.pack(*step), point_packs.MEDIA_TYPE, Nothing)
            case Upload(path, file):
                self._upload(path, file)
            case UpdateRun(status, end_time, run_name):
                body = {"run_id": run_id, "status": status, "end_time": end_time, "run_name": run_name}
                self._post("runs/update", {name: value for name, value in body.items() if value is not None})
                self.has_ended = status not in (None, RunStatus.RUNNING, RunStatus.SCHEDULED)
            case DeleteTag(key):
                with suppress(NotFound):  # deleted by an attempt that was not acknowledged
                    self._post("runs/delete-tag", {"run_id": run_id, "key": key})
            case LogInputs(datasets, models):
                self._post("runs/log-inputs", {"run_id": run_id, "datasets": datasets, "models": models})
            case LogOutputs(models):
                self._post("runs/outputs", {"run_id": run_id, "models": models})

    def _post(self, name: str, body: Any) -> None:
        self._transport.call("POST", opening.API + name, body, Nothing)

    def _upload(self, path: str, name: str) -> None:
        file = self.folder.file(name)
        if not file.exists():
            raise InvalidState(f"The file {file}, to be uploaded as {path}, is gone.")
        self._transport.upload(f"{kept_path(self.folder.head.artifact_uri)}/{path}", file)

    def _check_run(self) -> None:
        """RunGone, if that is why the server refuses."""
        run_id = self.folder.head.server_run_id
        try:
            run = self._run()
        except NotFound:
            raise RunGone(f"The run {run_id} is not at {self._transport.uri}.") from None
        if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
            raise RunGone(f"The run {run_id} is deleted. Restore it, and what is left of it can be sent.")

    def _run(self) -> Run:
        run_id = {"run_id": self.folder.head.server_run_id}
        return self._transport.call("GET", f"{opening.API}runs/get", run_id, opening.RunAnswer).run

    def _refuse(self, step: Step, refusal: TrackbackError) -> None:
        self.folder.keep_refused(step, refusal.message)
        self.refused.append(refusal)
        _log.warning("Not logged to run %s: %s", self.folder.head.server_run_id, refusal.message)
