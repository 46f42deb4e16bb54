"""`trackback build`: what a pipeline says of itself. In GoCD, GitHub Actions and GitLab most is in the environment."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import walk
from trackback.delivery import ci
from trackback.entities import Build, BuildResult

ENDS = [result.value for result in BuildResult if result is not BuildResult.RUNNING]

_IDENTITY = {
    "pipeline": "The pipeline.",
    "counter": "Which run of it this is.",
    "stage": "The stage, if it is one's build.",
    "job": "The job, if it is one's build.",
}

F = TypeVar("F", bound=Callable[..., Any])


def _identity(command: F) -> F:
    """The options that say which build it is."""
    for name, text in reversed(_IDENTITY.items()):
        command = click.option(f"--{name}", default="", envvar=list(ci.NAMES[name]), help=text)(command)
    command = click.option(
        "--system", default="", envvar="TRACKBACK_SYSTEM", help="The CI system; found out where it can be."
    )(command)
    command = click.option(
        "--promotion",
        type=click.IntRange(min=1),
        envvar=ci.PROMOTION,
        help="The number of the promotion that it is for; by default that of GoCD's package material.",
    )(command)
    return click.option(
        "--key",
        default="",
        help="What the build is known by; by default its promotion, system, pipeline, counter, stage and job.",
    )(command)


def _links(command: F) -> F:
    command = click.option("--log-url", default="", metavar="URL", help="Where its log is.")(command)
    return click.option("--url", default="", metavar="URL", help="Where people see it.")(command)


@click.group()
def build() -> None:
    """Report what CI does for a promotion. To report the same again changes nothing."""


@build.command()
@_identity
@_links
@server_option
@json_option
def start(server: str | None, as_json: bool, **fields: Any) -> None:
    """Say that a build has started, or starts again."""
    _report({**fields, "result": BuildResult.RUNNING}, server, as_json)


@build.command()
@click.argument("number", required=False, type=click.IntRange(min=1))
@click.option("--result", required=True, type=click.Choice(ENDS), help="How it ended.")
@_identity
@_links
@server_option
@json_option
def finish(number: int | None, server: str | None, as_json: bool, **fields: Any) -> None:
    """Say how a build ended: build NUMBER, or the one with the same key, pipeline, counter and so on."""
    if number is None:
        _report(fields, server, as_json)
        return
    said = {name: fields[name] for name in ("result", "url", "log_url")}
    with connect(server) as client:
        _print(client.update_build(number, **said), as_json)


@build.command("list")
@click.option("--promotion", type=click.IntRange(min=1), help="Only those for this promotion.")
@click.option("--subject", default="", help="Only those for promotions of models:/name/7 or runs:/ID.")
@click.option("--url", default="", help="Only those at this URL.")
@server_option
@json_option
def list_builds(promotion: int | None, subject: str, url: str, server: str | None, as_json: bool) -> None:
    """List builds, the last reported first. With --json one a line."""
    with connect(server) as client:
        found = list(walk(client.list_builds, promotion=promotion, subject=subject, url=url))
    if as_json:
        for each in found:
            print_json(each)
        return
    print_table(
        ("No.", "Promotion", "Build", "Result", "Started", "Finished", "URL"),
        [
            (each.id, each.promotion, _name(each), each.result, moment(each.started), moment(each.finished), each.url)
            for each in found
        ],
    )


def _report(fields: dict[str, Any], server: str | None, as_json: bool) -> None:
    promotion = fields["promotion"] or ci.promotion_of_package()
    said = {**fields, "system": fields["system"] or ci.current_system(), "promotion": promotion}
    with connect(server) as client:
        _print(client.report_build(**said), as_json)


def _print(reported: Build, as_json: bool) -> None:
    if as_json:
        print_json(reported)
    else:
        name = _name(reported)
        click.echo(f"Build {reported.id}: {name} is {reported.result}, for promotion {reported.promotion}.")


def _name(each: Build) -> str:
    return "/".join(filter(None, (each.system, each.pipeline, each.counter, each.stage, each.job)))
