"""`trackback verdict` and `verdicts`."""

import sys
from pathlib import Path

import click
import msgspec

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import walk
from trackback.entities import Verdict
from trackback.errors import InvalidParameter


@click.command()
@click.argument("subject")
@click.argument("name")
@click.option("--passed/--failed", default=None, help="What the check found; one of both has to be said.")
@click.option("--url", default="", help="Where to read more, such as the build's page.")
@click.option(
    "--report",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="A file with a JSON object that is kept with the verdict: scores, say.",
)
@click.option(
    "--key",
    default="",
    help="Your own name for this report, such as the build's number: a repeat with it writes nothing.",
)
@server_option
@json_option
def verdict(
    subject: str,
    name: str,
    passed: bool | None,
    url: str,
    report: str | None,
    key: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Report what the check NAME found of SUBJECT: a version, a run, or the digest of files."""
    if passed is None:
        raise click.UsageError("Say what the check found: --passed or --failed.")
    read = _read_report(report) if report else None
    with connect(server) as client:
        done = client.report_verdict(subject, name, passed, url=url, report=read, key=key)
    if as_json:
        print_json(done)
    else:
        click.echo(f"Verdict {done.id}: {done.name} {_word(done)} on {subject} (digest {done.digest[:12]}…).")


@click.command()
@click.argument("subject")
@click.option("--name", default="", help="Only those of one check.")
@server_option
@json_option
def verdicts(subject: str, name: str, server: str | None, as_json: bool) -> None:
    """List the verdicts on SUBJECT, a version, a run or a digest, the newest first."""
    with connect(server) as client:
        found = list(walk(client.list_verdicts, subject, name))
    if as_json:
        print_json(found)
        return
    print_table(
        ("NO.", "WHEN", "CHECK", "RESULT", "BY", "URL"),
        [(each.id, moment(each.time), each.name, _word(each), each.actor, each.url) for each in found],
    )


def _word(verdict: Verdict) -> str:
    return "passed" if verdict.passed else "failed"


def _read_report(file: str) -> dict[str, object]:
    text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except (ValueError, RecursionError) as error:
        raise InvalidParameter(f"{file} holds no JSON object, which a report is: {error}.") from None
