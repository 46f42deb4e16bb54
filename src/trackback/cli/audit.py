"""`trackback audit`."""

from itertools import islice

import click
import msgspec

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import walk

PER_PAGE = 1000


@click.command()
@click.option("--actor", default="", help="Only what this user did.")
@click.option("--object", "subject", default="", help="Only what was done to this, such as users/ann or models/3.")
@click.option("--action", default="", help="Only this, such as role.grant.")
@click.option("--since", default="", help="Only from this time on, such as 2026-11-01 or 2026-11-01T08:00:00Z.")
@click.option("--until", default="", help="Only what was before this time.")
@click.option("-n", "--number", default=50, show_default=True, type=click.IntRange(min=1), help="How many at most.")
@server_option
@json_option
def audit(
    actor: str,
    subject: str,
    action: str,
    since: str,
    until: str,
    number: int,
    server: str | None,
    as_json: bool,
) -> None:
    """Show what was changed, by whom and from where, the newest first. Only admins may see it."""
    asked = {"actor": actor, "object": subject, "action": action, "since": since, "until": until}
    with connect(server) as client:
        found = walk(client.search_audit, **asked, max_results=min(number, PER_PAGE))
        entries = list(islice(found, number))
    if as_json:
        print_json(entries)
        return
    print_table(
        ("TIME", "ACTOR", "ADDRESS", "ACTION", "OBJECT", "DETAILS"),
        [
            (
                moment(each.time),
                each.actor,
                each.address,
                each.action,
                each.object,
                msgspec.json.encode(each.details).decode() if each.details else "",
            )
            for each in entries
        ],
    )
