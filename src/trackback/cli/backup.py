"""`trackback backup` and `trackback restore`."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trackback.cli.gc import shown_bytes
from trackback.cli.options import artifacts_destination, backend_store_uri
from trackback.cli.remote import json_option, print_json

if TYPE_CHECKING:
    from trackback.services import backups

SHOWN = 20
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option(
    "--copy-artifacts-to",
    "place",
    default="",
    metavar="PLACE",
    help="Where copies of artifacts are kept, if not in FOLDER: another folder, or s3://bucket/prefix and so on.",
)
@click.option(
    "--keep",
    metavar="NUMBER",
    type=click.IntRange(min=1),
    help="Afterwards, if nothing was lost, delete all backups but so many of the newest.",
)
@backend_store_uri
@artifacts_destination
@json_option
def backup(
    folder: Path, place: str, keep: int | None, backend_store_uri: str, artifacts_destination: str, as_json: bool
) -> None:
    """Back up the database and all artifacts into FOLDER, while servers go on.

    What is in FOLDER from an earlier backup is not copied again. Exit code 1 if the artifact store has lost files.
    """
    from trackback.services import backup_pruning, backups  # noqa: PLC0415 - brings the databases' drivers

    done = asyncio.run(backups.back_up(backend_store_uri, artifacts_destination, folder, place))
    if keep is not None and not done.lost:
        asyncio.run(backup_pruning.prune(folder, keep))
    _report(done, f"Backup {done.name}: {done.all.count} files, {shown_bytes(done.all.bytes)}", as_json)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--backup", "name", default="", metavar="NAME", help="Which, if not the newest: the name of its folder.")
@backend_store_uri
@artifacts_destination
@json_option
def restore(folder: Path, name: str, backend_store_uri: str, artifacts_destination: str, as_json: bool) -> None:
    """Make the database and the artifacts anew from a backup in FOLDER. Nothing is overwritten.

    Every file that is copied is verified by its digest. Exit code 1 if some are damaged, or missing.
    """
    from trackback.services import backups  # noqa: PLC0415 - as above

    found = backups.find_backup(folder, name)
    done = asyncio.run(backups.restore(found, backend_store_uri, artifacts_destination))
    _report(done, f"Restored {done.name}: {done.all.count} files, {shown_bytes(done.all.bytes)}", as_json)


def _report(done: "backups.Transfer", beginning: str, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        click.echo(f"{beginning}; copied {done.copied.count} and verified them, {done.present.count} were there.")
        for blob in done.lost[:SHOWN]:
            click.echo(f"Lost or damaged: {blob.digest} ({shown_bytes(blob.size)}, {blob.location})", err=True)
        if len(done.lost) > SHOWN:
            click.echo(f"… and {len(done.lost) - SHOWN} more: --json lists all.", err=True)
    if done.lost:
        sys.exit(1)
