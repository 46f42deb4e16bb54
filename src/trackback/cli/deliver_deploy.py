"""`trackback deliver deploy`."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from trackback.cli.deliver import Outcome, Stage, say, stage_options, subject_argument
from trackback.cli.remote import connect
from trackback.cli.scoring import EVERYTHING, POSITIVE, SECONDS, trust_option
from trackback.client.user_folders import state_folder
from trackback.errors import InvalidParameter

if TYPE_CHECKING:
    from trackback.client.api import Client
    from trackback.delivery.deploy.managers import Manager
    from trackback.delivery.deploy.slots import Slot
    from trackback.delivery.deployment import Deployed, Place
    from trackback.delivery.subject import Subject

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
TARGETS = ("process", "systemd", "kubernetes")


def _here(command: F) -> F:
    """Options of a slot on this machine."""
    options = (
        click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
        click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="The port."),
        click.option("--url", help="What clients call it by, where that is not the host and the port."),
        click.option("--workers", type=POSITIVE, default=1, show_default=True, help="Processes that hold the model."),
        click.option(
            "--python",
            "interpreter",
            type=PATH,
            default=sys.executable,
            metavar="PATH",
            help="The Python that serves it, with trackback[scoring] and what the model needs; this one by default.",
        ),
        click.option(
            "--state",
            type=PATH,
            metavar="FOLDER",
            help="Where slots are kept; by default trackback/deployments in the user's state folder, or "
            "/var/lib/trackback for the machine's systemd.",
        ),
        click.option(
            "--user/--system",
            "user",
            default=None,
            help="systemd: the user's own, or the machine's; the latter by default for root.",
        ),
        click.option("--account", metavar="NAME", help="systemd: whom the machine's runs the servers as."),
        click.option("--watch", type=SECONDS, default=5.0, show_default=True, help="Seconds that it is watched."),
        click.option(
            "--drain",
            type=click.FloatRange(min=0),
            default=5.0,
            show_default=True,
            help="Seconds that clients of the one before have to leave.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _cluster(command: F) -> F:
    """Options of a cluster."""
    options = (
        click.option(
            "--image", help="kubernetes: the image by its digest; the last that the server knows, by default."
        ),
        click.option("--namespace", default="default", show_default=True, help="kubernetes: the namespace."),
        click.option(
            "--context", help="kubernetes: the context of kubectl's configuration; the current one by default."
        ),
        click.option(
            "--cluster-name", help="kubernetes: what the record calls the cluster; kubectl's name by default."
        ),
        click.option("--replicas", type=POSITIVE, default=2, show_default=True, help="kubernetes: how many pods."),
        click.option("--cpu", default="500m", show_default=True, help="kubernetes: processors that a pod asks for."),
        click.option("--cpu-limit", default="2", show_default=True, help="kubernetes: processors that it may use."),
        click.option("--memory", default="512Mi", show_default=True, help="kubernetes: memory that a pod asks for."),
        click.option("--memory-limit", default="1Gi", show_default=True, help="kubernetes: memory that it may use."),
        click.option("--pull-secret", metavar="NAME", help="kubernetes: the secret by which images are pulled."),
        click.option("--apply", is_flag=True, help="kubernetes: apply the manifests, and wait until it is well."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(cls=Stage, short_help="Have a model answer requests, in place of the one before.")
@subject_argument
@click.option("--to", "target", required=True, type=click.Choice(TARGETS), help="What is to run it.")
@click.option("--environment", help="The environment, where no promotion says it.")
@click.option(
    "--slot",
    metavar="NAME",
    help="The place that it takes over from what is there; the model and the environment, by default.",
)
@click.option("--timeout", "timeout_s", type=SECONDS, default=120.0, show_default=True, help="Seconds to become well.")
@click.option(
    "--output", type=PATH, metavar="FOLDER", help="Write manifests or units there; units are then not started."
)
@click.option(
    "--remove", is_flag=True, help="Take down what is live in the slot; MODEL says which slot, as --slot does."
)
@_here
@_cluster
@trust_option
@stage_options
def deploy(model: str | None, server: str | None, as_json: bool, target: str, **options: Any) -> Outcome:
    """Have MODEL answer requests: as a process, under systemd, or on Kubernetes, in place of what is there.

    The new server is started beside the old one and tried with the model's input example; no request fails while it
    takes over. If it is not well, the old one stays, and the exit code is 1. The server is told what is live.
    """
    from trackback.delivery.subject import resolve  # noqa: PLC0415 - heavy, and --help should not be

    with connect(server) as client:
        if options["remove"]:
            return _removed(client, model, target, options)
        subject = resolve(client, model)
        if options["environment"] and subject.environment not in (None, options["environment"]):
            raise InvalidParameter(
                f"{subject.label} is delivered to {subject.environment}, by promotion {subject.promotion}, and not to "
                f"{options['environment']}. Leave --environment out, or name the version."
            )
        subject = replace(subject, environment=subject.environment or options["environment"])
        if target == "kubernetes":
            done = _to_cluster(client, subject, options)
        elif target == "systemd" and options["output"]:
            done = _written(client, subject, options)
        else:
            done = _to_slot(client, subject, target, options)
    return Outcome(True, done.document(), lambda: _show(done))


def _to_slot(client: "Client", subject: "Subject", target: str, options: dict[str, Any]) -> "Deployed":
    from trackback.delivery.deploy.switching import Patience  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.deployment import deploy_here  # noqa: PLC0415 - as above

    slot = _slot(subject, target, options)
    place = _place(options)
    return deploy_here(
        client,
        subject,
        target,
        slot,
        _manager(target, slot, options),
        place,
        trust=None if EVERYTHING in options["trust"] else options["trust"],
        patience=Patience(options["timeout_s"], options["watch"], options["drain"]),
        say=say,
    )


def _written(client: "Client", subject: "Subject", options: dict[str, Any]) -> "Deployed":
    """Units in a folder, for whoever puts them to use by other means."""
    from trackback.client.models import fetch_model  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.deploy.systemd import Systemd  # noqa: PLC0415 - as above
    from trackback.delivery.deployment import Deployed, make_release, write_units  # noqa: PLC0415 - as above
    from trackback.delivery.vouched import vouched_files  # noqa: PLC0415 - as above

    slot, place = _slot(subject, "systemd", options), _place(options)
    slot.prepare()
    model = fetch_model(client, subject.uri, slot.model(subject.digest))
    trust = None if EVERYTHING in options["trust"] else options["trust"]
    release = make_release(slot, subject, model, place, vouched_files(client, model, trust))
    manager = _manager("systemd", slot, options)
    assert isinstance(manager, Systemd)
    slot.keep(release)
    slot.marker(release.id).touch()
    files = write_units(options["output"], manager.files(release))
    return Deployed(subject, "systemd", slot.name, place.public_url, False, False, None, files=files)


def _to_cluster(client: "Client", subject: "Subject", options: dict[str, Any]) -> "Deployed":
    from trackback.delivery.deploy.kubernetes import Cluster  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.deploy.manifests import Workload, workload_name  # noqa: PLC0415 - as above
    from trackback.delivery.deployment import deploy_to_cluster, find_image  # noqa: PLC0415 - as above

    if not options["apply"] and options["output"] is None:
        raise InvalidParameter("Name a folder for the manifests by --output, or have them applied by --apply, or both.")
    sizes = ("replicas", "cpu", "cpu_limit", "memory", "memory_limit", "workers", "pull_secret")
    workload = Workload(
        name=options["slot"] or workload_name(_slot_name(subject, options)),
        namespace=options["namespace"],
        image=options["image"] or find_image(client, subject),
        **{each: options[each] for each in sizes},
    )
    return deploy_to_cluster(
        client,
        subject,
        workload,
        cluster=Cluster(options["context"]),
        cluster_name=options["cluster_name"],
        output=options["output"],
        apply=options["apply"],
        timeout_s=options["timeout_s"],
        say=say,
    )


def _removed(client: "Client", model: str | None, target: str, options: dict[str, Any]) -> Outcome:
    from trackback.delivery.deployment import remove_here  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.subject import resolve  # noqa: PLC0415 - as above

    if target == "kubernetes":
        raise InvalidParameter(
            "Take a workload down by `kubectl delete`, and tell the server by `trackback undeployed`."
        )
    subject = None
    if not options["slot"]:
        subject = resolve(client, model)
        subject = replace(subject, environment=subject.environment or options["environment"])
    slot = _slot(subject, target, options)
    live = remove_here(client, slot, _manager(target, slot, options))
    document = {"target": target, "slot": slot.name, "removed": live.release.model if live else None}
    what = f"{live.release.model} is taken down" if live else "nothing was live"
    return Outcome(True, document, lambda: click.echo(f"{slot.name}: {what}"))


def _slot(subject: "Subject | None", target: str, options: dict[str, Any]) -> "Slot":
    from trackback.delivery.deploy.slots import Slot, check_slot_name  # noqa: PLC0415 - heavy, and --help should not be

    name = options["slot"] or _slot_name(subject, options)
    state = options["state"] or _state(target, options)
    return Slot(state / check_slot_name(name))


def _slot_name(subject: "Subject | None", options: dict[str, Any]) -> str:
    from trackback.delivery.deploy.slots import slot_name  # noqa: PLC0415 - heavy, and --help should not be

    assert subject is not None
    environment = subject.environment or options["environment"]
    if not environment:
        raise InvalidParameter(
            f"Nothing says which environment {subject.label} is deployed to. Name it: --environment."
        )
    return slot_name(subject.name or subject.run_id or subject.digest[:12], environment)


def _state(target: str, options: dict[str, Any]) -> Path:
    if target == "systemd" and not _is_user(options):
        return Path("/var/lib/trackback")
    return state_folder() / "deployments"


def _is_user(options: dict[str, Any]) -> bool:
    chosen: bool | None = options["user"]
    return os.geteuid() != 0 if chosen is None else chosen


def _place(options: dict[str, Any]) -> "Place":
    from trackback.delivery.deployment import Place  # noqa: PLC0415 - heavy, and --help should not be

    return Place(**{each: options[each] for each in ("host", "port", "url", "interpreter", "workers")})


def _manager(target: str, slot: "Slot", options: dict[str, Any]) -> "Manager":
    from trackback.delivery.deploy.processes import Processes  # noqa: PLC0415 - heavy, and --help should not be
    from trackback.delivery.deploy.systemd import Systemd  # noqa: PLC0415 - as above

    if target == "process":
        return Processes(slot, options["host"], options["port"], options["interpreter"])
    return Systemd(slot, options["host"], options["port"], user=_is_user(options), account=options["account"])


def _show(done: "Deployed") -> None:
    for each in done.files:
        click.echo(each)
    if done.deployment is None:
        return
    how = "is live" if done.moved else "was live already"
    instead = f", in place of {done.replaced}" if done.replaced else ""
    click.echo(f"{done.subject.label} {how} at {done.locator}{instead}: deployment {done.deployment.id}.")
    if not done.tried:
        click.echo("It has no input example, so no prediction was tried. Log models with input_example=….", err=True)
