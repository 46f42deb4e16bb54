"""The stage that brings a model to where it answers requests."""

import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trackback.client.api import Client, walk
from trackback.client.models import LocalModel, fetch_model
from trackback.delivery.deploy.kubernetes import Cluster, roll_out
from trackback.delivery.deploy.managers import Manager
from trackback.delivery.deploy.manifests import Workload, as_yaml, make_manifests
from trackback.delivery.deploy.slots import Live, Release, Slot, settings_digest
from trackback.delivery.deploy.smoke import read_smoke_example
from trackback.delivery.deploy.switching import Patience, Switch
from trackback.delivery.record import Record, recorded, untold
from trackback.delivery.subject import Subject
from trackback.delivery.vouched import vouched_files
from trackback.delivery.written import write_whole
from trackback.entities import Deployment, DeploymentKind
from trackback.errors import DataLoss, InvalidParameter, NotFound, TrackbackError

Say = Callable[[str], None]
PATIENCE = Patience()


@dataclass(frozen=True)
class Deployed:
    """What is live now. ``deployment`` is the server's record of it; None, where nothing was applied.

    moved: whether something changed; otherwise it was live already. tried: whether there was an input example to try.
    files: what was written, by path.
    """

    subject: Subject
    target: str
    slot: str
    locator: str
    moved: bool
    tried: bool
    deployment: Deployment | None
    replaced: str | None = None
    image: str | None = None
    files: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            **self.subject.document(),
            "target": self.target,
            "slot": self.slot,
            "locator": self.locator,
            "image": self.image,
            "moved": self.moved,
            "tried_example": self.tried,
            "deployment": self.deployment.id if self.deployment else None,
            "replaced": self.replaced,
            "files": list(self.files),
        }


