"""GoCD's side of a package material: when it polls, what it takes for an answer, and what it makes of one.

As GoCD has it: a poll every 30 s; after a failure none for 5 minutes, then 10 and so on, up to an hour; a trigger goes
past that. Of a poll one modification at most is new, and one whose revision was seen before is dropped.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

POLL_S = 30
FIRST_PAUSE_S = 5 * 60
LONGEST_PAUSE_S = 60 * 60
RELAY = "/gocd/v1/package-repository"

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_DATA_KEY = re.compile(r"[A-Za-z0-9_]+")


class Modification(NamedTuple):
    """A row of GoCD's table."""

    revision: str
    timestamp: str
    user: str
    comment: str
    trackback_url: str
    data: dict[str, str]

    @property
    def as_previous(self) -> dict[str, object]:
        return {"revision": self.revision, "timestamp": self.timestamp, "data": self.data}


class Material:
    """A package as a pipeline's material; ``modifications`` is what GoCD has stored, ``errors`` what it shows."""

    def __init__(self, http: httpx.Client, server_url: str, package: Mapping[str, str]) -> None:
        self.modifications: list[Modification] = []
        self.dropped: list[str] = []
        self.errors: list[str] = []
        self.polls = 0
        self._http = http
        self._configuration = {
            "repository-configuration": {"TRACKBACK_URL": {"value": server_url}},
            "package-configuration": {key: {"value": value} for key, value in package.items()},
        }
        self._now_s = 0
        self._due_s = 0
        self._failures = 0

    def pass_time(self, seconds: int) -> list[Modification]:
        """What is new after some time, of all the polls in it."""
        before, end = len(self.modifications), self._now_s + seconds
        while self._due_s <= end:
            self._now_s = self._due_s
            self._poll()
        self._now_s = end
        return self.modifications[before:]

    def trigger(self) -> list[Modification]:
        """A poll at once, whatever failed before; what is new."""
        before = len(self.modifications)
        self._poll()
        return self.modifications[before:]

    def ask(self, request: str, **more: object) -> httpx.Response:
        """What the plugin relays."""
        return self._http.post(f"{RELAY}/{request}", json={**self._configuration, **more})

    def _poll(self) -> None:
        self.polls += 1
        if self.modifications:
            answer = self.ask("latest-revision-since", **{"previous-revision": self.modifications[-1].as_previous})
        else:
            answer = self.ask("latest-revision")
        if answer.status_code != 200:
            self._fail(answer.json()["message"])
        elif not answer.json():
            self._succeed()
            if not self.modifications:
                self._fail("Empty response body")
        else:
            self._succeed()
            self._store(checked(answer.json()))

    def _store(self, found: Modification) -> None:
        if found.revision in [each.revision for each in self.modifications]:
            self.dropped.append(found.revision)
        else:
            self.modifications.append(found)

    def _succeed(self) -> None:
        self._failures = 0
        self._due_s = self._now_s + POLL_S

    def _fail(self, message: str) -> None:
        self.errors.append(message)
        self._due_s = self._now_s + min(FIRST_PAUSE_S * 2**self._failures, LONGEST_PAUSE_S)
        self._failures += 1


def checked(answer: dict[str, Any]) -> Modification:
    """The modification that an answer is, held to what GoCD and its tables take."""
    assert set(answer) == {"revision", "timestamp", "user", "revisionComment", "trackbackUrl", "data"}
    assert isinstance(answer["revision"], str)
    assert 0 < len(answer["revision"]) <= 1024
    assert _TIMESTAMP.fullmatch(answer["timestamp"]), answer["timestamp"]
    assert len(answer["user"]) <= 255
    for key, value in answer["data"].items():
        assert _DATA_KEY.fullmatch(key), key
        assert isinstance(value, str), json.dumps(value)
    return Modification(
        answer["revision"],
        answer["timestamp"],
        answer["user"],
        answer["revisionComment"],
        answer["trackbackUrl"],
        answer["data"],
    )


def stage_status(
    pipeline: str,
    counter: int,
    modification: Modification,
    *,
    stage: str = "build",
    stage_counter: int = 1,
    result: str = "Passed",
    package: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The body of GoCD's notification that a stage has begun or ended, of a pipeline with a git material, too."""
    running = result == "Unknown"
    ended = {} if running else {"last-transition-time": "2026-11-27T12:05:00.000+0000"}
    return {
        "server_url": "https://gocd.example.org/go",
        "pipeline": {
            "name": pipeline,
            "counter": str(counter),
            "group": "models",
            "label": str(counter),
            "build-cause": [
                {
                    "material": {"type": "git", "git-configuration": {"url": "https://example.org/a.git"}},
                    "changed": False,
                    "modifications": [
                        {"revision": "8f60b124", "modified-time": "2026-11-27T11:00:00.000+0000", "data": {}}
                    ],
                },
                {
                    "material": {
                        "type": "package",
                        "plugin-id": "trackback",
                        "package-configuration": dict(package or {}),
                        "repository-configuration": {},
                    },
                    "changed": True,
                    "modifications": [
                        {
                            "revision": modification.revision,
                            "modified-time": "2026-11-27T11:59:00.000+0000",
                            "data": modification.data,
                        }
                    ],
                },
            ],
            "stage": {
                "name": stage,
                "counter": str(stage_counter),
                "approval-type": "success",
                "approved-by": "changes",
                "state": "Building" if running else result,
                "result": result,
                "create-time": "2026-11-27T12:00:00.000+0000",
                **ended,
                "jobs": [
                    {
                        "name": "validate",
                        "schedule-time": "2026-11-27T12:00:00.000+0000",
                        "state": "Scheduled" if running else "Completed",
                        "result": result,
                    }
                ],
            },
        },
    }
