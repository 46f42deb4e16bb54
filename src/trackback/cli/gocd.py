"""`trackback gocd`."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from trackback.cli.remote import connect, json_option, print_json, print_table

F = TypeVar("F", bound=Callable[..., Any])

PER_PIPELINE = 100


def _servers(command: F) -> F:
    """The options that say which GoCD it is about, and which trackback."""
    for option in reversed(
        (
            click.option(
                "--server",
                "gocd_url",
                required=True,
                envvar="GOCD_SERVER_URL",
                show_envvar=True,
                metavar="URL",
                help="GoCD's, such as https://gocd.example.org/go.",
            ),
            click.option(
                "--token",
                "gocd_token",
                required=True,
                envvar="GOCD_ACCESS_TOKEN",
                show_envvar=True,
                help="GoCD's, of its page Personal Access Tokens. Better given in the environment, where no list of "
                "processes shows it.",
            ),
            click.option(
                "--trackback",
                metavar="URI",
                help="The trackback server; by default that of TRACKBACK_TRACKING_URI or MLFLOW_TRACKING_URI. Who asks "
                "is in TRACKBACK_TOKEN.",
            ),
            click.option(
                "--url",
                default="",
                metavar="URL",
                help="Where GoCD reaches the trackback server, if it is not by the same address as this command.",
            ),
        )
    ):
        command = option(command)
    return command


@click.group()
def gocd() -> None:
    """Have GoCD build what is promoted."""


@gocd.command()
@_servers
@click.option("--model", default="", help="Promotions of this registered model to --environment.")
@click.option("--environment", default="", help="Where promotions lead, such as production.")
@click.option("--experiment", default="", help="Promotions of this experiment's runs, by its id or name.")
@click.option(
    "--tag",
    default="",
    metavar="KEY=VALUE",
    help="The tag that promotes a run, of one of the server's rules; promote=true by default.",
)
@click.option(
    "--pull-request-tag", default="", metavar="KEY", help="Runs of pull requests: the tag that has the request's id."
)
@click.option("--days", default="", help="How many days old a run of a pull request may be.")
@click.option("--repository", default="trackback", show_default=True, help="What the repository is called in GoCD.")
@click.option("--package", default="", help="What the package is called in GoCD; by default as what it has.")
@click.option(
    "--reader-token",
    envvar="TRACKBACK_READER_TOKEN",
    show_envvar=True,
    default="",
    help="What GoCD is let in by at the trackback server: a token of a reader. Builds see it, masked.",
)
@click.option(
    "--trigger-token",
    envvar="GOCD_TRIGGER_TOKEN",
    show_envvar=True,
    default="",
    help="What trackback is let in by at GoCD, to tell it of promotions; by default --token. It is enough if its user "
    "may operate the pipelines.",
)
@click.option("--no-trigger", is_flag=True, help="Leave it to GoCD's polls to find promotions.")
@json_option
def init(
    gocd_url: str,
    gocd_token: str,
    trackback: str | None,
    url: str,
    repository: str,
    package: str,
    reader_token: str,
    trigger_token: str,
    no_trigger: bool,
    as_json: bool,
    **asked: str,
) -> None:
    """Set up a repository and a package in GoCD, and have trackback tell GoCD of promotions.

    To run it again changes nothing that is as it should be. GoCD knows the package as a material once a pipeline has
    it: run the command again then, so that promotions trigger at once.
    """
    from trackback.delivery.gocd.api import GoCD  # noqa: PLC0415 - HTTP, which --help should not wait for
    from trackback.delivery.gocd.setup import Wanted, check_package, reachable_address, set_up  # noqa: PLC0415
    from trackback.delivery.gocd.trigger import set_up_trigger, trigger_of  # noqa: PLC0415

    named = package or _package_name(asked)
    with connect(trackback) as client, GoCD(gocd_url, gocd_token) as server:
        address = reachable_address(url, client.tracking_uri, server)
        wanted = Wanted(repository, address, reader_token, named, _fields(asked))
        found = check_package(client, wanted)
        done = set_up(server, wanted)
        trigger = None if no_trigger else trigger_of(client, named, wanted.fields)
        told = (
            set_up_trigger(client, server.url, trigger_token or gocd_token, done.fingerprint, trigger)
            if trigger and done.fingerprint
            else None
        )
    if as_json:
        shown = {"repository": done.repository, "package": done.package, "package_id": done.package_id}
        print_json({**shown, "trigger": told.done if told else None, "found": found})
        return
    click.echo(f"Repository {repository} in GoCD: {done.repository}.")
    click.echo(f"Package {named}: {done.package}. {found}")
    if done.fingerprint is None:
        click.echo(
            f"No pipeline has the package as a material yet. Give it to one, in code as `package: {done.package_id}`."
        )
    if told:
        click.echo(f"Trigger {told.name} in trackback: {told.done}. Promotions are told to GoCD at once.")
    elif trigger:
        click.echo("Then run this command again, so that promotions are told to GoCD at once.")
    else:
        click.echo("No trigger: GoCD finds what is new at its next poll.")


@gocd.command()
@click.argument("pipelines", nargs=-1, required=True, metavar="PIPELINE...")
@_servers
@click.option(
    "-n", "--number", default=PER_PIPELINE, show_default=True, type=click.IntRange(min=1), help="How many runs of each."
)
@json_option
def reconcile(
    pipelines: tuple[str, ...],
    gocd_url: str,
    gocd_token: str,
    trackback: str | None,
    url: str,
    number: int,
    as_json: bool,
) -> None:
    """Report builds of promotions that GoCD's notifications have lost, from the history of pipelines."""
    from trackback.delivery.gocd.api import GoCD  # noqa: PLC0415 - HTTP, which --help should not wait for
    from trackback.delivery.gocd.reconcile import Reconciliation  # noqa: PLC0415

    with connect(trackback) as client, GoCD(gocd_url, gocd_token) as server:
        work = Reconciliation(server, client, url or client.tracking_uri)
        lost = [each for pipeline in pipelines for each in work.reconcile(pipeline, number)]
    if as_json:
        print_json({"reported": [each._asdict() for each in lost]})
        return
    if lost:
        rows = [(each.promotion, f"{each.pipeline} {each.counter}", each.stage, each.result) for each in lost]
        print_table(("PROMOTION", "PIPELINE", "STAGE", "RESULT"), rows)
    click.echo(f"{len(lost)} builds had been lost, and are reported now.")


def _fields(asked: Mapping[str, str]) -> dict[str, str]:
    """The package's fields, as the plugin calls them."""
    key, _, value = asked["tag"].partition("=")
    fields = {
        "EXPERIMENT": asked["experiment"],
        "PROMOTION_TAG_NAME": key,
        "PROMOTION_TAG_VALUE": value,
        "MODEL": asked["model"],
        "ENVIRONMENT": asked["environment"],
        "PR_ID_TAG_NAME": asked["pull_request_tag"],
        "PR_RUNS_WITHIN_DAYS": asked["days"],
    }
    return {name: text for name, text in fields.items() if text}


def _package_name(asked: Mapping[str, str]) -> str:
    """A name that GoCD takes: letters, digits, and . _ -"""
    what = asked["environment"] or ("pull-requests" if asked["pull_request_tag"] else "promoted")
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{asked['model'] or asked['experiment']}-{what}")
