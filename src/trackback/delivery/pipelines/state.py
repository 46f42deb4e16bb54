"""What is known of a run of a pipeline, so that it goes on where it was: a file beside the pipeline's."""

import uuid
from pathlib import Path
from typing import Any

import msgspec
import psutil

from trackback.delivery.pipelines.file import PipelineFile, StageSpec
from trackback.delivery.subject import Subject
from trackback.delivery.written import write_whole
from trackback.errors import Unavailable


class KeptStage(msgspec.Struct):
    """``attempt``: which time that it was begun; ``code``: None, if it did not get to its end.

    process, started: its process, and when that began, in seconds since the epoch, which tells it from a later one.
    """

    digest: str
    attempt: int
    code: int | None = None
    process: int | None = None
    started: float | None = None


class KeptRun(msgspec.Struct):
    run: str
    subject: dict[str, Any]
    stages: dict[str, KeptStage] = {}


class State:
    """Written before a stage begins and when it has ended, whole or not at all."""

    def __init__(self, file: Path, pipeline: PipelineFile, subject: Subject, *, again: bool = False) -> None:
        self.path = file.with_name(f".{file.name}.state.json")
        before = None if again else self._read()
        is_same = before is not None and before.subject == subject.document()
        self._kept = before if before is not None and is_same else KeptRun(uuid.uuid4().hex, subject.document())
        self._pipeline = pipeline

    @property
    def run(self) -> str:
        """The number of the run, by which what it reports is told apart from that of others."""
        return self._kept.run

    def passed_before(self) -> list[str]:
        """The names of the first stages that have passed in this run, and are as they were."""
        found = []
        for stage in self._pipeline.stages:
            kept = self._kept.stages.get(stage.name)
            if kept is None or kept.code != 0 or kept.digest != stage.digest:
                break
            found.append(stage.name)
        return found

    def begin(self, stage: StageSpec) -> int:
        """Which attempt it is: the same again for a stage that was cut off, another for one that had ended.

        Unavailable: what was cut off left it running.
        """
        kept = self._kept.stages.get(stage.name)
        if kept is not None and kept.code is None and _runs(kept):
            raise Unavailable(
                f"The stage {stage.name} of an earlier run, which was ended by force, still runs: it is process "
                f"{kept.process}. Wait for it, or end it, and run this again."
            )
        attempt = 1 if kept is None else kept.attempt + (kept.code is not None)
        self._kept.stages[stage.name] = KeptStage(stage.digest, attempt)
        self._write()
        return attempt

    def running(self, stage: StageSpec, process: int) -> None:
        """Which process a stage that has begun is."""
        kept = self._kept.stages[stage.name]
        kept.process, kept.started = process, _started(process)
        self._write()

    def end(self, stage: StageSpec, code: int) -> None:
        self._kept.stages[stage.name].code = code
        self._write()

    def forget(self) -> None:
        """All has passed: the next run is another."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> KeptRun | None:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=KeptRun)
        except (OSError, msgspec.DecodeError):  # none was begun, or it was another program's
            return None

    def _write(self) -> None:
        write_whole(self.path, msgspec.json.encode(self._kept))


def _runs(kept: KeptStage) -> bool:
    return kept.process is not None and kept.started is not None and _started(kept.process) == kept.started


def _started(process: int) -> float | None:
    """When a process began; None if it has ended."""
    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else float(found.create_time())
    except psutil.Error:
        return None
