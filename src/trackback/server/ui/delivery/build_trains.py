"""Builds as trains: a pipeline's run for a promotion, with its stages in a row."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from trackback.entities import Build, BuildResult

_WORST_FIRST = (BuildResult.FAILED, BuildResult.CANCELLED, BuildResult.RUNNING)


class Stage(NamedTuple):
    """``builds`` are what was reported of it: the stage itself, its jobs, or both."""

    name: str
    result: BuildResult
    started: int
    finished: int | None
    builds: Sequence[Build]

    @property
    def duration_ms(self) -> int | None:
        return None if self.finished is None else self.finished - self.started


class Train(NamedTuple):
    """``whole`` is what was reported of the pipeline's run as such; ``result`` is the worst that was."""

    promotion: int
    system: str
    pipeline: str
    counter: str
    result: BuildResult
    started: int
    whole: Build | None
    stages: Sequence[Stage]

    @property
    def title(self) -> str:
        return f"{self.pipeline} {self.counter}".rstrip()

    @property
    def url(self) -> str:
        """Where the pipeline is shown; of a stage, if it is not known of the whole."""
        own = (self.whole.url if self.whole else "") or ""
        return own or next((each.url for stage in self.stages for each in stage.builds if each.url), "")


def trains_of(builds: Iterable[Build]) -> list[Train]:
    """The last begun first; the stages of each in the order in which they were reported."""
    runs: dict[tuple[int, str, str, str], list[Build]] = {}
    for each in sorted(builds, key=lambda build: build.id):
        counter = each.counter or f"#{each.id}"
        runs.setdefault((each.promotion, each.system, each.pipeline, counter), []).append(each)
    found = [_train(*key, reported) for key, reported in runs.items()]
    return sorted(found, key=lambda train: train.started, reverse=True)


def result_of(builds: Iterable[Build]) -> BuildResult:
    """The worst: what has failed, failed, whatever else passed."""
    found = {each.result for each in builds}
    return next((result for result in _WORST_FIRST if result in found), BuildResult.PASSED)


def is_running(trains: Iterable[Train]) -> bool:
    return any(train.result is BuildResult.RUNNING for train in trains)


def _train(promotion: int, system: str, pipeline: str, counter: str, builds: Sequence[Build]) -> Train:
    stages: dict[str, list[Build]] = {}
    for each in builds:
        if each.stage or each.job:
            stages.setdefault(each.stage or each.job or "", []).append(each)
    return Train(
        promotion=promotion,
        system=system,
        pipeline=pipeline,
        counter="" if counter.startswith("#") else counter,
        result=result_of(builds),
        started=min(each.started for each in builds),
        whole=next((each for each in builds if not (each.stage or each.job)), None),
        stages=[_stage(name, reported) for name, reported in stages.items()],
    )


def _stage(name: str, builds: Sequence[Build]) -> Stage:
    own = [each for each in builds if not each.job] or builds
    ends = [each.finished for each in own]
    known = [end for end in ends if end is not None]
    return Stage(
        name=name,
        result=result_of(own),
        started=min(each.started for each in own),
        finished=max(known) if known and len(known) == len(ends) else None,
        builds=builds,
    )
