"""The provenance record of a run that goes on: captured in the background, and kept true until the run ends."""

import logging
import sys
import threading

from msgspec import json
from msgspec.structs import replace

from trackback.entities import (
    PROVENANCE_PATH,
    PROVENANCE_VERSION,
    CodeRecord,
    DatasetRecord,
    ParentRecord,
    ProvenanceRecord,
)
from trackback.tracking.run import ActiveRun

WAIT_AT_END_S = 10.0
"""How long the end of a run waits for what is captured; git is asked for no longer than half of it."""

COMMIT_TAG = "mlflow.source.git.commit"
BRANCH_TAG = "mlflow.source.git.branch"
REPOSITORY_TAG = "mlflow.source.git.repoURL"

_log = logging.getLogger(__name__)


class Recorder:
    """Of one run. Its document is uploaded when all is captured, and again when something is added."""

    def __init__(self, run: ActiveRun, parents: tuple[ParentRecord, ...] = ()) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._record = ProvenanceRecord(PROVENANCE_VERSION, parents=parents)
        self._captured = False
        self._thread = threading.Thread(target=self._capture, name="trackback-capture", daemon=True)
        run.at_end.append(self._finish)

    def start(self) -> None:
        self._thread.start()

    def add_dataset(self, dataset: DatasetRecord) -> None:
        """A data set went into the run; once, if it is added again."""
        with self._lock:
            if dataset not in self._record.datasets:
                self._record = replace(self._record, datasets=(*self._record.datasets, dataset))
        self._write()

    def add_parent(self, parent: ParentRecord) -> None:
        """The run came from something else: a model that it used, for one."""
        with self._lock:
            if parent not in self._record.parents:
                self._record = replace(self._record, parents=(*self._record.parents, parent))
        self._write()

    def _capture(self) -> None:
        from trackback.provenance import CaptureOptions, capture  # noqa: PLC0415 - what this thread is for

        try:
            captured = capture(CaptureOptions.from_environment())
            for path, content in captured.files.items():
                self._run.upload(path, content)
            with self._lock:
                found = captured.record
                self._record = replace(found, datasets=self._record.datasets, parents=self._record.parents)
                self._captured = True
            self._set_tags(captured.record.code)
            self._write()
        except Exception:  # noqa: BLE001 - training goes on without its record
            _log.warning("What went into run %s could not be recorded", self._run.run_id, exc_info=True)

    def _set_tags(self, code: CodeRecord | None) -> None:
        """As MLflow's clients do, which its UI reads."""
        known = (code.commit, code.branch, code.repository) if code else ()
        for key, value in zip((COMMIT_TAG, BRANCH_TAG, REPOSITORY_TAG), known, strict=False):
            if value:
                self._run.set_tag(key, value)

    def _write(self) -> None:
        with self._lock:
            if self._captured:
                self._run.upload(PROVENANCE_PATH, json.encode(self._record))

    def _finish(self) -> None:
        """The run is about to end: wait for the record, and take a notebook again, with the cells run since."""
        self._thread.join(WAIT_AT_END_S)
        if self._captured and "ipykernel" in sys.modules:
            self._take_notebook()

    def _take_notebook(self) -> None:
        from trackback.provenance import CaptureOptions, capture  # noqa: PLC0415

        options = CaptureOptions.from_environment()
        again = capture(
            CaptureOptions(
                git=False,
                diff=False,
                script=False,
                notebook=options.notebook,
                command=False,
                packages=False,
                hardware=False,
                variables=False,
                most_bytes=options.most_bytes,
            )
        )
        if again.record.code and self._record.code:
            for path, content in again.files.items():
                self._run.upload(path, content)
            with self._lock:
                code = replace(self._record.code, notebook=again.record.code.notebook)
                self._record = replace(self._record, code=code)
            self._write()