@dataclass(frozen=True)
class Place:
    """Where a slot of this machine listens, and how its servers run. ``url`` is what clients call it by."""

    host: str = "127.0.0.1"
    port: int = 8080
    url: str | None = None
    interpreter: Path = field(default_factory=lambda: Path(sys.executable))
    workers: int = 1

    @property
    def local_url(self) -> str:
        """By which this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def public_url(self) -> str:
        if self.url:
            return self.url.rstrip("/")
        return f"http://{socket.gethostname()}:{self.port}" if self.host in ("0.0.0.0", "::") else self.local_url


def deploy_here(
    client: Client,
    subject: Subject,
    target: str,
    slot: Slot,
    manager: Manager,
    place: Place,
    *,
    trust: Sequence[str] | None = (),
    patience: Patience = PATIENCE,
    say: Say = lambda text: None,
) -> Deployed:
    """Have a model live in a slot of this machine, in place of what is live there, and tell the server.

    trust: digests of files that may run code, beside those that this user has logged and those that were promoted on a
    server with accounts; None for any.

    CheckFailed: it did not become well; what was live still is. Unavailable: whatever runs the servers is away, or the
    tracking server is, when it is told: then the model is live, and the stage run again tells it.
    """
    _check_environment(client, subject)
    slot.prepare()
    with slot.held(), recorded(client, subject, "deploy", {"target": target, "slot": slot.name}) as record:
        switch = Switch(slot, manager, place.local_url, patience, say)
        model = fetch_model(client, subject.uri, slot.model(subject.digest))
        if model.digest != subject.digest:
            raise DataLoss(f"The files of {subject.label} have the digest {model.digest}, and not {subject.digest}.")
        example = read_smoke_example(model.path)
        release = make_release(slot, subject, model, place, vouched_files(client, model, trust))
        manager.prepare()
        live = switch.tidy()
        if live is not None:
            live = _told(client, slot, live)
        if live is not None and _is_same(live, release) and switch.is_well(live):
            now, moved = live, False
        else:
            now, moved = switch.move(release, example, _report(subject, place, record, release)), True
        try:
            now = _told(client, slot, now)
        finally:
            if moved:
                switch.drain(live)
        assert now.deployment is not None
        record.passed = True
        deployment = client.get_deployment(now.deployment)
        replaced = live.release.model if live and moved else None
        tried = example.body is not None
        return Deployed(subject, target, slot.name, place.public_url, moved, tried, deployment, replaced)


def make_release(slot: Slot, subject: Subject, model: LocalModel, place: Place, trusted: Sequence[str]) -> Release:
    """The next release of a slot: how its server is started. ``trusted``: the digests of files that may run code."""
    identifier = slot.next_id()
    options = ["--workers", str(place.workers), *(flag for each in trusted for flag in ("--trust", each))]
    fixed = [str(place.interpreter), "-m", "trackback", "models", "serve", "--model-uri", str(model.path)]
    command = [*fixed, "--name", subject.label, "--host", place.host, *options, "--fd", "{fd}"]
    said = settings_digest([command, place.public_url, subject.label, subject.environment])
    whole = (*command, "--standby", str(slot.socket(identifier)))
    return Release(identifier, subject.label, subject.digest, whole, said, subject.promotion)


def _is_same(live: Live, release: Release) -> bool:
    ours, theirs = release, live.release
    return (ours.digest, ours.settings, ours.promotion) == (theirs.digest, theirs.settings, theirs.promotion)


def _report(subject: Subject, place: Place, record: Record, release: Release) -> dict[str, Any]:
    """What the server is to be told, kept with what is live: so that whoever comes later can tell it."""
    what = {"promotion": subject.promotion} if subject.promotion else {"version": subject.uri}
    if not subject.promotion and not subject.version:
        what = {"digest": subject.digest}
    return {
        **what,
        "kind": str(DeploymentKind.ENDPOINT),
        "locator": place.public_url,
        "environment": _environment(subject),
        "build": record.build.id if record.build else None,
        "key": f"{record.attempt}/{release.id}/{place.public_url}"[-500:],
        "replaces_previous": True,
    }


def _environment(subject: Subject) -> str:
    if subject.environment is None:
        raise InvalidParameter(
            f"Nothing says which environment {subject.label} is deployed to. Name it: --environment."
        )
    return subject.environment


def _check_environment(client: Client, subject: Subject) -> None:
    """Before anything is done that the server would refuse to keep. InvalidParameter: there is no such environment."""
    client.list_deployments(environment=_environment(subject), max_results=1)


def _told(client: Client, slot: Slot, live: Live) -> Live:
    """The journal, after the server was told what it says, if it was not."""
    if live.deployment is not None:
        return live
    said: dict[str, Any] = dict(live.report)
    try:
        found = client.report_deployment(said.pop("kind"), said.pop("locator"), started=live.started_ms, **said)
    except TrackbackError as error:
        raise untold(f"{live.release.model} is live at {live.url}", error) from error
    told = Live(live.release, live.url, live.started_ms, live.report, found.id)
    slot.keep_live(told)
    return told


def remove_here(client: Client, slot: Slot, manager: Manager) -> Live | None:
    """Take down what is live in a slot, and tell the server; what was live, or None if nothing was."""
    if not slot.folder.is_dir():
        raise NotFound(f"There is no slot {slot.name} in {slot.folder.parent}.")
    with slot.held():
        live = slot.live()
        if live is not None:
            live = _told(client, slot, live)
            slot.marker(live.release.id).unlink(missing_ok=True)
        manager.remove()
        if live is not None:
            assert live.deployment is not None
            client.end_deployment(live.deployment)
        slot.forget_live()
        for each in slot.releases():
            slot.forget(each)
        slot.prune_models(set())
    return live


def deploy_to_cluster(
    client: Client,
    subject: Subject,
    workload: Workload,
    *,
    cluster: Cluster,
    cluster_name: str | None = None,
    output: Path | None = None,
    apply: bool = False,
    timeout_s: float = 300.0,
    say: Say = lambda text: None,
) -> Deployed:
    """Write a workload's manifests, and with ``apply`` have it run on a cluster and tell the server.

    CheckFailed: it did not become well; what ran before does again. Errors else: those of ``Cluster.run``.
    """
    manifests = make_manifests(workload, subject)
    files = _write(output, {f"{workload.name}.yaml": as_yaml(manifests)})
    if not apply:
        place = f"{cluster_name or 'cluster'}/{workload.namespace}/{workload.name}"
        return Deployed(subject, "kubernetes", workload.name, place, False, False, None, None, workload.image, files)
    _check_environment(client, subject)
    locator = f"{cluster_name or cluster.name()}/{workload.namespace}/{workload.name}"
    with recorded(client, subject, "deploy", {"target": "kubernetes", "locator": locator}) as record:
        example = read_smoke_example(subject.fetch(client).path)
        roll_out(cluster, workload, manifests, subject.digest, example, timeout_s, say)
        kind, image = DeploymentKind.KUBERNETES, workload.image
        deployment = record.deployed(kind, locator, image=image, replaces_previous=True)
        record.passed = True
    tried = example.body is not None
    return Deployed(subject, "kubernetes", workload.name, locator, True, tried, deployment, None, workload.image, files)


def _write(output: Path | None, files: dict[str, str]) -> tuple[str, ...]:
    if output is None:
        return ()
    for name, text in files.items():
        write_whole(output / name, text)
    return tuple(str(output / name) for name in files)


def write_units(output: Path, files: dict[str, str]) -> tuple[str, ...]:
    """Units of systemd in a folder, in place of being put to use."""
    return _write(output, files)


def find_image(client: Client, subject: Subject) -> str:
    """The image that was last made of a subject, by what the server was told. NotFound: it was told of none."""
    version, digest = (subject.uri, "") if subject.version else ("", subject.digest)
    for each in walk(client.list_deployments, version=version, digest=digest):
        if each.kind is DeploymentKind.IMAGE:
            return each.locator
    raise NotFound(
        f"The server knows no image of {subject.label}. Make one, by `trackback deliver image`, or name it: --image."
    )
