"""`trackback sync`."""

import sys

import click
import msgspec

from trackback.cli.remote import RETRIES, json_option, print_json, server_option
from trackback.client.address import find_address
from trackback.client.spool import sync as spools
from trackback.client.spool.folder import REFUSED
from trackback.client.spool.sync import Synced
from trackback.client.transport import Transport


class Line(msgspec.Struct, omit_defaults=True):
    """What is printed of a spool as JSON."""

    folder: str
    server: str
    run_id: str
    sent: int
    left: int
    refused: tuple[str, ...] = ()
    failure: str = ""


@click.command()
@server_option
@json_option
def sync(server: str | None, as_json: bool) -> None:
    """Send what runs have logged and no server has taken yet: without a server, or by a process that has died.

    Each run's goes to the server that it was logged for, or to --server. Processes that still run send their own. Ends
    with exit code 1 if something is left, or was refused.
    """
    given = server and find_address(server).uri
    synced = []
    for each in spools.sync(lambda uri: Transport(server if given else uri or None, retries=RETRIES)):
        synced.append(each)
        if not as_json:
            click.echo(_text(each))
    if as_json:
        print_json([_line(each) for each in synced])
    elif not synced:
        click.echo("Nothing is left to be sent.")
    if any(each.failure or each.refused for each in synced):
        sys.exit(1)


def _line(synced: Synced) -> Line:
    return Line(
        folder=str(synced.folder),
        server=synced.uri,
        run_id=synced.run_id,
        sent=synced.sent,
        left=synced.left,
        refused=tuple(each.message for each in synced.refused),
        failure=synced.failure.message if synced.failure else "",
    )


def _text(synced: Synced) -> str:
    lines = [f"run {synced.run_id}: {synced.sent} records sent to {synced.uri}"]
    lines += [f"  refused: {each.message}" for each in synced.refused]
    if synced.failure:
        lines.append(f"  {synced.left} records are left in {synced.folder}: {synced.failure.message}")
    elif (synced.folder / REFUSED).exists():
        lines.append(f"  What was refused is kept in {synced.folder}/{REFUSED}; delete the folder when it is settled.")
    return "\n".join(lines)
