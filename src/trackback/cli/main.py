"""`trackback`: its commands, and how errors are shown."""

import sys

import click

from trackback import __version__
from trackback.cli.approve import approvals, approve
from trackback.cli.audit import audit
from trackback.cli.backup import backup, restore
from trackback.cli.build import build
from trackback.cli.db import db
from trackback.cli.deployed import deployed, list_deployments, undeployed
from trackback.cli.gc import gc, purge
from trackback.cli.impact import impact
from trackback.cli.policy import policy
from trackback.cli.promotions import demote, list_promotions, promote, rollback
from trackback.cli.role import role
from trackback.cli.server import server
from trackback.cli.token import token
from trackback.cli.trace import trace
from trackback.cli.user import user
from trackback.cli.verdict import verdict, verdicts
from trackback.cli.webhook import webhook
from trackback.errors import ConfigurationError, TrackbackError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="trackback")
def commands() -> None:
    """trackback: a model repository. What Maven and Ivy are for jars, for trained models."""


@commands.command()
def version() -> None:
    """Print trackback's version."""
    click.echo(__version__)


commands.add_command(server)
commands.add_command(db)
commands.add_command(promote)
commands.add_command(demote)
commands.add_command(rollback)
commands.add_command(list_promotions)
commands.add_command(policy)
commands.add_command(verdict)
commands.add_command(verdicts)
commands.add_command(approve)
commands.add_command(approvals)
commands.add_command(user)
commands.add_command(token)
commands.add_command(role)
commands.add_command(audit)
commands.add_command(gc)
commands.add_command(backup)
commands.add_command(restore)
commands.add_command(purge)
commands.add_command(build)
commands.add_command(deployed)
commands.add_command(undeployed)
commands.add_command(list_deployments)
commands.add_command(trace)
commands.add_command(impact)
commands.add_command(webhook)


def main() -> None:
    """Run the command line. An error of ours ends it in one line: exit code 2 for what it was told, 1 for the rest."""
    try:
        commands(prog_name="trackback")
    except TrackbackError as error:
        click.echo(f"trackback: {error.message}", err=True)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)
