"""`trackback`: its commands, and how errors are shown."""

import sys
from importlib import import_module

import click

from trackback import __version__
from trackback.errors import ConfigurationError, TrackbackError

COMMANDS = {
    "approvals": "approve:approvals",
    "approve": "approve:approve",
    "audit": "audit:audit",
    "backup": "backup:backup",
    "build": "build:build",
    "cache": "cache:cache",
    "data": "data:data",
    "db": "db:db",
    "deliver": "deliver:deliver",
    "demote": "promotions:demote",
    "deployed": "deployed:deployed",
    "deployments": "deployed:list_deployments",
    "diff": "diff:diff",
    "gc": "gc:gc",
    "gocd": "gocd:gocd",
    "impact": "impact:impact",
    "models": "models:models",
    "policy": "policy:policy",
    "promote": "promotions:promote",
    "promotions": "promotions:list_promotions",
    "purge": "gc:purge",
    "restore": "backup:restore",
    "role": "role:role",
    "rollback": "promotions:rollback",
    "server": "server:server",
    "sync": "sync:sync",
    "token": "token:token",
    "trace": "trace:trace",
    "undeployed": "deployed:undeployed",
    "user": "user:user",
    "verdict": "verdict:verdict",
    "verdicts": "verdict:verdicts",
    "version": "version:version",
    "webhook": "webhook:webhook",
}
"""Where each command is: the module, imported when the command is asked for, and its name there."""


class Commands(click.Group):
    """The commands of ``COMMANDS``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return find_command(cmd_name)


def find_command(name: str) -> click.Command | None:
    """The command of that name; None if there is none."""
    if name not in COMMANDS:
        return None
    module, _, attribute = COMMANDS[name].partition(":")
    command: click.Command = getattr(import_module(f"trackback.cli.{module}"), attribute)
    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="trackback")
def commands() -> None:
    """trackback: a model repository. What Maven and Ivy are for jars, for trained models."""


def main() -> None:
    """Run the command line. An error of ours ends it in one line: exit code 2 for what it was told, 1 for the rest."""
    try:
        commands(prog_name="trackback")
    except TrackbackError as error:
        click.echo(f"trackback: {error.message}", err=True)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)
