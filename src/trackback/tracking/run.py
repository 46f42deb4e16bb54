"""A run that a program logs to."""

import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from trackback.client.keyed import by_key
from trackback.client.places import kept_path
from trackback.client.spool.folder import Head
from trackback.client.spool.opening import API, RunAnswer
from trackback.client.spool.records import (
    Action,
    DeleteTag,
    LogInputs,
    LogMetric,
    LogOutputs,
    LogParam,
    SetTag,
    UpdateRun,
)
from trackback.client.spool.spool import Spool
from trackback.entities import (
    DatasetInput,
    Metric,
    ModelInput,
    ModelOutput,
    Param,
    Run,
    RunData,
    RunInfo,
    RunStatus,
    Tag,
)
from trackback.errors import InvalidParameter, InvalidState, Overloaded, StorageFull, Unavailable
from trackback.limits import check_artifact_path, check_key, escaped, shown
from trackback.tracking.session import FLUSH_S, Session

LARGE_FILE_BYTES = 2**24

if TYPE_CHECKING:
    from trackback.tracking.recording import Recorder

_log = logging.getLogger(__name__)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def text_of(value: object) -> str:
    """What ``str`` makes of it; what is no Unicode there, as in names of files, is escaped."""
    return escaped(str(value))


class ActiveRun:
    """A run that this process logs to. None of the calls that log waits for the server.

    A ``with`` ends it: FINISHED, or FAILED if an exception leaves the block. ``info`` is what was known of it when it
    began here; ``process`` is the one that it began in, of which others may be forked; ``params`` are those that it is
    known to have, by their first values; ``tables`` holds the rows of the tables that it logged, by artifact;
    ``at_end`` is called before it ends; ``recorder`` keeps its provenance record.
    """

    def __init__(self, session: Session, info: RunInfo, spool: Spool, *, resumed: bool = False) -> None:
        self.info = info
        self.resumed = resumed
        self.params: dict[str, str] = {}
        self.tables: dict[str, Any] = {}
        self.at_end: list[Callable[[], None]] = []
        self.recorder: Recorder | None = None
        self.process = os.getpid()
        self._session = session
        self._told_of_loss = False
        self.has_ended = False
        self._use(spool)

    @property
    def run_id(self) -> str:
        return self.info.run_id

    @property
    def server_run_id(self) -> str:
        """Its id at the server: MLflow's chooses another for a run that was begun without it."""
        return self._head.server_run_id or self.run_id

    @property
    def experiment_id(self) -> str:
        """Empty until the server knows the run, if the experiment was only named."""
        return self._head.experiment_id or self.info.experiment_id

    @property
    def artifact_uri(self) -> str:
        """Where its artifacts are. Unavailable: the run was begun without the server, which has not chosen it yet."""
        if not self._open_spool().head.artifact_uri:
            self.flush()
        return self._open_spool().head.artifact_uri

    @property
    def data(self) -> RunData:
        """The params, last metrics and tags that the server has, once it has all that was logged."""
        return self.fetch().data

    def fetch(self) -> Run:
        """The run as the server has it, once it has all that was logged."""
        self.flush()
        found = {"run_id": self.server_run_id}
        return by_key(self._session.transport().call("GET", f"{API}runs/get", found, RunAnswer).run)

    def log_metric(self, key: str, value: float, timestamp_ms: int | None = None, step: int = 0) -> None:
        """Log a point of a metric. InvalidParameter: it is none."""
        try:
            self._log_point(key, value, timestamp_ms or time.time_ns() // 1_000_000, step)
        except StorageFull as error:
            self._lose(error)

    def log_point(self, metric: Metric) -> None:
        """Log a point that belongs to a logged model or a data set."""
        check_key(metric.key, "key")
        self._log(LogMetric(metric))

    def log_param(self, key: str, value: object) -> None:
        """Log a param; its value is what ``str`` makes of it."""
        check_key(key, "key")
        text = text_of(value)
        self.params.setdefault(key, text)
        self._log(LogParam(Param(key, text)))

    def set_tag(self, key: str, value: object) -> None:
        check_key(key, "key")
        self._log(SetTag(Tag(key, text_of(value))))

    def delete_tag(self, key: str) -> None:
        check_key(key, "key")
        self._log(DeleteTag(key))

    def log_inputs(self, datasets: Iterable[DatasetInput] = (), models: Iterable[ModelInput] = ()) -> None:
        self._log(LogInputs(tuple(datasets), tuple(models)))

    def log_outputs(self, models: Iterable[ModelOutput]) -> None:
        self._log(LogOutputs(tuple(models)))

    def update(
        self, status: RunStatus | None = None, end_time_ms: int | None = None, run_name: str | None = None
    ) -> None:
        self._log(UpdateRun(status, end_time_ms, run_name))

    def upload(self, path: str, content: bytes | Path) -> None:
        """Have bytes, or a file as it is now, become the run's artifact at ``path``.

        A large file is sent before this returns, if the server takes it; all else is kept, and sent in its turn.
        """
        check_artifact_path(path)
        if self.has_ended:
            raise self._ended()
        if not (isinstance(content, Path) and self._sent_at_once(path, content)):
            self._kept(lambda: self._open_spool().upload(path, content))

    def download(self, path: str, destination: Path) -> None:
        """Fetch one of the run's artifacts, once the server has all that was logged. NotFound: there is none."""
        self.flush()
        self._session.transport().download(f"{self._artifacts()}/{path}", destination)

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Wait until the server has all that was logged, also by processes forked for it that have ended.

        Unavailable: it has not taken it in that time; nothing is lost. The server's refusals, such as that of a param
        that is there with another value: InvalidParameter.
        """
        self._open_spool().flush(timeout_s)
        self._session.adopt()

    def end(self, status: RunStatus | str = RunStatus.FINISHED, end_time_ms: int | None = None) -> None:
        """End the run; what is left is sent in the background. Once it has ended, nothing changes.

        InvalidParameter: there is no such status.
        """
        last = _status(status)
        if not self.has_ended:
            for finish in self.at_end:
                finish()
            self.update(last, end_time_ms or now_ms())
            self.leave()

    def reopened(self) -> "ActiveRun":
        """The same run, which has ended, to log what still belongs to it: its status stays. ``leave`` it when done."""
        again = ActiveRun(self._session, self.info, self._session.begin(self._head_of(self.process)), resumed=True)
        again.params = self.params
        return again

    def leave(self) -> None:
        """Log no more to it here, without ending it; what is left is sent in the background."""
        if not self.has_ended:
            self.has_ended = True
            self._log_point = self._refuse_point
            self._open_spool().end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(RunStatus.FINISHED if kind is None else RunStatus.FAILED)

    def __repr__(self) -> str:
        return f"ActiveRun({self.run_id!r})"

    def forked(self) -> None:
        """This is a copy of the run, in a forked process: it gets a spool of its own when it is logged to."""
        self._spool: Spool | None = None
        self.at_end, self.recorder = [], None
        if not self.has_ended:
            self._log_point = self._log_first_point

    def _sent_at_once(self, path: str, file: Path) -> bool:
        spool = self._open_spool()
        if file.stat().st_size < LARGE_FILE_BYTES or spool.failure or not spool.head.server_run_id:
            return False
        try:
            self._session.transport().upload(f"{self._artifacts()}/{path}", file)
        except (Unavailable, Overloaded) as error:
            _log.warning("%s is kept here until the server takes it: %s", file, error.message)
            return False
        return True

    def _artifacts(self) -> str:
        """The path of the run's artifacts at the server."""
        return kept_path(self._open_spool().head.artifact_uri)

    def _use(self, spool: Spool) -> None:
        self._spool = spool
        self._head = spool.head
        self._log_point = spool.log_point

    def _open_spool(self) -> Spool:
        if self._spool is None:
            spool = self._session.begin(self._head_of(os.getpid()))
            self._use(spool)
            return spool
        return self._spool

    def _head_of(self, process: int) -> Head:
        """Of another spool of this run, which others end."""
        return msgspec.structs.replace(self._head, process=process, forked=True)

    def _log_first_point(self, key: str, value: float, timestamp_ms: int, step: int) -> None:
        self._open_spool().log_point(key, value, timestamp_ms, step)

    def _refuse_point(self, key: str, value: float, timestamp_ms: int, step: int) -> None:
        raise self._ended()

    def _log(self, action: Action) -> None:
        if self.has_ended:
            raise self._ended()
        self._kept(lambda: self._open_spool().log(action))

    def _ended(self) -> InvalidState:
        return InvalidState(
            f"The run {self.run_id} has ended here. To log more to it, resume it: start_run(run_id={self.run_id!r})."
        )

    def _kept(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StorageFull as error:
            self._lose(error)

    def _lose(self, error: StorageFull) -> None:
        """Training goes on without what there is no room for."""
        if not self._told_of_loss:
            self._told_of_loss = True
            _log.error("Run %s loses what it logs: %s", self.run_id, error.message)


def _status(name: RunStatus | str) -> RunStatus:
    try:
        return RunStatus(name)
    except ValueError:
        raise InvalidParameter(f"Invalid status {shown(name)} of a run: it is one of {', '.join(RunStatus)}.") from None
