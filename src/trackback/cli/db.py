"""`trackback db`: the database itself, without a server."""

import sys

import click

from trackback.cli.options import backend_store_uri


@click.group()
def db() -> None:
    """Upgrade and check the database. Stop the servers that use it first."""


@db.command()
@backend_store_uri
def upgrade(backend_store_uri: str) -> None:
    """Bring the database's schema up to this version of trackback. Make a backup first: there is no way back."""
    from trackback.storage import schema  # noqa: PLC0415 - brings the databases' drivers

    before, now = schema.upgrade(backend_store_uri)
    if before == now:
        click.echo(f"The schema has version {now} already.")
    elif before:
        click.echo(f"Upgraded the schema from version {before} to {now}.")
    else:
        click.echo(f"Created the schema, version {now}.")


@db.command()
@backend_store_uri
def check(backend_store_uri: str) -> None:
    """Look for damage in the database, and for a schema that is not this version's. Exit code 1 if there is any."""
    from trackback.storage import schema  # noqa: PLC0415 - brings the databases' drivers

    faults = schema.check(backend_store_uri)
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        sys.exit(1)
    click.echo("The database is sound.")
