"""`trackback models`."""

import click

from trackback.cli.scoring import predict, serve


@click.group()
def models() -> None:
    """Use models: serve them, and predict for files."""


models.add_command(serve)
models.add_command(predict)
