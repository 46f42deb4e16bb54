"""`trackback gc` and `trackback purge`."""

import re

import click

from trackback.cli.remote import connect, json_option, print_json, print_table, server_option
from trackback.entities import Garbage

_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MEANINGS = {
    Garbage.RUNS: "deleted runs, and the sizes of their files",
    Garbage.LOGGED_MODELS: "deleted logged models, likewise",
    Garbage.SNAPSHOTS: "snapshots that nothing refers to, likewise",
    Garbage.BLOBS: "bytes that nothing has referred to for the grace",
    Garbage.ORPHANS: "bytes that broken-off uploads have left",
    Garbage.CONDEMNED: "bytes that nothing refers to, kept until the grace is over",
}


def milliseconds(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """``7d``, ``12h``, ``30m``, ``90s`` or ``0``, in milliseconds."""
    match = re.fullmatch(r"([0-9]{1,9})([smhd])|0", value)
    if not match:
        raise click.BadParameter(f"{value!r} is no duration: give a number and s, m, h or d, such as 7d.")
    return int(match[1]) * _UNITS_MS[match[2]] if match[1] else 0


@click.command()
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would go.")
@click.option(
    "--grace",
    callback=milliseconds,
    default="7d",
    metavar="DURATION",
    show_default=True,
    help="How long ago runs and models must have been deleted, and bytes have lost their last use: 7d, 12h, 0.",
)
@server_option
@json_option
def gc(dry_run: bool, grace: int, server: str | None, as_json: bool) -> None:
    """Clear away what was deleted a while ago, and bytes that nothing refers to. For admins.

    What a version, a promotion or a deployment refers to stays. A server does it, while others go on.
    """
    with connect(server) as client:
        found = client.collect_garbage(grace_ms=grace, dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "found": found})
        return
    click.echo("Would be removed:" if dry_run else "Removed:")
    gone = [kind for kind in _MEANINGS if kind is not Garbage.CONDEMNED]
    rows = [(found[kind].count, shown_bytes(found[kind].bytes), _MEANINGS[kind]) for kind in gone]
    print_table(("Count", "Size", "What"), rows)
    freed = found[Garbage.BLOBS] + found[Garbage.ORPHANS]
    waiting = found[Garbage.CONDEMNED]
    click.echo(
        f"{shown_bytes(freed.bytes)} {'would be ' if dry_run else ''}freed; {shown_bytes(waiting.bytes)} in "
        f"{waiting.count} blobs {'would ' if dry_run else ''}wait until the grace is over."
    )


def shown_bytes(number: int) -> str:
    """As people read it: ``1.4 GB``."""
    size = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}" if unit != "B" else f"{number} B"
        size /= 1000
    return f"{size:.3g} TB"


@click.command()
@click.argument("subject")
@click.option("--reason", required=True, help="Why; the tombstone keeps it.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@server_option
@json_option
def purge(subject: str, reason: str, yes: bool, server: str | None, as_json: bool) -> None:
    """Have the files of SUBJECT, a version such as models:/churn/7, go for good. For admins.

    One that was ever promoted or deployed can't be purged. Its number, digest, params and metrics are kept.
    """
    match = re.fullmatch(r"models:/(.+)/([0-9]+)", subject)
    if not match:
        raise click.BadParameter(f"{subject!r} is no version: name one as models:/churn/7.", param_hint="SUBJECT")
    if not yes:
        click.confirm(f"The files of {subject} will be gone for good. Purge it?", abort=True, err=True)
    with connect(server) as client:
        tombstone = client.purge_model_version(match[1], match[2], reason)
    if as_json:
        print_json(tombstone)
    else:
        click.echo(f"Purged {subject} ({tombstone.digest or 'it had no files here'}). `trackback gc` frees the bytes.")
