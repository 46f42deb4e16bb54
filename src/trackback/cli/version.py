"""`trackback version`."""

import click

from trackback import __version__


@click.command()
def version() -> None:
    """Print trackback's version."""
    click.echo(__version__)
