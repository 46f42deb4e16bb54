"""`trackback policy`."""

import sys
from pathlib import Path
from typing import Any

import click

from trackback.cli.policy_file import FIRST_POLICY, file_argument, policy_yaml, read_policy_file
from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import walk
from trackback.entities import Policy
from trackback.entities.policy_documents import canonical, kept_policy, requirements
from trackback.entities.streams import ALL_MODELS, parse_stream
from trackback.errors import AlreadyExists

stream_argument = click.argument("stream")
environment_argument = click.argument("environment")


@click.group()
def policy() -> None:
    """Say what a version must show before it enters an environment.

    STREAM is a registered model (models:/churn), an experiment (experiments:/12), or '*': all registered models that
    have no policy of their own.
    """


@policy.command()
@click.argument("file", default="policy.yaml", type=click.Path(dir_okay=False, allow_dash=True))
def init(file: str) -> None:
    """Write a policy to begin with, explained line by line, into FILE (policy.yaml); - prints it."""
    if file == "-":
        click.echo(FIRST_POLICY, nl=False)
        return
    try:
        with Path(file).open("x", encoding="utf-8") as target:
            target.write(FIRST_POLICY)
    except FileExistsError:
        raise AlreadyExists(f"{file} is there already. Name another file, or - to print a new policy.") from None
    except OSError as error:
        raise click.ClickException(f"Can't write {file}: {error.strerror}.") from None
    click.echo(f"Wrote {file}. Edit it, then: trackback policy set models:/NAME production {file}")


@policy.command()
@file_argument
def check(file: str) -> None:
    """Check the policy in FILE, without a server, and say what it asks for. Exit code 1 if it is not valid."""
    _print_requirements(canonical(read_policy_file(file)))


@policy.command("set")
@stream_argument
@environment_argument
@file_argument
@server_option
@json_option
def set_policy(stream: str, environment: str, file: str, server: str | None, as_json: bool) -> None:
    """Hold what enters ENVIRONMENT to the policy in FILE, YAML or JSON. The same policy again changes nothing."""
    document = canonical(read_policy_file(file))
    with connect(server) as client:
        done = client.set_policy(stream, environment, document)
    if as_json:
        print_json(done)
        return
    click.echo(f"{environment} of {stream} is held to revision {done.revision}:")
    _print_requirements(done.document)


@policy.command()
@stream_argument
@environment_argument
@server_option
@json_option
def show(stream: str, environment: str, server: str | None, as_json: bool) -> None:
    """Show the policy that is in force, as YAML: STREAM's own, else that of all models."""
    with connect(server) as client:
        found = client.get_policy(stream, environment)
    if as_json:
        print_json(found)
        return
    click.echo(
        f"# {found.environment} of {_place(found)}, revision {found.revision}, by {found.actor}, {moment(found.time)}"
    )
    click.echo(policy_yaml(found.document), nl=False)


@policy.command("list")
@click.option("--stream", default="", help="Only that of a model (models:/churn), an experiment, or '*'.")
@click.option("--environment", default="", help="Only those for one environment.")
@server_option
@json_option
def list_policies(stream: str, environment: str, server: str | None, as_json: bool) -> None:
    """List the policies that are in force."""
    with connect(server) as client:
        _print(list(walk(client.list_policies, stream, environment)), as_json)


@policy.command()
@stream_argument
@environment_argument
@server_option
@json_option
def history(stream: str, environment: str, server: str | None, as_json: bool) -> None:
    """List all revisions of one policy, the newest first."""
    with connect(server) as client:
        _print(list(walk(client.list_policy_revisions, stream, environment)), as_json)


@policy.command()
@stream_argument
@environment_argument
@server_option
def remove(stream: str, environment: str, server: str | None) -> None:
    """Hold what enters ENVIRONMENT to no policy of STREAM's own any more. Its revisions are kept."""
    with connect(server) as client:
        done = client.remove_policy(stream, environment)
    click.echo(f"{environment} of {stream} has no policy of its own any more (revision {done.revision}).")


@policy.command()
@click.argument("subject")
@environment_argument
@server_option
@json_option
def judge(subject: str, environment: str, server: str | None, as_json: bool) -> None:
    """Say what SUBJECT, a version or a run, still lacks to enter ENVIRONMENT. Exit code 1 if there is anything."""
    with connect(server) as client:
        found = client.judge(subject, environment)
    if as_json:
        print_json(found._asdict())
    elif found.unmet:
        click.echo(f"{subject} does not meet the policy for {environment} yet:")
        for each in found.unmet:
            click.echo(f"- {each}")
    else:
        click.echo(f"{subject} meets the policy for {environment}." if found.basis else f"{environment} has no policy.")
    if found.unmet:
        sys.exit(1)


def _print(found: list[Policy], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_table(
        ("STREAM", "ENVIRONMENT", "REVISION", "SET", "BY", "ASKS FOR"),
        [
            (_place(each), each.environment, each.revision, moment(each.time), each.actor, _summary(each))
            for each in found
        ],
    )


def _place(policy: Policy) -> str:
    if policy.name:
        return f"models:/{policy.name}"
    return policy.stream if policy.stream == ALL_MODELS else parse_stream(policy.stream).uri


def _summary(policy: Policy) -> str:
    if policy.removed:
        return "(removed)"
    return "; ".join(requirements(kept_policy(policy.document))) or "nothing"


def _print_requirements(document: dict[str, Any]) -> None:
    lines = requirements(kept_policy(document))
    for each in lines:
        click.echo(f"- {each}")
    if not lines:
        click.echo("- nothing: everything may enter")
