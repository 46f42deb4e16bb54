"""Workloads on a cluster, by kubectl: applied, waited for, tried through the API, and undone if they are not well."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trackback.delivery.deploy.manifests import Workload, as_yaml
from trackback.delivery.deploy.smoke import Example, check_predictions
from trackback.errors import (
    CheckFailed,
    InvalidParameter,
    MissingTool,
    NotFound,
    PermissionDenied,
    TrackbackError,
    Unavailable,
)

_CALL_S = 60.0
_SETTLE_S = 15.0
_PAUSE_S = 0.5


@dataclass(frozen=True)
class Cluster:
    """``context`` of kubectl's configuration; the current one, if None."""

    context: str | None = None

    def name(self) -> str:
        """What kubectl calls the cluster. Errors: those of ``run``."""
        found = self.run("config", "view", "--minify", "--output", "jsonpath={.clusters[0].name}").strip()
        if not found:
            raise InvalidParameter("kubectl knows no cluster. Name a context of its configuration: --context.")
        return found

    def run(self, *arguments: str, given: str | None = None, wait_s: float = _CALL_S) -> str:
        """What kubectl prints.

        MissingTool: it is not installed. PermissionDenied: the cluster refuses. NotFound, InvalidParameter: what it is
        given is not there, or wrong. Unavailable: anything else.
        """
        if shutil.which("kubectl") is None:
            raise MissingTool("There is no kubectl in PATH. Install it, or apply what --output writes by yourself.")
        command = ["kubectl", *(["--context", self.context] if self.context else []), *arguments]
        try:
            ran = subprocess.run(command, input=given or "", capture_output=True, text=True, timeout=wait_s)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"`kubectl {' '.join(arguments[:2])}` did not end within {wait_s:g} s.") from error
        if ran.returncode:
            raise _failure(" ".join(arguments[:2]), ran.stderr.strip())
        return ran.stdout


def _failure(what: str, told: str) -> TrackbackError:
    text = f"`kubectl {what}` failed: {told[-1000:]}"
    if "(Forbidden)" in told or "Unauthorized" in told:
        return PermissionDenied(text)
    if "(NotFound)" in told:
        return NotFound(text)
    wrong = ("is invalid:", "error validating", "does not exist", "context was not found", "cannot locate context")
    if any(each in told for each in wrong) and "failed to download openapi" not in told:
        return InvalidParameter(text)
    return Unavailable(text)


def roll_out(
    cluster: Cluster,
    workload: Workload,
    manifests: list[dict[str, Any]],
    digest: str,
    example: Example,
    timeout_s: float,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Have a workload run on a cluster as its manifests say, in place of what runs there under its name.

    CheckFailed: it did not become well; what was there is there again, or nothing if nothing was.
    """
    scope = ("--namespace", workload.namespace)
    target = f"deployment/{workload.name}"
    before = cluster.run("get", target, *scope, "--ignore-not-found", "--output", "json").strip()
    say(f"applying {target} in {workload.namespace}")
    given = as_yaml(manifests)
    cluster.run("apply", "--dry-run=server", *scope, "--filename", "-", given=given)  # all is taken, or nothing is
    cluster.run("apply", *scope, "--filename", "-", given=given)
    try:
        say("waiting for it to be well")
        _wait(cluster, target, scope, timeout_s)
        _try_out(cluster, workload, digest, example, timeout_s)
    except CheckFailed as error:
        why = f"{error.message}{_events(cluster, workload, scope)}"
        say(f"taking {target} back")
        _undo(cluster, workload, scope, before, timeout_s, why)
        still = "What ran before runs again" if before else "It was taken away again"
        raise CheckFailed(f"{why} {still}.") from error
    except BaseException as error:
        say(f"taking {target} back")
        why = error.message if isinstance(error, TrackbackError) else "It was interrupted."
        _undo(cluster, workload, scope, before, timeout_s, why)
        raise


def _wait(cluster: Cluster, target: str, scope: tuple[str, str], timeout_s: float) -> None:
    try:
        cluster.run("rollout", "status", target, *scope, f"--timeout={timeout_s:g}s", wait_s=timeout_s + _CALL_S)
    except Unavailable as error:
        if "timed out" in error.message or "exceeded its progress deadline" in error.message:
            raise CheckFailed(f"{target} was not well within {timeout_s:g} s.") from error
        raise


def _try_out(cluster: Cluster, workload: Workload, digest: str, example: Example, timeout_s: float) -> None:
    """By way of the API server, so that nothing has to be reached but that."""
    place = f"/api/v1/namespaces/{workload.namespace}/services/{workload.name}:http/proxy"
    deadline = time.monotonic() + min(_SETTLE_S, timeout_s / 5)
    while True:  # for a moment, the service may lead to pods that go, or to none yet
        try:
            _check_health(cluster, workload, f"{place}/health", digest)
            break
        except CheckFailed:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
    if example.body is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder, "example.json")
        body.write_bytes(example.body)
        try:
            answer = cluster.run("create", "--raw", f"{place}/invocations", "--filename", str(body))
        except Unavailable as error:
            raise CheckFailed(
                f"The service {workload.name} does not predict for the input example: {error}."
            ) from error
    check_predictions(200, answer)


def _check_health(cluster: Cluster, workload: Workload, place: str, digest: str) -> None:
    try:
        said = json.loads(cluster.run("get", "--raw", place))
    except (Unavailable, ValueError) as error:
        raise CheckFailed(f"The service {workload.name} does not answer /health: {error}.") from error
    if said.get("digest") != digest:
        raise CheckFailed(f"The service {workload.name} has the digest {said.get('digest')}, and is to have {digest}.")


def _undo(
    cluster: Cluster, workload: Workload, scope: tuple[str, str], before: str, timeout_s: float, why: str
) -> None:
    """Unavailable: it could not be undone, which the message says beside why it was to be."""
    target = f"deployment/{workload.name}"
    try:
        if before:
            cluster.run("replace", *scope, "--filename", "-", given=_restorable(before))
            cluster.run("rollout", "status", target, *scope, f"--timeout={timeout_s:g}s", wait_s=timeout_s + _CALL_S)
            return
        applied = [f"{kind}/{workload.name}" for kind in ("deployment", "service", "poddisruptionbudget")]
        cluster.run("delete", *applied, *scope, "--ignore-not-found", "--wait=false")
    except TrackbackError as error:
        raise Unavailable(
            f"{why} It could not be taken back: {error.message} See to {target} in {workload.namespace}."
        ) from error


def _restorable(before: str) -> str:
    """A Deployment as it was, without what only the cluster may set, and what would refuse a later state."""
    document = json.loads(before)
    document.pop("status", None)
    for name in ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"):
        document.get("metadata", {}).pop(name, None)
    return json.dumps(document)


def _events(cluster: Cluster, workload: Workload, scope: tuple[str, str]) -> str:
    """What its pods are waiting for, if the cluster says."""
    try:
        selector = f"app.kubernetes.io/name={workload.name}"
        paths = (
            "{range .items[*].status.containerStatuses[*]}{.state.waiting.reason}: {.state.waiting.message}{'\\n'}{end}"
        )
        said = cluster.run("get", "pods", *scope, "--selector", selector, "--output", f"jsonpath={paths}")
    except TrackbackError:
        return ""
    lines = sorted({line.strip(": ") for line in said.splitlines() if line.strip(": ")})
    return f" Its pods: {'; '.join(lines)[:500]}." if lines else ""
