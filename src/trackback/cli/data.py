"""`trackback data`: data sets that a server keeps."""

from pathlib import Path

import click

from trackback.cli.remote import connect, server_option


@click.group()
def data() -> None:
    """Data sets that were logged with store=True, by the digest of their content."""


@data.command()
@click.argument("digest")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file, or for a folder the folder, that it becomes; by default what it is called, in the current folder.",
)
@click.option("--run", default="", metavar="ID", help="Look for it among the files of this run.")
@server_option
def get(digest: str, output: Path | None, run: str, server: str | None) -> None:
    """Download the data set with a DIGEST, and verify it. Prints where it is. What is there already is not replaced."""
    from trackback.provenance.datasets import stored  # noqa: PLC0415 - reads data with heavy libraries

    with connect(server) as client:
        root = stored.root_of_run(client.transport, run) if run else stored.ROOT
        click.echo(stored.fetch(client.transport, digest, output, root))
