"""`trackback promote`, `demote`, `rollback` and `promotions`."""

from collections.abc import Sequence

import click

from trackback.cli.remote import connect, json_option, moment, print_json, print_table, server_option
from trackback.client.api import walk
from trackback.entities import PendingPromotion, Promotion, PromotionKind

reason_option = click.option("--reason", default="", help="Why, for those who read the log.")


@click.command()
@click.argument("subject")
@click.option("--to", "environment", required=True, metavar="ENVIRONMENT", help="Where, such as production.")
@reason_option
@click.option("--pending", is_flag=True, help="Where the policy says no as yet: wait, and go in once it is met.")
@click.option("--override", is_flag=True, help="Go in although the policy says no. For admins; needs a reason.")
@click.option("--allow-unverified", is_flag=True, help="Also a version whose files the server could not take in.")
@server_option
@json_option
def promote(
    subject: str,
    environment: str,
    reason: str,
    pending: bool,
    override: bool,
    allow_unverified: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Promote SUBJECT, a version (models:/churn/7, models:/churn@candidate) or a run (runs:/ID).

    What is there already stays as it is. Exit code 1 if it may not go in; the message says all that is missing.
    """
    with connect(server) as client:
        done = client.promote(
            subject,
            environment,
            reason=reason,
            pending=pending,
            override=override,
            allow_unverified=allow_unverified,
        )
    if isinstance(done, Promotion):
        _tell(done, as_json)
    elif as_json:
        print_json({"pending": done})
    else:
        click.echo(f"{_subject(done)} waits to enter {environment} (pending {done.id}). Missing:")
        for each in done.unmet:
            click.echo(f"- {each}")


@click.command()
@click.argument("subject")
@click.option("--from", "environment", required=True, metavar="ENVIRONMENT", help="Where, such as production.")
@reason_option
@server_option
@json_option
def demote(subject: str, environment: str, reason: str, server: str | None, as_json: bool) -> None:
    """Take SUBJECT out of an environment: a version, a run, or whatever is there of a model (models:/churn)."""
    with connect(server) as client:
        _tell(client.demote(subject, environment, reason=reason), as_json)


@click.command()
@click.argument("stream")
@click.option("--in", "environment", required=True, metavar="ENVIRONMENT", help="Where, such as production.")
@reason_option
@server_option
@json_option
def rollback(stream: str, environment: str, reason: str, server: str | None, as_json: bool) -> None:
    """Promote again what was in an environment before, of STREAM: a model (models:/churn) or experiments:/ID."""
    with connect(server) as client:
        _tell(client.roll_back(stream, environment, reason=reason), as_json)


@click.command("promotions")
@click.option("--stream", default="", help="Only those of a model (models:/churn) or an experiment (experiments:/ID).")
@click.option("--environment", default="", help="Only those of one environment.")
@click.option("--after", default=0, metavar="NUMBER", help="Only those after this one.", type=click.IntRange(min=0))
@click.option("--at", default="", metavar="TIME", help="What was in force then: 2026-11-01T00:00:00Z, or now.")
@click.option("--waiting", is_flag=True, help="What waits to be promoted, and for what.")
@click.option("--follow", is_flag=True, help="Go on with those to come, until Ctrl-C.")
@server_option
@json_option
def list_promotions(
    stream: str,
    environment: str,
    after: int,
    at: str,
    waiting: bool,
    follow: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """List promotions in the order of the log, each once. With --json one a line, for programs."""
    with connect(server) as client:
        if waiting:
            _print_pending(list(walk(client.list_pending_promotions, stream)), as_json)
        elif at:
            in_force = walk(client.promotions_in_force, stream=stream, environment=environment, at=at)
            _print(list(in_force), as_json)
        elif follow:
            for page in client.follow_promotions(stream=stream, environment=environment, after=after):
                _print(page, as_json)
        else:
            _print(list(client.walk_promotions(stream=stream, environment=environment, after=after)), as_json)


def _tell(done: Promotion, as_json: bool) -> None:
    if as_json:
        print_json({"promotion": done})
    else:
        click.echo(_sentence(done))


def _print(promotions: Sequence[Promotion], as_json: bool) -> None:
    if as_json:
        for each in promotions:
            print_json(each)
        return
    print_table(
        ("No.", "When", "What", "Environment", "Subject", "By", "Why"),
        [
            (each.seq, moment(each.time), each.kind, each.environment, _subject(each), each.actor, each.reason or "")
            for each in promotions
        ],
    )


def _print_pending(pending: Sequence[PendingPromotion], as_json: bool) -> None:
    if as_json:
        for each in pending:
            print_json(each)
        return
    print_table(
        ("No.", "Since", "Environment", "Subject", "By", "Missing"),
        [
            (each.id, moment(each.created), each.environment, _subject(each), each.actor, " ".join(each.unmet))
            for each in pending
        ],
    )


def _sentence(entry: Promotion) -> str:
    if entry.kind is PromotionKind.DEMOTED:
        return f"Promotion {entry.seq}: {_subject(entry)} has left {entry.environment}."
    if entry.kind is PromotionKind.ROLLED_BACK:
        return f"Promotion {entry.seq}: {entry.environment} is back to {_subject(entry)}.{_passed_over(entry)}"
    how = ", overriding the policy" if entry.overridden else ""
    return f"Promotion {entry.seq}: {_subject(entry)} is in {entry.environment}{how}."


def _passed_over(entry: Promotion) -> str:
    numbers = [str(number) for number in entry.basis.get("passed_over", ())]
    if not numbers:
        return ""
    by = f"promotion {numbers[0]}" if len(numbers) == 1 else f"the promotions {', '.join(numbers)}"
    return f" What was there after that, by {by}, was passed over: it has been deleted since."


def _subject(entry: Promotion | PendingPromotion) -> str:
    return f"models:/{entry.name}/{entry.version}" if entry.name else f"runs:/{entry.run_id}"
