"""`trackback cache`."""

import click

from trackback.cli.gc import shown_bytes
from trackback.cli.remote import json_option, print_json, print_table
from trackback.client.cache import Cache


@click.group()
def cache() -> None:
    """See and clear what was fetched to this machine. TRACKBACK_CACHE_DIR says where it is kept."""


@cache.command("list")
@json_option
def list_trees(as_json: bool) -> None:
    """List the models that are here, by digest, the last used first."""
    kept = Cache()
    found = kept.trees()
    if as_json:
        for each in found:
            print_json({**each._asdict(), "path": str(each.path)})
        return
    print_table(("Digest", "Files", "Size"), [(each.digest, each.files, shown_bytes(each.bytes)) for each in found])
    click.echo(f"In {kept.folder}.")


@cache.command()
@click.argument("digest", required=False)
def clear(digest: str | None) -> None:
    """Remove all that is here, or the model of DIGEST. What is needed again is fetched again."""
    kept = Cache()
    click.echo(f"{shown_bytes(kept.clear(digest))} freed in {kept.folder}.")
