"""`trackback deployed`, `undeployed` and `deployments`."""

from typing import Any

import click

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import walk
from trackback.delivery import ci
from trackback.entities import Deployment, DeploymentKind

KINDS = [kind.value for kind in DeploymentKind]


@click.command()
@click.argument("locator")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="What LOCATOR is.")
@click.option("--version", default="", metavar="SUBJECT", help="What runs there: models:/churn/7.")
@click.option("--digest", default="", help="What runs there, by the digest of the version's files.")
@click.option(
    "--promotion",
    type=click.IntRange(min=1),
    envvar=ci.PROMOTION,
    help="The promotion that it carries out, which says what runs there; if nothing else says it, that of GoCD's "
    "package material.",
)
@click.option("--build", type=click.IntRange(min=1), help="The build that did it, which says the promotion.")
@click.option("--environment", default="", help="Where, such as production; by default the promotion's.")
@click.option("--image", default="", help="The image that an endpoint or a workload runs, with its digest.")
@click.option("--region", default="", help="The region of an AMI.")
@click.option("--slot", default="", help="The place that one takes over from another, where that is not the usual one.")
@click.option("--key", default="", help="What the deployment is known by, so that a retried job reports it once.")
@click.option("--replaces", multiple=True, type=click.IntRange(min=1), help="A deployment that is gone with it.")
@click.option("--replaces-previous", is_flag=True, help="What was live of the model in its slot is gone with it.")
@server_option
@json_option
def deployed(server: str | None, as_json: bool, **fields: Any) -> None:
    """Report that a version is live at LOCATOR.

    LOCATOR is an image with its digest (registry/name@sha256:…), an endpoint's URL, an AMI id, a workload's name.
    """
    said_otherwise = any(fields[name] for name in ("promotion", "version", "digest", "build"))
    promotion = fields["promotion"] if said_otherwise else ci.promotion_of_package()
    with connect(server) as client:
        _print(client.report_deployment(**{**fields, "promotion": promotion}), as_json)


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@server_option
@json_option
def undeployed(number: int, server: str | None, as_json: bool) -> None:
    """Report that deployment NUMBER is gone. To report it again changes nothing."""
    with connect(server) as client:
        _print(client.end_deployment(number), as_json)


@click.command("deployments")
@click.option("--environment", default="", help="Only those in one environment.")
@click.option("--at", default="", metavar="TIME", help="Only what was live then: 2026-11-01T00:00:00Z, or now.")
@click.option("--model", default="", metavar="STREAM", help="Only those of a model: models:/churn.")
@click.option("--version", default="", metavar="SUBJECT", help="Only those of a version: models:/churn/7.")
@click.option("--digest", default="", help="Only those of the version with this digest.")
@click.option("--locator", default="", help="Only those of this image, endpoint, AMI or workload.")
@server_option
@json_option
def list_deployments(
    environment: str,
    at: str,
    model: str,
    version: str,
    digest: str,
    locator: str,
    server: str | None,
    as_json: bool,
) -> None:
    """List what is deployed, and what was, the last started first. With --json one a line."""
    with connect(server) as client:
        deployments = walk(
            client.list_deployments,
            environment=environment,
            at=at,
            stream=model,
            version=version,
            digest=digest,
            locator=locator,
        )
        found = list(deployments)
    if as_json:
        for each in found:
            print_json(each)
        return
    print_table(
        ("No.", "Environment", "What", "Where", "From", "Until", "Promotion"),
        [
            (
                each.id,
                each.environment,
                content_of(each),
                place_of(each),
                moment(each.started),
                moment(each.ended),
                each.promotion,
            )
            for each in found
        ],
    )


def content_of(each: Deployment) -> str:
    """What is deployed, as people name it."""
    return f"models:/{each.name}/{each.version}" if each.name else f"sha256:{each.digest}"


def place_of(each: Deployment) -> str:
    """Where it is deployed, as people name it."""
    return f"{each.locator} in {each.region}" if each.region else each.locator


def _print(reported: Deployment, as_json: bool) -> None:
    if as_json:
        print_json(reported)
        return
    how = "is live" if reported.ended is None else f"was live until {moment(reported.ended)}"
    click.echo(
        f"Deployment {reported.id}: {content_of(reported)} {how} in {reported.environment}, at {place_of(reported)}."
    )
