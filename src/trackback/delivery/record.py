"""What a stage tells the server of what it delivers: its build, its verdict, what it deployed.

A stage that is killed and run again tells the same once: all that it reports has a key of its attempt. In CI the job's
run is the attempt; elsewhere it is a number that is kept until the stage has ended.
"""

import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trackback import limits
from trackback.client.api import Client
from trackback.client.user_folders import state_folder
from trackback.delivery.ci import Job, current_job
from trackback.delivery.subject import Subject
from trackback.delivery.written import write_whole
from trackback.entities import Build, BuildResult, Deployment, DeploymentKind, Verdict
from trackback.errors import InvalidParameter, TrackbackError

SYSTEM = "trackback"
"""The CI system of builds that nobody's CI has run."""
_ABANDONED_S = 24 * 3600


class Record:
    """``build`` is the stage's own build, for the promotion that the subject is delivered for; else None.

    attempt: the key of this attempt.
    """

    def __init__(self, client: Client, subject: Subject, stage: str, attempt: str, job: Job | None) -> None:
        self._client = client
        self._subject = subject
        self._stage = stage
        self._job = job
        self.attempt = attempt
        self.passed: bool | None = None
        self.build: Build | None = None

    @property
    def url(self) -> str:
        """The page of the CI job; empty where there is none."""
        return self._job.url if self._job else ""

    def verdict(self, name: str, passed: bool, report: Mapping[str, Any], url: str = "") -> Verdict:
        """Report what a check found: once in an attempt, unless it finds something else when it is run again.

        report: JSON of at most ``limits.VERDICT_REPORT_LENGTH`` bytes; the attempt's key is added.

        Errors: those of ``Client.report_verdict``.
        """
        subject, attempt = self._subject.reported_as, f"{self.attempt}/{name}"
        newest = next(iter(self._client.list_verdicts(subject, name, max_results=1)), None)
        if newest is not None and newest.passed == passed and (newest.report or {}).get("attempt") == attempt:
            return newest  # it was told before, by measures that are never quite the same
        return self._client.report_verdict(
            subject,
            name,
            passed,
            url=url or self.url,
            report={**report, "attempt": attempt},
            key=f"{attempt}/{newest.id if newest else 0}"[-limits.VERDICT_KEY_LENGTH :],
        )

    def deployed(self, kind: DeploymentKind | str, locator: str, **fields: Any) -> Deployment:
        """Report that the subject is live at a place; fields beside are those of ``Client.report_deployment``."""
        subject = self._subject
        what: dict[str, Any] = {"environment": subject.environment or "", **fields}
        if subject.promotion is not None:
            what["promotion"] = subject.promotion
        else:
            what |= {"version": subject.uri} if subject.version else {"digest": subject.digest}
        if self.build is not None:
            what["build"] = self.build.id
        if not what["environment"]:
            raise InvalidParameter(
                f"Nothing says which environment {subject.label} is deployed to. Name it: --environment."
            )
        key = f"{self.attempt}/{kind}/{locator}"[-500:]
        return self._client.report_deployment(kind, locator, **{"key": key, **what})

    def report_build(self, result: BuildResult) -> None:
        """Say how the stage stands, as a build for its promotion; nothing without one."""
        if self._subject.promotion is None:
            return
        job = self._job or Job(SYSTEM, "deliver", self.attempt, self._stage)
        self.build = self._client.report_build(
            promotion=self._subject.promotion,
            system=job.system,
            pipeline=job.pipeline,
            counter=job.counter,
            stage=job.stage or self._stage,
            job=f"{job.job}/{self._stage}" if job.job else "",
            key=f"{self.attempt}/build"[-500:],
            url=job.url,
            result=result,
        )


@contextmanager
def recorded(
    client: Client, subject: Subject, stage: str, inputs: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Iterator[Record]:
    """Where a stage tells what it does: a build for the promotion begins, and ends as the ``with`` does.

    The stage sets ``passed`` before it leaves; a build whose stage has not is one that failed.

    inputs: JSON: what the stage is told beside the subject. The same stage on the same, ended by force and run again,
        goes on with its attempt.
    """
    job = current_job(environ)
    marker = _marker(client, subject, stage, inputs, environ)
    attempt = f"{job.key}/{stage}/{subject.digest[:16]}" if job else _kept_attempt(marker)
    record = Record(client, subject, stage, attempt, job)
    record.report_build(BuildResult.RUNNING)
    try:
        yield record
    except (KeyboardInterrupt, SystemExit):  # by Ctrl-C, by SIGTERM
        _end(record, BuildResult.CANCELLED)
        raise
    except BaseException:
        _end(record, BuildResult.FAILED)
        raise
    record.report_build(BuildResult.PASSED if record.passed else BuildResult.FAILED)
    with suppress(OSError):
        marker.unlink(missing_ok=True)


def _end(record: Record, result: BuildResult) -> None:
    """Of a stage that did not get to its end. That its server is away is known by then, or will be told by others."""
    with suppress(TrackbackError):
        record.report_build(result)


def _kept_attempt(marker: Path) -> str:
    """The attempt that was begun and not ended, unless it is old; else a new one."""
    with suppress(OSError):
        if time.time() - marker.stat().st_mtime < _ABANDONED_S and (kept := marker.read_text().strip()):
            return kept
    attempt = uuid.uuid4().hex
    write_whole(marker, attempt)
    return attempt


def _marker(
    client: Client, subject: Subject, stage: str, inputs: Mapping[str, Any], environ: Mapping[str, str]
) -> Path:
    said = json.dumps([client.tracking_uri, subject.digest, subject.promotion, stage, inputs], sort_keys=True)
    return state_folder(environ) / "deliver" / hashlib.sha256(said.encode()).hexdigest()[:32]
